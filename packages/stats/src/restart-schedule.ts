import { requireArgument } from "./stats-error.ts";

/** One rhythm of restarts. */
export interface RestartScale {
	/** Time between two starts, > 0; a multiple of the finest scale's. */
	readonly intervalMs: number;
	/** Starts that are watched; older ones are dropped for good. Integer ≥ 1 */
	readonly keptStarts: number;
	/** Share of alpha for this scale, > 0; the shares sum to at most 1. */
	readonly share: number;
}

/**
 * Every 10 s for the last 6 minutes, every minute for the last hour, every 10 minutes for the last day: a fresh start is
 * never far behind a sudden change, and a slow one is still seen whole.
 */
export const DEFAULT_RESTART_SCALES: readonly RestartScale[] = [
	{ intervalMs: 10_000, keptStarts: 36, share: 0.5 },
	{ intervalMs: 60_000, keptStarts: 60, share: 0.3 },
	{ intervalMs: 600_000, keptStarts: 144, share: 0.2 },
];

export interface Restart {
	/** 1, 2, … on the finest scale; 1 is the iteration's own start. */
	readonly start: number;
	/** Violations from here on count for this start. */
	readonly startedAtMs: number;
	/** Share of alpha that this start may spend. All starts that ever exist have at most 1 together. */
	readonly weight: number;
}

export interface RestartScheduleOptions {
	/** When the iteration began to enrol, in ms since the epoch. */
	readonly iterationStartedAtMs: number;
	readonly nowMs: number;
	/** Finest first; fixed for the iteration. @default DEFAULT_RESTART_SCALES */
	readonly scales?: readonly RestartScale[];
}

/**
 * The starts that are watched at `nowMs`, oldest first. Before the iteration's own start (clocks differ) it is the
 * first one alone.
 *
 * The j-th start of a scale has the weight share · ln 2 · (1/ln(j+1) − 1/ln(j+2)), which telescopes to the share and
 * falls hardly faster than 1/j: after a day it still leaves a start 20 times what 1/(j(j+1)) would. A start of several
 * scales has their weights together as long as all of them keep it, and what is left of them later.
 *
 * @throws {StatsError} INVALID_SCHEDULE
 */
export function restartSchedule(options: RestartScheduleOptions): Restart[] {
	const { iterationStartedAtMs, nowMs, scales = DEFAULT_RESTART_SCALES } = options;
	requireSchedule(
		"iterationStartedAtMs",
		iterationStartedAtMs,
		Number.isFinite(iterationStartedAtMs),
		"a finite number",
	);
	requireSchedule("nowMs", nowMs, Number.isFinite(nowMs), "a finite number");
	const finestMs = requireScales(scales);

	const weights = new Map<number, number>();
	for (const { intervalMs, keptStarts, share } of scales) {
		const newest = 1 + Math.max(0, Math.floor((nowMs - iterationStartedAtMs) / intervalMs));
		for (let j = Math.max(1, newest - keptStarts + 1); j <= newest; j++) {
			const start = 1 + (j - 1) * Math.round(intervalMs / finestMs);
			weights.set(start, (weights.get(start) ?? 0) + share * weightOf(j));
		}
	}
	return [...weights]
		.sort(([left], [right]) => left - right)
		.map(([start, weight]) => ({ start, startedAtMs: iterationStartedAtMs + (start - 1) * finestMs, weight }));
}

/** w_j = ln 2 · (1/ln(j+1) − 1/ln(j+2)); Σ over j ≥ 1 is 1. */
function weightOf(j: number): number {
	const [near, far] = [Math.log(j + 1), Math.log(j + 2)];
	// ln(j+2) − ln(j+1) without the cancellation of two logarithms that hardly differ.
	return (Math.LN2 * Math.log1p(1 / (j + 1))) / (near * far);
}

/** Returns the finest interval. */
function requireScales(scales: readonly RestartScale[]): number {
	requireSchedule("scales", scales.length, scales.length > 0, "at least one scale");
	const finestMs = Math.min(...scales.map(({ intervalMs }) => intervalMs));
	for (const { intervalMs, keptStarts, share } of scales) {
		requireSchedule("intervalMs", intervalMs, intervalMs > 0 && Number.isFinite(intervalMs), "a finite number > 0");
		requireSchedule("intervalMs", intervalMs, Number.isInteger(intervalMs / finestMs), `a multiple of ${finestMs}`);
		requireSchedule("keptStarts", keptStarts, Number.isInteger(keptStarts) && keptStarts >= 1, "an integer ≥ 1");
		requireSchedule("share", share, share > 0 && share <= 1, "a number in (0, 1]");
	}
	const spent = scales.reduce((sum, { share }) => sum + share, 0);
	requireSchedule("shares", spent, spent <= 1 + 1e-12, "shares that sum to at most 1");
	return finestMs;
}

function requireSchedule(field: string, value: number, accepted: boolean, expected: string): void {
	requireArgument(accepted, "INVALID_SCHEDULE", field, value, expected);
}
