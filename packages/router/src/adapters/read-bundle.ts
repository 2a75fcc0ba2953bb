import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RoutingFile } from "@armspan/schema";
import { RouterError, type RouterErrorCode, type RouterProblem } from "../errors.ts";
import { RoutingTable } from "../routing-table.ts";

const MAX_ROUTING_FILE_BYTES = 64 * 1024 * 1024;
const MAX_PROMPT_FILE_BYTES = 1024 * 1024;

export const ROUTING_FILE = "routing.json";

/** A bundle that can be used: the table is checked and every prompt file that it can lead to is there. */
export interface LoadedBundle {
	readonly table: RoutingTable;
	readonly file: RoutingFile;
	/** Digest → prompt file. */
	readonly prompts: ReadonlyMap<string, Uint8Array>;
	/** sha256 of the bytes of `routing.json`. */
	readonly routingDigest: string;
}

/** Where the prompt file of a digest lies. */
export function promptFile(directory: string, digest: string): string {
	return join(directory, "prompts", `${digest}.prompt`);
}

/**
 * Reads and checks the bundle in a directory.
 * @param previous a bundle read before: prompt files that both have are taken from it, their digest being their name
 * @throws {RouterError} BUNDLE_MISSING, BUNDLE_UNREADABLE, BUNDLE_TORN, PROMPT_MISSING, PROMPT_CORRUPT, or a lint code
 */
export function readBundle(directory: string, previous?: LoadedBundle): LoadedBundle {
	const bytes = readRoutingFile(directory);
	const parsed = parseRoutingFile(directory, bytes);
	const { table, file } = RoutingTable.load(parsed);
	const prompts = new Map<string, Uint8Array>();
	const problems: RouterProblem[] = [];
	for (const digest of table.digests) {
		const known = previous?.prompts.get(digest);
		const read = known ?? readPrompt(directory, digest, problems);
		if (read !== undefined) prompts.set(digest, read);
	}
	const [first, ...rest] = problems;
	if (first !== undefined) throw new RouterError([first, ...rest]);
	return { table, file, prompts, routingDigest: createHash("sha256").update(bytes).digest("hex") };
}

export function readRoutingFile(directory: string): Buffer {
	const file = join(directory, ROUTING_FILE);
	try {
		const { size } = statSync(file);
		if (size <= MAX_ROUTING_FILE_BYTES) return readFileSync(file);
	} catch (error) {
		if (isNoEntry(error))
			throw bundleError("BUNDLE_MISSING", file, "there is no routing file; compile a bundle into it", error);
		throw bundleError("BUNDLE_UNREADABLE", file, `cannot be read: ${String(error)}`, error);
	}
	throw bundleError("BUNDLE_UNREADABLE", file, `larger than ${MAX_ROUTING_FILE_BYTES} bytes`);
}

function parseRoutingFile(directory: string, bytes: Buffer): unknown {
	try {
		return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (error) {
		const file = join(directory, ROUTING_FILE);
		throw bundleError(
			"BUNDLE_TORN",
			file,
			`${bytes.length} bytes that are no JSON; write it by rename, never in place`,
			error,
		);
	}
}

function readPrompt(directory: string, digest: string, problems: RouterProblem[]): Uint8Array | undefined {
	const file = promptFile(directory, digest);
	const add = (code: RouterErrorCode, fix: string) =>
		problems.push({ code, file, field: "digest", value: digest, fix });
	try {
		if (statSync(file).size > MAX_PROMPT_FILE_BYTES) {
			add("PROMPT_CORRUPT", `larger than ${MAX_PROMPT_FILE_BYTES} bytes`);
			return undefined;
		}
		const bytes = readFileSync(file);
		if (createHash("sha256").update(bytes).digest("hex") === digest) return bytes;
		add("PROMPT_CORRUPT", "its bytes do not hash to its name; compile the bundle again");
	} catch (error) {
		if (isNoEntry(error)) add("PROMPT_MISSING", "routing.json names it but it is not there; compile the bundle again");
		else add("PROMPT_MISSING", `cannot be read: ${String(error)}`);
	}
	return undefined;
}

function isNoEntry(error: unknown): boolean {
	return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

export function bundleError(code: RouterErrorCode, file: string, fix: string, cause?: unknown): RouterError {
	return new RouterError([{ code, file, field: ROUTING_FILE, value: undefined, fix }], cause);
}
