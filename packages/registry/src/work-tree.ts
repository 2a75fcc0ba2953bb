import { randomUUID } from "node:crypto";
import { chmod, lstat, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Git } from "./git.ts";
import { RegistryError } from "./registry-error.ts";

export interface CommittedChange {
	/** Path inside the repository, with `/`. */
	readonly path: string;
	readonly mode: string;
	readonly before: { readonly objectId: string; readonly bytes: Uint8Array };
	readonly after: { readonly objectId: string; readonly bytes: Uint8Array };
}

/**
 * Brings index and work tree along after a commit that bypassed them; without it, the next `git commit`
 * of a person would silently undo the change. What a person has edited or staged is never overwritten.
 */
export async function bringWorkTreeAlong(
	git: Git,
	directory: string,
	change: CommittedChange,
): Promise<"updated" | "left-alone"> {
	const indexed = await updateIndexEntry(git, change);
	const file = join(directory, change.path);
	// An edited file stays; its index entry still moved on, so that only the person's own edit shows as a change.
	if (!indexed || !(await isUnchangedFile(file, change.before.bytes))) return "left-alone";
	await replaceFile(file, change.after.bytes);
	// Records the new file's size and times, so that `git status` need not read it again.
	await git(["update-index", "-q", "--refresh"], { accept: [1, 128] });
	return "updated";
}

async function updateIndexEntry(git: Git, { path, mode, before, after }: CommittedChange): Promise<boolean> {
	for (let attempt = 0; attempt < 8; attempt++) {
		const { stdout } = await git(["ls-files", "-s", "-z", "--", path]);
		const [entry, ...others] = stdout.toString("utf8").split("\0").filter(Boolean);
		const staged = /^\d+ ([0-9a-f]+) 0\t/.exec(entry ?? "")?.[1];
		if (others.length > 0) return false;
		if (staged === after.objectId) return true;
		if (staged !== before.objectId) return false;
		try {
			await git(["update-index", "--cacheinfo", `${mode},${after.objectId},${path}`]);
			return true;
		} catch (error) {
			// Somebody's git holds index.lock: usually for milliseconds, with an open editor for minutes.
			const locked = error instanceof RegistryError && /index\.lock/.test(error.details.stderr ?? "");
			if (!locked) throw error;
			await sleep(20 + Math.random() * 60);
		}
	}
	return false;
}

/** Whether the file is a regular one with exactly these bytes. */
export async function isUnchangedFile(file: string, bytes: Uint8Array): Promise<boolean> {
	try {
		// A link could lead the write out of the repository.
		const [folder, entry] = await Promise.all([lstat(dirname(file)), lstat(file)]);
		if (!folder.isDirectory() || !entry.isFile() || entry.size !== bytes.length) return false;
		return (await readFile(file)).equals(bytes);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw error;
	}
}

/** Old bytes or new bytes, never a part: temporary file, fsync, rename. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
	const temporary = join(dirname(file), `.armspan-${randomUUID()}.tmp`);
	const { mode } = await lstat(file);
	try {
		const handle = await open(temporary, "wx");
		try {
			await handle.writeFile(bytes);
			await handle.sync();
		} finally {
			await handle.close();
		}
		await chmod(temporary, mode & 0o777);
		await rename(temporary, file);
	} finally {
		await rm(temporary, { force: true });
	}
}
