import {
	type FirstViolationDesign,
	type FirstViolations,
	firstViolationEProcess,
} from "./first-violation-e-process.ts";
import type { Restart } from "./restart-schedule.ts";
import { requireAlpha, requireArgument, StatsError } from "./stats-error.ts";

/** Units whose first violation *since a start* has happened, per arm, up to now. */
export interface ViolationsSinceStart extends FirstViolations, Pick<Restart, "start" | "weight"> {}

export interface StartEvidence {
	readonly start: number;
	readonly logEValue: number;
	/** −ln(α · weight). */
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
	/** The starts of `restartSchedule`, each with its counts; at least one. */
	readonly violations: readonly ViolationsSinceStart[];
}

/**
 * Watches for a change that comes late: fresh first-violation e-processes again and again, each with its own memory of
 * who has violated. Since the first start alone, units that ever fail have soon failed, and a change after
 * them is drowned; a new start sees them fail anew.
 *
 * Breached when e ≥ 1/(α·weight) for some start: a union over starts whose weights sum to at most 1. It is
 * deliberately not a weighted sum of e-values: the arm of a unit that violated before a start is known from earlier
 * starts, so each e is a supermartingale only in its own history, not in the common one, and a sum of them in none.
 *
 * @throws {StatsError} INVALID_ALPHA, INVALID_SCHEDULE (no start, a start twice, weights above 1 together), and what
 *   `firstViolationEProcess` throws
 * @see docs/statistics/restarting-e-process.md for false-alarm rates and delays
 */
export function restartingEProcess(options: RestartingEProcessOptions): RestartingEProcess {
	const { alpha, violations, ...design } = options;
	requireAlpha(alpha);
	for (const { start, weight } of violations) {
		requireSchedule("start", start, Number.isSafeInteger(start) && start >= 1, "an integer ≥ 1");
		requireSchedule("weight", weight, weight > 0 && weight <= 1, "a number in (0, 1]");
	}
	const sorted = violations.toSorted((left, right) => left.start - right.start);
	sorted.forEach(({ start }, index) => {
		requireSchedule("start", start, sorted[index - 1]?.start !== start, "every start only once");
	});
	const spent = sorted.reduce((sum, { weight }) => sum + weight, 0);
	requireSchedule("weights", spent, spent <= 1 + 1e-9, "weights that sum to at most 1");

	const starts = sorted.map((since) => ({
		start: since.start,
		logEValue: firstViolationEProcess(since, design).logEValue,
		logThreshold: -Math.log(alpha) - Math.log(since.weight),
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
