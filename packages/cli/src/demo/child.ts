import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { CliError } from "../cli-error.ts";

const EXIT_WITH_PARENT = new URL(
	import.meta.url.endsWith(".ts") ? "./exit-with-parent.ts" : "./exit-with-parent.js",
	import.meta.url,
).href;
const STOP_TIMEOUT_MS = 5000;

export interface ChildOptions {
	/** For messages: "provider". */
	name: string;
	script: string;
	args?: readonly string[];
	nodeArgs?: readonly string[];
	env?: Readonly<Record<string, string>>;
	/** Where its stderr and stdout go. */
	logFile: string;
	/** Called once if the process ends before `stop`. */
	onUnexpectedExit: (error: CliError) => void;
}

/** A child process of the demo: a Node program that says `listening on URL` when it is ready, or just runs. */
export class Child {
	readonly #process: ChildProcess;
	readonly #exited: Promise<void>;
	readonly #name: string;
	/** Resolves to the URL that the child says it listens on. */
	readonly url: Promise<string>;
	#stopping = false;

	constructor(options: ChildOptions) {
		this.#name = options.name;
		const child = spawn(
			process.execPath,
			["--import", EXIT_WITH_PARENT, ...(options.nodeArgs ?? []), options.script, ...(options.args ?? [])],
			{
				stdio: ["ignore", "pipe", "pipe", "ipc"],
				// In a process group of its own Ctrl-C reaches only us, and we stop the children in order.
				detached: true,
				env: { ...process.env, ...options.env },
			},
		);
		this.#process = child;
		const log = createWriteStream(options.logFile, { flags: "a" });
		child.stderr?.pipe(log, { end: false });
		child.stdout?.pipe(log, { end: false });
		let tail = "";
		child.stderr?.on("data", (chunk: Buffer) => {
			tail = (tail + chunk.toString()).slice(-2000);
		});
		this.#exited = new Promise((resolve) => {
			const ended = (reason: string) => {
				log.end();
				resolve();
				if (!this.#stopping) {
					this.#stopping = true;
					options.onUnexpectedExit(
						new CliError(
							"DEMO_CHILD_FAILED",
							`the demo's ${this.#name} ${reason}: ${tail.trim().split("\n").at(-1) ?? ""}`,
							`see ${options.logFile}`,
						),
					);
				}
			};
			child.once("error", (error) => ended(`could not be started (${error.message})`));
			child.once("exit", (code, signal) => ended(`ended with ${signal ?? `code ${code}`}`));
		});
		this.url = new Promise((resolve) => {
			if (child.stdout !== null) {
				createInterface({ input: child.stdout }).on("line", (line) => {
					const found = /listening on (http:\/\/\S+)/.exec(line);
					if (found?.[1] !== undefined) {
						resolve(found[1]);
					}
				});
			}
		});
	}

	get pid(): number | undefined {
		return this.#process.pid;
	}

	/** SIGTERM, and SIGKILL for a child that does not end by it. Resolves when the process is gone. */
	async stop(): Promise<void> {
		this.#stopping = true;
		if (this.#process.exitCode === null && this.#process.signalCode === null) {
			this.#process.kill("SIGTERM");
			const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
			await this.#exited;
			clearTimeout(timer);
		}
	}
}
