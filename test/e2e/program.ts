import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const ARMSPAN = "packages/cli/bin/armspan.js";

export interface Ended {
	code: number | null;
	signal: NodeJS.Signals | null;
	stdout: string;
	stderr: string;
}

/** A Node program of this repository in a process of its own, as a user would start it. */
export class Program {
	readonly process: ChildProcess;
	readonly ended: Promise<Ended>;
	#output = { stdout: "", stderr: "" };

	constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
		this.process = spawn(process.execPath, [...args], {
			cwd: ROOT,
			stdio: ["ignore", "pipe", "pipe"],
			// vitest's own settings would reach the program.
			env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
		});
		for (const stream of ["stdout", "stderr"] as const) {
			this.process[stream]?.on("data", (chunk: Buffer) => {
				this.#output[stream] += chunk.toString();
			});
		}
		this.ended = once(this.process, "close").then(([code, signal]) => ({ code, signal, ...this.#output }));
	}

	/** Resolves to the first group of `pattern` once the program has printed it. Fails if it ends before. */
	async printed(pattern: RegExp): Promise<string> {
		for (;;) {
			const found = pattern.exec(this.#output.stdout + this.#output.stderr);
			if (found !== null) {
				return found[1] ?? found[0];
			}
			if (this.process.exitCode !== null || this.process.signalCode !== null) {
				throw new Error(`ended without printing ${pattern}: ${this.#output.stderr}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
		if (this.process.exitCode === null && this.process.signalCode === null) {
			this.process.kill(signal);
		}
		return this.ended;
	}
}
