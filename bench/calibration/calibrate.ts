import { Worker } from "node:worker_threads";
import { type Summary, summarise } from "./monte-carlo.ts";
import type { Scenario } from "./scenario.ts";
import { mergeTallied, type Tallied } from "./tally.ts";
import type { Task, TaskDone } from "./worker.ts";

export interface CalibrationOptions {
	readonly scenarios: readonly Scenario[];
	/** Repetitions of a cell of effort 1. */
	readonly repetitions: number;
	readonly workers: number;
	/** No new stretch is begun after that; every cell then has about the same share of its repetitions. */
	readonly minutes: number;
	readonly onProgress?: (done: number, of: number) => void;
}

export interface CalibrationResults {
	readonly workers: number;
	/** CPU time by scenario. */
	readonly cpuSeconds: Record<string, number>;
	/** By scenario and cell. */
	readonly cells: Record<string, Record<string, CellResult>>;
}

export interface CellResult extends Summary {
	readonly repetitions: number;
}

/** Stretches that every cell is cut into; a fixed number, so that sums are rounded alike whoever computes them. */
const STRETCHES = 50;

/** Simulates all cells, a stretch of each in turn, on several threads. The result does not depend on their number. */
export async function calibrate(options: CalibrationOptions): Promise<CalibrationResults> {
	const { scenarios, repetitions, workers, minutes, onProgress } = options;
	const tasks = tasksOf(scenarios, repetitions);
	const done: (TaskDone | undefined)[] = tasks.map(() => undefined);
	const startedAt = performance.now();
	let next = 0;
	let finished = 0;
	async function work(): Promise<void> {
		// Named, since a test runner does not pass its own on.
		const execArgv = ["--conditions=armspan-source"];
		const worker = new Worker(new URL("./worker.ts", import.meta.url), { execArgv });
		while (next < tasks.length && performance.now() - startedAt < minutes * 60_000) {
			const index = next++;
			done[index] = await run(worker, tasks[index]!);
			onProgress?.(++finished, tasks.length);
		}
		await worker.terminate();
	}
	await Promise.all(Array.from({ length: workers }, work));
	return { workers, ...collect(tasks, done) };
}

function tasksOf(scenarios: readonly Scenario[], repetitions: number): Task[] {
	const tasks: Task[] = [];
	for (let stretch = 0; stretch < STRETCHES; stretch++) {
		for (const { name, effort, cells } of scenarios) {
			const all = Math.max(1, Math.round(repetitions * effort));
			const [from, to] = [stretch, stretch + 1].map((part) => Math.round((part * all) / STRETCHES)) as [number, number];
			if (to > from) tasks.push(...cells.map(({ key }) => ({ scenario: name, cell: key, from, to })));
		}
	}
	return tasks;
}

function run(worker: Worker, task: Task): Promise<TaskDone> {
	return new Promise((resolve, reject) => {
		worker.once("error", reject);
		worker.once("message", (message: TaskDone) => {
			worker.off("error", reject);
			resolve(message);
		});
		worker.postMessage(task);
	});
}

function collect(tasks: readonly Task[], done: readonly (TaskDone | undefined)[]) {
	const cpuSeconds: Record<string, number> = {};
	const parts: Record<string, Record<string, { repetitions: number; tallied: Tallied[] }>> = {};
	tasks.forEach(({ scenario, cell, from, to }, index) => {
		const part = done[index];
		if (part === undefined) return;
		cpuSeconds[scenario] = (cpuSeconds[scenario] ?? 0) + part.cpuSeconds;
		parts[scenario] ??= {};
		parts[scenario][cell] ??= { repetitions: 0, tallied: [] };
		parts[scenario][cell].repetitions += to - from;
		parts[scenario][cell].tallied.push(part.tallied);
	});
	const cells: CalibrationResults["cells"] = {};
	for (const [scenario, of] of Object.entries(parts)) {
		cells[scenario] = {};
		for (const [cell, { repetitions, tallied }] of Object.entries(of)) {
			cells[scenario][cell] = { repetitions, ...summarise(mergeTallied(tallied)) };
		}
	}
	return { cpuSeconds, cells };
}
