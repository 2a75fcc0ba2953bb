import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ErrorCode, type JsonValue } from "@openfeature/core";
import { FlagdCore } from "@openfeature/flagd-core";

const FOLDER = join(import.meta.dirname, "flagd");
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "armspan", "conformance");
const MAX_OUTPUT_BYTES = 100 * 1024 * 1024;

const run = promisify(execFile);

/** A flag, and an evaluation context of JSON. */
export type FlagRequest = readonly [flag: string, context: { readonly [key: string]: JsonValue }];

/** Reads a routing file as the application of some language would. */
export interface FlagdEngine {
	readonly name: string;
	/** Program that must be there; `undefined` when it is part of this project. */
	readonly program: string | undefined;
	/** For each request the variant, or `!<error code>`. */
	variants(routingFile: string, requestsFile: string): Promise<string[]>;
}

/** Why the engine cannot be run here; `undefined` when it can. */
export function engineUnavailable({ name, program }: FlagdEngine): string | undefined {
	if (program === undefined || existsSync(join(program, "installed"))) return undefined;
	return `${name}: ${program} is not there; run test/conformance/flagd/install.sh (needs python3, go, PyPI and the Go module proxy)`;
}

export function writeRequests(file: string, requests: readonly FlagRequest[]): void {
	writeFileSync(file, requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
}

export const javaScript: FlagdEngine = {
	name: "JavaScript @openfeature/flagd-core 4.0.1",
	program: undefined,
	async variants(routingFile, requestsFile) {
		const flagd = new FlagdCore();
		flagd.setConfigurations(readFileSync(routingFile, "utf8"));
		const lines = readFileSync(requestsFile, "utf8").trimEnd().split("\n");
		return lines.map((line) => {
			const [flag, context] = JSON.parse(line) as FlagRequest;
			const { variant, errorCode } = flagd.resolveObjectEvaluation(flag, {}, context as { targetingKey?: string });
			return variant ?? `!${errorCode ?? ErrorCode.GENERAL}`;
		});
	},
};

/** `openfeature-provider-flagd` 0.5: the last that hashes as the routing file says (v2). */
export const python = pythonEngine("Python openfeature-provider-flagd 0.5.2", "requirements.txt");

/** `openfeature-provider-flagd` 0.6 hashes canonical CBOR (v3); the file's guard makes it give everybody the default. */
export const pythonHashV3 = pythonEngine("Python openfeature-provider-flagd 0.6.1", "requirements-hash-v3.txt");

const goProgram = installed("go", ["go.mod", "go.sum", "main.go"]);

export const go: FlagdEngine = {
	name: "Go github.com/open-feature/flagd/core 0.16.0",
	program: goProgram,
	variants: (routingFile, requestsFile) => linesOf(join(goProgram, "evaluate"), [routingFile, requestsFile]),
};

function pythonEngine(name: string, requirements: string): FlagdEngine {
	const program = installed("python", [requirements]);
	return {
		name,
		program,
		variants: (routingFile, requestsFile) =>
			linesOf(join(program, "bin", "python"), [join(FOLDER, "evaluate.py"), routingFile, requestsFile]),
	};
}

/** Where install.sh puts what these files pin. */
function installed(language: string, files: readonly string[]): string {
	const hash = createHash("sha256");
	for (const file of files) hash.update(readFileSync(join(FOLDER, file)));
	return join(CACHE, `${language}-${hash.digest("hex").slice(0, 16)}`);
}

async function linesOf(program: string, args: string[]): Promise<string[]> {
	const { stdout } = await run(program, args, { maxBuffer: MAX_OUTPUT_BYTES });
	return stdout.trimEnd().split("\n");
}
