import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { RegistryError } from "./registry-error.ts";

interface GitOptions {
	readonly input?: string | Uint8Array;
	readonly environment?: Readonly<Record<string, string>>;
	/** Exit codes that are an answer and not a failure. */
	readonly accept?: readonly number[];
}

export interface GitResult {
	readonly stdout: Buffer;
	readonly stderr: string;
	readonly exitCode: number;
}

/** Runs `git` in one repository. @throws {RegistryError} GIT_MISSING or GIT_FAILED */
export type Git = (gitArguments: readonly string[], options?: GitOptions) => Promise<GitResult>;

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/** Nothing in a cloned repository or in the system's configuration may start a program or ask a question. */
const SAFE_SETTINGS = [
	"core.hooksPath=/dev/null",
	"core.fsmonitor=false",
	"core.fsync=committed",
	"commit.gpgSign=false",
	"i18n.commitEncoding=utf-8",
].flatMap((setting) => ["-c", setting]);

/** `GIT_DIR` and the like are dropped: inside a git hook they name another repository. */
const KEPT_GIT_VARIABLES = new Set(["GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL"]);

function gitEnvironment(directory: string): Record<string, string> {
	const environment: Record<string, string> = {};
	for (const [name, value] of Object.entries(process.env)) {
		if (value !== undefined && (!name.startsWith("GIT_") || KEPT_GIT_VARIABLES.has(name))) environment[name] = value;
	}
	return {
		...environment,
		LC_ALL: "C",
		GIT_CONFIG_NOSYSTEM: "1",
		GIT_TERMINAL_PROMPT: "0",
		GIT_OPTIONAL_LOCKS: "0",
		GIT_NO_REPLACE_OBJECTS: "1",
		// Without a ceiling a plain folder inside somebody's checkout would be taken for that checkout.
		GIT_CEILING_DIRECTORIES: dirname(directory),
	};
}

/** @param directory absolute, symbolic links resolved (the ceiling is compared as text) */
export function gitIn(directory: string): Git {
	return (gitArguments, options = {}) =>
		new Promise((resolve, reject) => {
			const child = spawn("git", ["--no-pager", "--literal-pathspecs", ...SAFE_SETTINGS, ...gitArguments], {
				cwd: directory,
				env: { ...gitEnvironment(directory), ...options.environment },
				stdio: ["pipe", "pipe", "pipe"],
				// A group of its own: Ctrl-C at the terminal must not end a commit half-way.
				detached: true,
				timeout: TIMEOUT_MS,
				killSignal: "SIGKILL",
			});
			const stdout: Buffer[] = [];
			let stdoutBytes = 0;
			let stderr = "";
			child.stdout.on("data", (chunk: Buffer) => {
				stdoutBytes += chunk.length;
				if (stdoutBytes > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
				else stdout.push(chunk);
			});
			child.stderr.on("data", (chunk: Buffer) => {
				if (stderr.length < 10_000) stderr += chunk.toString("utf8");
			});
			child.on("error", (cause) => reject(spawnFailure(directory, gitArguments, cause)));
			child.on("close", (exitCode, signal) => {
				if (exitCode !== null && (exitCode === 0 || options.accept?.includes(exitCode))) {
					resolve({ stdout: Buffer.concat(stdout), stderr, exitCode });
					return;
				}
				const outcome = signal === null ? `exit code ${exitCode}` : `killed by ${signal}`;
				const reason = stderr.trim() || outcome;
				reject(
					new RegistryError("GIT_FAILED", `git ${gitArguments[0]} failed in ${directory}: ${reason}`, {
						directory,
						gitArguments,
						exitCode,
						stderr,
					}),
				);
			});
			// git may end without reading everything; its exit code then tells why.
			child.stdin.on("error", () => {});
			child.stdin.end(options.input ?? "");
		});
}

function spawnFailure(directory: string, gitArguments: readonly string[], cause: Error): RegistryError {
	if ((cause as NodeJS.ErrnoException).code !== "ENOENT") {
		return new RegistryError("GIT_FAILED", `git could not be started: ${cause.message}`, { gitArguments }, cause);
	}
	// ENOENT means the program or the folder to start it in.
	if (!existsSync(directory)) {
		return new RegistryError("NO_REPOSITORY", `no folder ${directory}`, { directory }, cause);
	}
	return new RegistryError(
		"GIT_MISSING",
		"the program git was not found; install it (apt-get install git, brew install git) or put it on PATH",
		{ directory },
		cause,
	);
}

/** First line of a git answer. */
export function firstLine(result: GitResult): string {
	return result.stdout.toString("utf8").split("\n", 1)[0] ?? "";
}
