import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { StartupReport } from "@armspan/schema";
import { CliError } from "../cli-error.ts";

const REGISTER = "@armspan/register";
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;
const STDERR_TAIL_CHARACTERS = 4000;

/** An application's start-up, as it was seen. */
export interface ApplicationRun {
	/** `null`: not to be found, so nothing was run. */
	readonly register: string | null;
	/** One for each Node process and worker thread that the command began, the one that matters first. */
	readonly reports: readonly StartupReport[];
	/** Still running at the time limit, and was ended then. */
	readonly running: boolean;
	readonly exitCode: number | null;
	readonly signal: string | null;
	/** The end of what the application wrote to stderr. */
	readonly stderr: string;
}

/**
 * Runs an application as `runOnce` does, and when it sets up OpenTelemetry and Armspan by itself, once more, without
 * register's set-up in its way.
 * @throws {CliError} APPLICATION_NOT_STARTED
 */
export async function runApplication(command: readonly string[], timeLimitMs: number): Promise<ApplicationRun> {
	const run = await runOnce(command, timeLimitMs, {});
	return run.reports[0]?.ownSetUp === true ? runOnce(command, timeLimitMs, { ARMSPAN_DOCTOR_LOOKS_ON: "1" }) : run;
}

/**
 * Runs a program with `@armspan/register` looking on, for a time, and ends it with the children that it began (those
 * that stay in its process group).
 * @param command a program and its arguments, or a JavaScript or TypeScript file and its arguments
 * @throws {CliError} APPLICATION_NOT_STARTED
 */
async function runOnce(
	command: readonly string[],
	timeLimitMs: number,
	more: Readonly<Record<string, string>>,
): Promise<ApplicationRun> {
	const [first = "", ...rest] = command;
	const isScript = /\.[cm]?[jt]s$/.test(first);
	const register = findRegister([...command.filter((word) => /\.[cm]?[jt]s$/.test(word)).map(dirname), "."]);
	if (register === null) {
		return { register, reports: [], running: false, exitCode: null, signal: null, stderr: "" };
	}
	const folder = mkdtempSync(join(tmpdir(), "armspan-doctor-"));
	try {
		const child = spawn(isScript ? process.execPath : first, isScript ? command : rest, {
			// A group of its own, so that its children can be ended with it.
			detached: true,
			stdio: ["ignore", "pipe", "pipe"],
			env: { ...process.env, ...more, ARMSPAN_DOCTOR: folder, NODE_OPTIONS: nodeOptions(register) },
		});
		const stopWithUs = () => {
			kill(child, "SIGKILL");
			rmSync(folder, { recursive: true, force: true });
		};
		process.once("exit", stopWithUs);
		const interrupted = (signal: NodeJS.Signals) => {
			stopWithUs();
			process.kill(process.pid, signal);
		};
		process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
		try {
			return { register, ...(await watch(child, first, timeLimitMs, () => readReports(folder))) };
		} finally {
			process.off("exit", stopWithUs).off("SIGINT", interrupted).off("SIGTERM", interrupted);
		}
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

async function watch(
	child: ChildProcess,
	program: string,
	timeLimitMs: number,
	read: () => StartupReport[],
): Promise<Omit<ApplicationRun, "register">> {
	let stderr = "";
	child.stdout?.resume();
	child.stderr?.on("data", (chunk: Buffer) => {
		stderr = (stderr + chunk.toString()).slice(-STDERR_TAIL_CHARACTERS);
	});
	const exited = new Promise<void>((done, refuse) => {
		child.once("exit", () => done());
		child.once("error", (cause) => {
			const message = `${program} cannot be run: ${cause.message}`;
			refuse(new CliError("APPLICATION_NOT_STARTED", message, "armspan doctor node app.js", { cause }));
		});
	});
	const running = await Promise.race([exited.then(() => false), delay(timeLimitMs)]);
	const reports = read();
	const { exitCode, signalCode } = child;
	await stop(child, exited);
	child.stdout?.destroy();
	child.stderr?.destroy();
	return { reports, running, exitCode, signal: signalCode, stderr };
}

/** The time limit's timer would keep us when the application is long gone. */
function delay(ms: number): Promise<true> {
	return new Promise((done) => setTimeout(() => done(true), ms).unref());
}

/** Ends the whole group: its first process may be gone, and have left others behind. */
async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
	if (!kill(child, "SIGTERM")) return;
	const goneAt = Date.now() + GRACE_MS;
	while (kill(child, 0) && Date.now() < goneAt) await new Promise((done) => setTimeout(done, 50));
	kill(child, "SIGKILL");
	await exited;
}

/** @returns whether there was somebody to send it to */
function kill({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
	try {
		return pid !== undefined && process.kill(-pid, signal);
	} catch {
		// The group is gone.
		return false;
	}
}

/** Before what is there: the application's own hooks come later, as they would with `--import`. */
function nodeOptions(register: string): string {
	const sources = register.endsWith(".ts") ? "--conditions=armspan-source " : "";
	return `${sources}--import=${pathToFileURL(register).href} ${process.env.NODE_OPTIONS ?? ""}`.trim();
}

/** The copy that the application has, else the one that stands beside us. */
function findRegister(folders: readonly string[]): string | null {
	for (const from of [...folders.map((folder) => join(resolve(folder), "doctor.js")), import.meta.url]) {
		try {
			return createRequire(from).resolve(REGISTER);
		} catch {
			// Not there: the next folder.
		}
	}
	return null;
}

function readReports(folder: string): StartupReport[] {
	const reports = readdirSync(folder)
		.filter((name) => name.endsWith(".json"))
		.flatMap((name) => {
			const parsed = StartupReport.safeParse(readJson(join(folder, name)));
			return parsed.success ? [parsed.data] : [];
		});
	// npm and other starters load little; the application has the SDKs.
	const weight = ({ clients, packages }: StartupReport) => clients.length * 1000 + packages.length;
	return reports.sort((a, b) => weight(b) - weight(a) || a.pid - b.pid);
}

function readJson(file: string): unknown {
	try {
		return JSON.parse(readFileSync(file, "utf8"));
	} catch {
		// A version of register that reports otherwise; said as "no report".
		return undefined;
	}
}
