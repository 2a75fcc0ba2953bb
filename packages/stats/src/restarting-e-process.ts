import {
	type FirstViolationDesign,
	type FirstViolations,
	firstViolationEProcess,
} from "./first-violation-e-process.ts";
import { requireAlpha, requireArgument, StatsError } from "./stats-error.ts";

/** Time between two starts. */
export const DEFAULT_RESTART_INTERVAL_MS = 60_000;
/** Starts that are still watched; older ones are dropped for good. */
export const DEFAULT_KEPT_STARTS = 60;

export interface Restart {
	/** j = 1, 2, …: the first start is that of the iteration. */
	readonly start: number;
	/** Violations from here on count for this start. */
	readonly startedAtMs: number;
}

export interface RestartScheduleOptions {
	/** When the iteration began to enrol, in ms since the epoch. */
	readonly iterationStartedAtMs: number;
	readonly nowMs: number;
	/** > 0; fixed for the iteration. @default 60000 */
	readonly intervalMs?: number;
	/** Integer ≥ 1; fixed for the iteration. @default 60 */
	readonly keptStarts?: number;
}

/**
 * The starts that are watched at `nowMs`, oldest first: one per interval since the iteration began, the last
 * `keptStarts` of them. Before the iteration's own start (clocks differ) it is the first one alone.
 *
 * @throws {StatsError} INVALID_SCHEDULE
 */
export function restartSchedule(options: RestartScheduleOptions): Restart[] {
	const {
		iterationStartedAtMs,
		nowMs,
		intervalMs = DEFAULT_RESTART_INTERVAL_MS,
		keptStarts = DEFAULT_KEPT_STARTS,
	} = options;
	requireSchedule(
		"iterationStartedAtMs",
		iterationStartedAtMs,
		Number.isFinite(iterationStartedAtMs),
		"a finite number",
	);
	requireSchedule("nowMs", nowMs, Number.isFinite(nowMs), "a finite number");
	requireSchedule("intervalMs", intervalMs, intervalMs > 0 && Number.isFinite(intervalMs), "a finite number > 0");
	requireSchedule("keptStarts", keptStarts, Number.isInteger(keptStarts) && keptStarts >= 1, "an integer ≥ 1");

	const newest = 1 + Math.max(0, Math.floor((nowMs - iterationStartedAtMs) / intervalMs));
	const oldest = Math.max(1, newest - keptStarts + 1);
	return Array.from({ length: newest - oldest + 1 }, (_, index) => ({
		start: oldest + index,
		startedAtMs: iterationStartedAtMs + (oldest + index - 1) * intervalMs,
	}));
}

/** Units whose first violation *since start j* has happened, per arm, up to now. */
export interface ViolationsSinceStart extends FirstViolations {
	/** j, an integer ≥ 1 */
	readonly start: number;
}

export interface StartEvidence {
	readonly start: number;
	readonly logEValue: number;
	/** −ln(α·w_j) with w_j = 1/(j(j+1)). */
	readonly logThreshold: number;
}

export interface RestartingEProcess {
	/** In the order of `start`. */
	readonly starts: readonly StartEvidence[];
	/** The start whose e-value exceeds its threshold by most, or misses it by least; the older one of equals. */
	readonly strongest: StartEvidence;
	/** Some start's e-value has reached its threshold. */
	readonly breached: boolean;
}

export interface RestartingEProcessOptions extends FirstViolationDesign {
	/** Error rate over all starts and all looks together, in (0, 1). */
	readonly alpha: number;
	/** At least one; of the starts up to the newest only the last `keptStarts` are evaluated. */
	readonly violations: readonly ViolationsSinceStart[];
	/** Integer ≥ 1; fixed for the iteration. @default 60 */
	readonly keptStarts?: number;
}

/**
 * Watches for a change that comes late: a fresh first-violation e-process every interval, each with its own memory of
 * who has violated. Since the first start alone, units that ever fail have soon failed, and a change after
 * them is drowned; a new start sees them fail anew.
 *
 * Breached when e_j ≥ 1/(α·w_j) for some start j, w_j = 1/(j(j+1)): a union over starts, with Σw_j = 1. It is
 * deliberately not a weighted sum of e-values: the arm of a unit that violated before start j is known from earlier
 * starts, so e_j is a supermartingale only in its own history, not in the common one, and a sum of them in none.
 *
 * @throws {StatsError} INVALID_ALPHA, INVALID_SCHEDULE (no start, a start twice, keptStarts), and what
 *   `firstViolationEProcess` throws
 * @see docs/statistics/restarting-e-process.md for false-alarm rates and delays
 */
export function restartingEProcess(options: RestartingEProcessOptions): RestartingEProcess {
	const { alpha, violations, keptStarts = DEFAULT_KEPT_STARTS, ...design } = options;
	requireAlpha(alpha);
	requireSchedule("keptStarts", keptStarts, Number.isInteger(keptStarts) && keptStarts >= 1, "an integer ≥ 1");
	for (const { start } of violations) {
		requireSchedule("start", start, Number.isSafeInteger(start) && start >= 1, "an integer ≥ 1");
	}
	const sorted = violations.toSorted((left, right) => left.start - right.start);
	sorted.forEach(({ start }, index) => {
		requireSchedule("start", start, sorted[index - 1]?.start !== start, "every start only once");
	});

	const newest = sorted.at(-1)?.start ?? 0;
	const starts = sorted
		.filter(({ start }) => start > newest - keptStarts)
		.map((since) => ({
			start: since.start,
			logEValue: firstViolationEProcess(since, design).logEValue,
			logThreshold: Math.log(since.start) + Math.log1p(since.start) - Math.log(alpha),
		}));
	const [first, ...rest] = starts;
	if (first === undefined) {
		throw new StatsError("INVALID_SCHEDULE", "invalid violations: no start; expected at least one", {
			field: "violations",
			value: violations,
		});
	}
	const strongest = rest.reduce((best, each) => (excess(each) > excess(best) ? each : best), first);
	return { starts, strongest, breached: excess(strongest) >= 0 };
}

function excess(evidence: StartEvidence): number {
	return evidence.logEValue - evidence.logThreshold;
}

function requireSchedule(field: string, value: number, accepted: boolean, expected: string): void {
	requireArgument(accepted, "INVALID_SCHEDULE", field, value, expected);
}
