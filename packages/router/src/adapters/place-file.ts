import { randomUUID } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const ORPHAN =
	/^(?:routing\.json|routing\.json\.sig|rollback\.json|rollback\.json\.sig|routing\.lock|[0-9a-f]{64}\.prompt)\.[0-9a-f-]{36}\.tmp$/;

/** Puts a file in place by temporary file, fsync and rename. */
export async function placeFile(file: string, content: Uint8Array | string): Promise<void> {
	await rename(await writeTemporary(file, content), file);
}

/** Beside its target, since a rename works within one file system. */
export async function writeTemporary(file: string, content: Uint8Array | string): Promise<string> {
	const temporary = `${file}.${randomUUID()}.tmp`;
	const handle = await open(temporary, "wx", 0o644);
	try {
		await handle.writeFile(content);
		await handle.sync();
	} catch (error) {
		// A full disk: what is half written must not fill it further.
		await rm(temporary, { force: true });
		throw error;
	} finally {
		await handle.close();
	}
	return temporary;
}

/** Under the lock nobody else has a temporary file here, so what is found is from writers that were killed. */
export async function removeOrphans(directory: string): Promise<void> {
	const orphans = (await readdir(directory)).filter((name) => ORPHAN.test(name));
	await Promise.all(orphans.map((name) => rm(join(directory, name), { force: true })));
}

/** Makes renames last through a power failure. */
export async function syncDirectory(directory: string): Promise<void> {
	const handle = await open(directory, "r");
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}
