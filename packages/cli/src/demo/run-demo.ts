import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoreOptions } from "@armspan/service";
import { CliError } from "../cli-error.ts";
import { untilInterrupted } from "../until-interrupted.ts";
import { prepareDemoFolder } from "./demo-folder.ts";
import { LiveView } from "./live-view.ts";
import { renderResults, renderResultsLine } from "./render-results.ts";
import { type LoopOutcome, type LoopProgress, startLoop } from "./run-loop.ts";
import { renderTimeLine, sinceSwitchMs } from "./time-line.ts";

export interface DemoOptions {
	data: string;
	/** As `LoopOptions` has them. */
	store?: StoreOptions;
	otlpEndpoint?: string;
	host: string;
	otlpPort: number;
	apiPort: number;
	checkEveryMs: number;
	seed: number;
	/** End by itself when the loop has closed. */
	exit: boolean;
	report?: string;
}

const LOAD = { users: 3000, callsPerSecond: 50 };
const DEGRADE_AFTER_MS = 60_000;
const DEGRADED_ERROR_RATE = 0.3;
const SETTLE_MS = 8000;
const GIVE_UP_AFTER_MS = 90_000;

/** The whole loop, live. @throws {CliError} LOOP_NOT_CLOSED with `exit`, when it did not close */
export async function runDemo(options: DemoOptions): Promise<void> {
	const stopping = new AbortController();
	void untilInterrupted().then(() => stopping.abort());
	const { signal } = stopping;
	if (options.report !== undefined) {
		// Now, not after two minutes: a report that cannot be written should cost nobody a run.
		appendFileSync(options.report, "");
	}
	const folder = await prepareDemoFolder(join(options.data, "demo"), assertUnlocked);
	const view = new LiveView(process.stdout);
	const loop = await startLoop({
		...options,
		...LOAD,
		folder,
		degradeAfterMs: DEGRADE_AFTER_MS,
		degradedErrorRate: DEGRADED_ERROR_RATE,
		settleMs: SETTLE_MS,
		giveUpAfterMs: GIVE_UP_AFTER_MS,
		signal,
		onProgress: (progress) => view.update(screen(progress), renderProgress(progress)),
	});
	try {
		view.print([
			`armspan ${loop.service.version}, demo with seed ${options.seed}: ${LOAD.users} users, ${LOAD.callsPerSecond} calls/s`,
			`  API ${loop.service.apiUrl}/api/v1/experiments/support-tone/results   OTLP ${options.otlpEndpoint ?? loop.service.otlpUrl}`,
			`  files and logs in ${folder.root}; the provider turns bad after ${DEGRADE_AFTER_MS / 1000} s; stop with Ctrl-C`,
			"",
		]);
		const outcome = await loop.outcome;
		if (!outcome.closed && signal.aborted) {
			view.print(["stopped before the loop had closed"]);
		} else {
			view.print(finalScreen(outcome));
		}
		if (options.report !== undefined) {
			writeFileSync(options.report, `${JSON.stringify(report(options, outcome), null, 2)}\n`);
		}
		if (options.exit) {
			if (!outcome.closed) {
				throw new CliError("LOOP_NOT_CLOSED", "the loop did not close: no halt took effect", `see ${folder.logs}`);
			}
			return;
		}
		if (!signal.aborted) {
			view.print(["the load goes on, everybody gets control; stop with Ctrl-C"]);
			await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
		}
	} finally {
		await loop.stop();
	}
}

/** Throws when another instance uses the evidence of an earlier run. */
async function assertUnlocked(clickhouse: string): Promise<void> {
	const { assertFolderUnlocked } = await import("@armspan/service");
	assertFolderUnlocked(clickhouse);
}

function screen(progress: LoopProgress): string[] {
	return [
		...(progress.problem === undefined ? [] : [`as it was before the evidence store went: ${progress.problem}`, ""]),
		...renderResults(progress.results),
		"",
		...renderTimeLine(progress.timeLine),
	];
}

function renderProgress(progress: LoopProgress): string {
	return `${new Date().toISOString().slice(11, 19)} ${progress.problem ?? renderResultsLine(progress.results)}`;
}

function finalScreen(outcome: LoopOutcome): string[] {
	const { decision } = outcome;
	return [
		...screen(outcome),
		...(decision?.statistic
			? [
					"",
					`statistic: ${decision.statistic.name}, ln e = ${decision.statistic.logEValue.toFixed(2)} ≥ ${decision.statistic.logThreshold.toFixed(2)}`,
					`decision:  ${decision.id}`,
				]
			: []),
		"",
		outcome.closed ? "the loop has closed: route → tag → store → compare → guard → reroute" : "the loop did not close",
	];
}

function report(options: DemoOptions, outcome: LoopOutcome) {
	const { timeLine } = outcome;
	return {
		schemaVersion: 1,
		seed: options.seed,
		closed: outcome.closed,
		timeLine,
		sinceSwitchMs: {
			detected: sinceSwitchMs(timeLine, "detectedAt") ?? null,
			bundleWritten: sinceSwitchMs(timeLine, "bundleWrittenAt") ?? null,
			lastTreatmentCall: sinceSwitchMs(timeLine, "lastTreatmentCallAt") ?? null,
		},
		decision: outcome.decision ?? null,
		results: outcome.results,
	};
}
