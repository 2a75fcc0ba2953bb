import { join } from "node:path";
import type { RoutingFile } from "@armspan/schema";
import { RouterError, type RouterErrorCode, type RouterProblem } from "../errors.ts";
import { atOnce } from "../in-slices.ts";
import type { RoutingTable } from "../routing-table.ts";
import { acceptRoutingSteps, type CheckedRouting, type RoutingBytes, type Trust } from "./accept-routing.ts";
import {
	MAX_PROMPT_FILE_BYTES,
	MAX_ROUTING_FILE_BYTES,
	ROLLBACK_FILE,
	ROLLBACK_SIGNATURE_FILE,
	ROUTING_FILE,
	readBundleFile,
	readCompanionFile,
	SIGNATURE_FILE,
} from "./bundle-file.ts";
import { sha256 } from "./sha256.ts";

/** A bundle that can be used: the table is checked and every prompt file that it can lead to is there. */
export interface LoadedBundle {
	readonly table: RoutingTable;
	readonly file: RoutingFile;
	/** Digest → prompt file. */
	readonly prompts: ReadonlyMap<string, Uint8Array>;
	/** sha256 of the bytes of `routing.json`. */
	readonly routingDigest: string;
	/** As they were read, with signature and rollback record. */
	readonly bytes: RoutingBytes;
}

/** Where the prompt file of a digest lies. */
export function promptFile(directory: string, digest: string): string {
	return join(directory, "prompts", `${digest}.prompt`);
}

/**
 * Reads and checks the bundle in a directory.
 * @param previous a bundle read before: prompt files that both have are taken from it, their digest being their name
 * @param trust who must have signed it, and what it must not be older than
 * @throws {RouterError} BUNDLE_MISSING, BUNDLE_UNREADABLE, BUNDLE_TOO_LARGE, BUNDLE_TORN, PROMPT_MISSING,
 *   PROMPT_CORRUPT, SIGNATURE_MISSING, SIGNATURE_INVALID, a lint code, or what the revision is refused for
 */
export function readBundle(directory: string, previous?: LoadedBundle, trust: Trust = {}): LoadedBundle {
	const routing = atOnce(acceptRoutingSteps(readRoutingBytes(directory), trust));
	return atOnce(readPromptsSteps(directory, routing, previous));
}

/** `routing.json` and what lies beside it. */
export function readRoutingBytes(directory: string): RoutingBytes {
	const origin = join(directory, ROUTING_FILE);
	// The signature after it: its writer puts it in place first, with a line for the file that was there before.
	const routing = readBundleFile(origin, MAX_ROUTING_FILE_BYTES);
	return {
		origin,
		routing,
		signature: readCompanionFile(join(directory, SIGNATURE_FILE)),
		rollback: readCompanionFile(join(directory, ROLLBACK_FILE)),
		rollbackSignature: readCompanionFile(join(directory, ROLLBACK_SIGNATURE_FILE)),
	};
}

/** Reads the prompt files that a routing file can lead to, one a step. */
export function* readPromptsSteps(
	directory: string,
	{ table, file, routingDigest, bytes }: CheckedRouting,
	previous: LoadedBundle | undefined,
): Generator<void, LoadedBundle, void> {
	const prompts = new Map<string, Uint8Array>();
	const problems: RouterProblem[] = [];
	for (const digest of table.digests) {
		const known = previous?.prompts.get(digest);
		const prompt = known ?? readPrompt(directory, digest, problems);
		if (prompt !== undefined) prompts.set(digest, prompt);
		if (known === undefined) yield;
	}
	const [first, ...rest] = problems;
	if (first !== undefined) throw new RouterError([first, ...rest]);
	return { table, file, prompts, routingDigest, bytes };
}

function readPrompt(directory: string, digest: string, problems: RouterProblem[]): Uint8Array | undefined {
	const file = promptFile(directory, digest);
	try {
		const bytes = readBundleFile(file, MAX_PROMPT_FILE_BYTES);
		if (hasDigest(bytes, digest)) return bytes;
		problems.push(promptProblem("PROMPT_CORRUPT", file, digest, "its bytes do not hash to its name"));
	} catch (error) {
		const problem = error instanceof RouterError ? error : undefined;
		const code = problem?.code === "BUNDLE_TOO_LARGE" ? "PROMPT_CORRUPT" : "PROMPT_MISSING";
		const why = problem?.code === "BUNDLE_MISSING" ? "routing.json names it but it is not there" : problem?.fix;
		problems.push(promptProblem(code, file, digest, why ?? String(error)));
	}
	return undefined;
}

export function promptProblem(code: RouterErrorCode, file: string, digest: string, why: string): RouterProblem {
	return { code, file, field: "digest", value: digest, fix: `${why}; compile the bundle again` };
}

/** Whether a prompt's bytes are what its name says. */
export function hasDigest(bytes: Uint8Array, digest: string): boolean {
	return sha256(bytes) === digest;
}
