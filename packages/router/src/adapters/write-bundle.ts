import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RoutingBundle } from "../routing-bundle.ts";
import { BundleLock } from "./bundle-lock.ts";
import { bundleError, promptFile, ROUTING_FILE, readRoutingFile } from "./read-bundle.ts";

export interface WriteBundleOptions {
	/** Write even if the revision on disk is not lower. Watchers refuse to go back all the same. @default false */
	readonly force?: boolean | undefined;
}

/** Where a write may be interrupted; tests kill the process there. */
export type WriteStep = "locked" | "prompt-temporary" | "prompts-written" | "routing-temporary" | "routing-renamed";

/**
 * Puts a bundle in place: prompt files first, then `routing.json` by temporary file, fsync and rename. Whoever reads
 * sees the old bundle or the new one, also if this process is killed.
 *
 * @throws {RouterError} REVISION_NOT_HIGHER, BUNDLE_LOCKED
 */
export async function writeBundle(
	directory: string,
	bundle: RoutingBundle,
	options: WriteBundleOptions = {},
): Promise<void> {
	for await (const _ of writeSteps(directory, bundle, options));
}

export async function* writeSteps(
	directory: string,
	bundle: RoutingBundle,
	options: WriteBundleOptions = {},
): AsyncGenerator<WriteStep, void, void> {
	const promptDirectory = join(directory, "prompts");
	await mkdir(promptDirectory, { recursive: true });
	const lock = await BundleLock.acquire(directory);
	try {
		yield "locked";
		await removeOrphans(directory);
		await removeOrphans(promptDirectory);
		refuseLowerRevision(directory, bundle, options);
		for (const [digest, bytes] of bundle.prompts) {
			const file = promptFile(directory, digest);
			if (await hasDigest(file, digest)) continue;
			const temporary = await writeTemporary(file, bytes);
			yield "prompt-temporary";
			await rename(temporary, file);
		}
		await syncDirectory(promptDirectory);
		yield "prompts-written";
		const file = join(directory, ROUTING_FILE);
		const temporary = await writeTemporary(file, bundle.json);
		yield "routing-temporary";
		await lock.assertHeld();
		await rename(temporary, file);
		yield "routing-renamed";
		await syncDirectory(directory);
	} finally {
		await lock.release();
	}
}

function refuseLowerRevision(directory: string, bundle: RoutingBundle, options: WriteBundleOptions): void {
	const onDisk = revisionOnDisk(directory);
	const { revision } = bundle.file.metadata;
	if (options.force === true || onDisk === undefined || revision > onDisk) return;
	throw bundleError(
		"REVISION_NOT_HIGHER",
		join(directory, ROUTING_FILE),
		`revision ${revision} is not above ${onDisk} on disk; compile with a higher one`,
	);
}

/** Revision of the routing file in place; `undefined` if there is none that can be read, which a write repairs. */
export function revisionOnDisk(directory: string): number | undefined {
	let text: string;
	try {
		text = readRoutingFile(directory).toString("utf8");
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "BUNDLE_MISSING") return undefined;
		throw error;
	}
	try {
		const revision: unknown = JSON.parse(text)?.metadata?.revision;
		return typeof revision === "number" ? revision : undefined;
	} catch {
		// Torn by somebody who wrote in place; no revision can be lost by replacing it.
		return undefined;
	}
}

/** Under the lock nobody else has a temporary file here, so what is found is from writers that were killed. */
async function removeOrphans(directory: string): Promise<void> {
	const names = await readdir(directory);
	const orphans = names.filter((name) =>
		/^(?:routing\.json|routing\.lock|[0-9a-f]{64}\.prompt)\.[0-9a-f-]{36}\.tmp$/.test(name),
	);
	await Promise.all(orphans.map((name) => rm(join(directory, name), { force: true })));
}

async function hasDigest(file: string, digest: string): Promise<boolean> {
	try {
		return (
			createHash("sha256")
				.update(await readFile(file))
				.digest("hex") === digest
		);
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
		throw error;
	}
}

/** Beside its target, since a rename works within one file system. */
async function writeTemporary(file: string, content: Uint8Array | string): Promise<string> {
	const temporary = `${file}.${randomUUID()}.tmp`;
	const handle = await open(temporary, "wx", 0o644);
	try {
		await handle.writeFile(content);
		await handle.sync();
	} finally {
		await handle.close();
	}
	return temporary;
}

/** Makes renames last through a power failure. */
async function syncDirectory(directory: string): Promise<void> {
	const handle = await open(directory, "r");
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}
