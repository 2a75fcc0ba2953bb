import { parentPort } from "node:worker_threads";
import { SCENARIOS } from "./scenarios.ts";
import { simulate } from "./simulate.ts";
import type { Tallied } from "./tally.ts";

/** A stretch of repetitions of one cell. */
export interface Task {
	readonly scenario: string;
	readonly cell: string;
	readonly from: number;
	readonly to: number;
}

export interface TaskDone {
	readonly tallied: Tallied;
	readonly cpuSeconds: number;
}

parentPort?.on("message", ({ scenario, cell, from, to }: Task) => {
	const of = SCENARIOS.find(({ name }) => name === scenario);
	if (of === undefined) throw new Error(`no scenario "${scenario}"`);
	const before = process.threadCpuUsage();
	const tallied = simulate(of, cell, from, to);
	const { user, system } = process.threadCpuUsage(before);
	parentPort?.postMessage({ tallied, cpuSeconds: (user + system) / 1e6 } satisfies TaskDone);
});
