import type { KeyObject } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RollbackRecord } from "@armspan/schema";
import { RouterError } from "../errors.ts";
import type { RoutingBundle } from "../routing-bundle.ts";
import { MAX_FLAGS } from "../routing-schema.ts";
import { readRollback } from "./accept-routing.ts";
import {
	bundleError,
	MAX_ROUTING_FILE_BYTES,
	ROLLBACK_FILE,
	ROLLBACK_SIGNATURE_FILE,
	ROUTING_FILE,
	readBundleFile,
	readCompanionFile,
	SIGNATURE_FILE,
} from "./bundle-file.ts";
import { BundleLock } from "./bundle-lock.ts";
import { placeFile, removeOrphans, syncDirectory, writeTemporary } from "./place-file.ts";
import { promptFile } from "./read-bundle.ts";
import { revisionRefusal } from "./revision-rule.ts";
import { MAX_SIGNATURES, signatureLines, signRouting } from "./routing-signature.ts";
import { sha256, sha256OfFile } from "./sha256.ts";

export interface WriteBundleOptions {
	/** Write even if the revision on disk is not lower. Watchers refuse to go back all the same. @default false */
	readonly force?: boolean | undefined;
	/** ed25519; signs the routing file and the rollback record. Without it a signature that is there is removed. */
	readonly privateKey?: KeyObject | undefined;
	/** A person's word that readers may go back to this bundle; written beside it. Its digest is filled in. */
	readonly rollback?: Omit<RollbackRecord, "routingDigest" | "toRevision"> | undefined;
}

/** Where a write may be interrupted; tests kill the process there. */
export type WriteStep = "locked" | "prompt-temporary" | "prompts-written" | "routing-temporary" | "routing-renamed";

/** What is put in place: bytes, with signatures made already. */
export interface BundleFiles {
	readonly revision: number;
	readonly routing: Uint8Array;
	readonly signature: string | undefined;
	readonly rollback: Uint8Array | undefined;
	readonly rollbackSignature: string | undefined;
	/** Digest → prompt file. */
	readonly prompts: ReadonlyMap<string, Uint8Array>;
}

/**
 * Puts a bundle in place: prompt files first, then the signature, then `routing.json` by temporary file, fsync and
 * rename. Whoever reads sees the old bundle or the new one, each with a signature that fits, also if this process is
 * killed.
 *
 * @throws {RouterError} REVISION_NOT_HIGHER, REVISION_ROLLED_BACK, BUNDLE_LOCKED, BUNDLE_TOO_LARGE
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
	yield* placeSteps(directory, bundleFiles(bundle, options), { force: options.force === true });
}

/** Signs a bundle that is in place and was compiled here; for a key that came later. */
export async function signBundle(directory: string, routingDigest: string, privateKey: KeyObject): Promise<void> {
	const lock = await BundleLock.acquire(directory);
	try {
		const routing = readBundleFile(join(directory, ROUTING_FILE), MAX_ROUTING_FILE_BYTES);
		if (sha256(routing) !== routingDigest) {
			throw bundleError("BUNDLE_TORN", join(directory, ROUTING_FILE), "it has changed meanwhile; sign again");
		}
		await placeFile(join(directory, SIGNATURE_FILE), `${signRouting(routing, privateKey)}\n`);
		await syncDirectory(directory);
	} finally {
		await lock.release();
	}
}

function bundleFiles(bundle: RoutingBundle, { privateKey, rollback }: WriteBundleOptions): BundleFiles {
	const routing = Buffer.from(bundle.json);
	const { revision } = bundle.file.metadata;
	if (routing.length > MAX_ROUTING_FILE_BYTES) {
		throw bundleError(
			"BUNDLE_TOO_LARGE",
			ROUTING_FILE,
			`${routing.length} bytes; readers take ${MAX_ROUTING_FILE_BYTES}`,
		);
	}
	const flags = Object.keys(bundle.file.flags).length;
	if (flags > MAX_FLAGS) {
		throw bundleError("BUNDLE_TOO_LARGE", ROUTING_FILE, `${flags} flags; readers take ${MAX_FLAGS}`);
	}
	const record: RollbackRecord | undefined = rollback && {
		...rollback,
		toRevision: revision,
		routingDigest: sha256(routing),
	};
	const recordBytes = record && Buffer.from(`${JSON.stringify(record, undefined, "\t")}\n`);
	return {
		revision,
		routing,
		signature: privateKey && signRouting(routing, privateKey),
		rollback: recordBytes,
		rollbackSignature: recordBytes && privateKey && signRouting(recordBytes, privateKey),
		prompts: bundle.prompts,
	};
}

/** @param keepsAlive whether waiting for another writer keeps the process alive */
export async function* placeSteps(
	directory: string,
	files: BundleFiles,
	{ force, keepsAlive = true }: { force: boolean; keepsAlive?: boolean },
): AsyncGenerator<WriteStep, void, void> {
	const promptDirectory = join(directory, "prompts");
	await mkdir(promptDirectory, { recursive: true });
	const lock = await BundleLock.acquire(directory, keepsAlive);
	try {
		yield "locked";
		await removeOrphans(directory);
		await removeOrphans(promptDirectory);
		if (!force) refuseRevision(directory, files);
		for (const [digest, bytes] of files.prompts) {
			const file = promptFile(directory, digest);
			if ((await sha256OfFile(file)) === digest) continue;
			const temporary = await writeTemporary(file, bytes);
			yield "prompt-temporary";
			await rename(temporary, file);
		}
		await syncDirectory(promptDirectory);
		yield "prompts-written";
		await placeCompanions(directory, files);
		const file = join(directory, ROUTING_FILE);
		const temporary = await writeTemporary(file, files.routing);
		yield "routing-temporary";
		await lock.assertHeld();
		await rename(temporary, file);
		yield "routing-renamed";
		if (files.signature === undefined) await rm(join(directory, SIGNATURE_FILE), { force: true });
		await syncDirectory(directory);
	} finally {
		await lock.release();
	}
}

async function placeCompanions(directory: string, files: BundleFiles): Promise<void> {
	if (files.rollback !== undefined) {
		const signature = join(directory, ROLLBACK_SIGNATURE_FILE);
		if (files.rollbackSignature === undefined) await rm(signature, { force: true });
		else await placeFile(signature, `${files.rollbackSignature.trim()}\n`);
		await placeFile(join(directory, ROLLBACK_FILE), files.rollback);
	}
	if (files.signature === undefined) return;
	const file = join(directory, SIGNATURE_FILE);
	// The routing file of before stays signed until the rename, and readers between the two find a line for either.
	const lines = new Set([...signatureLines(files.signature), ...signaturesOnDisk(file).slice(0, 2)]);
	await placeFile(file, `${[...lines].slice(0, MAX_SIGNATURES).join("\n")}\n`);
}

function signaturesOnDisk(file: string): string[] {
	try {
		return signatureLines(readCompanionFile(file)?.toString("latin1") ?? "");
	} catch (error) {
		// What cannot be read signs nothing; it is replaced.
		if (error instanceof RouterError) return [];
		throw error;
	}
}

function refuseRevision(directory: string, files: BundleFiles): void {
	const file = join(directory, ROUTING_FILE);
	const onDisk = identityOnDisk(directory);
	const next = { revision: files.revision, routingDigest: sha256(files.routing) };
	const bytes = { origin: file, routing: files.routing, rollback: files.rollback ?? rollbackOnDisk(directory) };
	if (files.rollback === undefined && onDisk?.routingDigest === next.routingDigest) {
		throw bundleError("REVISION_NOT_HIGHER", file, `revision ${next.revision} is on disk already`);
	}
	const refusal = revisionRefusal(next, onDisk, readRollback(bytes, undefined));
	if (refusal === undefined) return;
	const code =
		refusal.code === "ROLLBACK_INVALID" && files.rollback === undefined ? "REVISION_NOT_HIGHER" : refusal.code;
	const fix = `revision ${next.revision} is not above ${onDisk?.revision} on disk; compile with a higher one`;
	throw bundleError(code, file, code === "REVISION_NOT_HIGHER" ? fix : refusal.fix);
}

function rollbackOnDisk(directory: string): Buffer | undefined {
	try {
		return readCompanionFile(join(directory, ROLLBACK_FILE));
	} catch (error) {
		// A record that cannot be read has no say.
		if (error instanceof RouterError) return undefined;
		throw error;
	}
}

/** Revision of the routing file in place; `undefined` if there is none that can be read, which a write repairs. */
export function revisionOnDisk(directory: string): number | undefined {
	return identityOnDisk(directory)?.revision;
}

function identityOnDisk(directory: string): { revision: number; routingDigest: string } | undefined {
	let bytes: Buffer;
	try {
		bytes = readBundleFile(join(directory, ROUTING_FILE), MAX_ROUTING_FILE_BYTES);
	} catch (error) {
		if (error instanceof RouterError && error.code === "BUNDLE_MISSING") return undefined;
		throw error;
	}
	try {
		const revision: unknown = JSON.parse(bytes.toString("utf8"))?.metadata?.revision;
		return typeof revision === "number" ? { revision, routingDigest: sha256(bytes) } : undefined;
	} catch {
		// Torn by somebody who wrote in place; no revision can be lost by replacing it.
		return undefined;
	}
}
