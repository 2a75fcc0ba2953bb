import { tuneRhoSquared } from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { type HarmMargin, oneSidedContrast } from "./one-sided-comparison.ts";
import type { RatioSums } from "./ratio-sums.ts";
import type { Restart } from "./restart-schedule.ts";
import { effectiveHorizon, requireWatchedDesign } from "./safeguarded-arms.ts";
import { requireArgument } from "./stats-error.ts";

/** Units that the smaller arm must have since a start: later starts need more evidence, so farther tails must be normal. */
export const DEFAULT_RESTART_MINIMUM_UNITS = 100;
/** Share of alpha that ρ is tuned for: about what a start some hours in is left with. */
const TUNED_WEIGHT = 0.01;

/** What was measured since a start, and nothing from before: units that returned, with what they did since. */
export interface SumsSinceStart<Sums extends RatioSums<number> | RatioSums<bigint>>
	extends Pick<Restart, "start" | "weight"> {
	readonly control: Sums;
	readonly treatment: Sums;
}

export interface RestartingComparisonOptions<Sums extends RatioSums<number> | RatioSums<bigint>> extends HarmMargin {
	/** Error rate over all starts and all looks together, in (0, 0.5). */
	readonly alpha: number;
	/** The starts of `restartSchedule`, each with its sums; at least one. */
	readonly starts: readonly SumsSinceStart<Sums>[];
	/** Units, of both arms, within which a change should be found after it began; fixed before the first look. > 0 */
	readonly plannedUnits: number;
	/** Planned share of the smaller of the two arms, in (0, 0.5]. */
	readonly plannedShare: number;
	/** @default 100 */
	readonly minimumUnits?: number;
	readonly scale?: number;
}

/** Evidence of one start. */
export interface ComparisonSinceStart {
	readonly start: number;
	/** Distance from the margin since the start, in the metric's unit; > 0 on the good side. */
	readonly distance: number;
	readonly logEValue: number;
	/** −ln(α · weight) */
	readonly logThreshold: number;
}

export interface RestartingComparison {
	readonly kind: "estimated";
	/** In the order of `start`; those that are not estimable (too few units since) are left out. */
	readonly starts: readonly ComparisonSinceStart[];
	/** The start whose e-value exceeds its threshold by most, or misses it by least; the older one of equals. */
	readonly strongest: ComparisonSinceStart;
	/** Some start's e-value has reached its threshold: treatment is, or has become, worse than tolerated. */
	readonly breached: boolean;
}

/**
 * Watches a mean or ratio (latency, cost, quality) for harm that comes late: a one-sided comparison of what was measured
 * since each start, for the same starts and weights as the restarting e-process. The comparison since the beginning
 * averages a late change with everything before it and may need as long to see it as it had been well.
 *
 * Breached when e ≥ 1/(α·weight) for some start: a union over starts whose weights sum to at most 1. Within a start a
 * unit is one unit, with all its calls since then.
 *
 * @returns not-estimable when no start has an estimable comparison, for the reason of the oldest one
 * @throws {StatsError} INVALID_SCHEDULE (no start, a start twice, weights above 1 together), and what `compareOneSided`
 *   throws
 * @see docs/statistics/restarting-comparison.md for false-alarm rates and delays
 */
export function restartingComparison<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: RestartingComparisonOptions<Sums>,
): RestartingComparison | NotEstimable {
	const { alpha, starts, plannedUnits, plannedShare, minimumUnits = DEFAULT_RESTART_MINIMUM_UNITS } = options;
	requireWatchedDesign(alpha, plannedUnits, plannedShare, minimumUnits);
	requireArgument(alpha < 0.5, "INVALID_ALPHA", "alpha", alpha, "a number in (0, 0.5)");
	const sorted = requireStarts(starts);
	// One ρ for all starts: a start's weight falls when a scale drops it, and its mixture must not change with it.
	const rhoSquared = tuneRhoSquared(2 * alpha * TUNED_WEIGHT, effectiveHorizon(plannedUnits, plannedShare));

	const estimated: ComparisonSinceStart[] = [];
	let refused: NotEstimable | null = null;
	for (const { start, weight, control, treatment } of sorted) {
		const comparison = oneSidedContrast({ ...options, control, treatment, minimumUnits }, rhoSquared);
		if (comparison.kind === "not-estimable") {
			refused ??= comparison;
			continue;
		}
		const { distance, harmLogEValue: logEValue } = comparison;
		estimated.push({ start, distance, logEValue, logThreshold: -Math.log(alpha) - Math.log(weight) });
	}
	const [first, ...rest] = estimated;
	if (first === undefined) return refused ?? notEstimable("no-observations", "There is no start.");
	const strongest = rest.reduce((best, each) => (excess(each) > excess(best) ? each : best), first);
	return { kind: "estimated", starts: estimated, strongest, breached: excess(strongest) >= 0 };
}

function excess({ logEValue, logThreshold }: ComparisonSinceStart): number {
	return logEValue - logThreshold;
}

function requireStarts<Start extends Pick<Restart, "start" | "weight">>(starts: readonly Start[]): Start[] {
	const requireSchedule = (field: string, value: number, accepted: boolean, expected: string) =>
		requireArgument(accepted, "INVALID_SCHEDULE", field, value, expected);
	requireSchedule("starts", starts.length, starts.length > 0, "at least one");
	const sorted = starts.toSorted((left, right) => left.start - right.start);
	let spent = 0;
	sorted.forEach(({ start, weight }, index) => {
		requireSchedule("start", start, Number.isSafeInteger(start) && start >= 1, "an integer ≥ 1");
		requireSchedule("start", start, sorted[index - 1]?.start !== start, "every start only once");
		requireSchedule("weight", weight, weight > 0 && weight <= 1, "a number in (0, 1]");
		spent += weight;
	});
	requireSchedule("weights", spent, spent <= 1 + 1e-9, "weights that sum to at most 1");
	return sorted;
}
