import { DEFAULT_MINIMUM_UNITS } from "./always-valid-comparison.ts";
import {
	pValueOfLogEValue,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { type QuantileComparison, quantileComparison } from "./quantile-comparison.ts";
import type { QuantileEstimate } from "./quantile-estimate.ts";
import { effectiveHorizon, requireWatchedDesign } from "./safeguarded-arms.ts";

export interface SequentialQuantileComparisonOptions {
	readonly control: QuantileEstimate;
	readonly treatment: QuantileEstimate;
	/** Two-sided error rate over all looks together, in (0, 1). */
	readonly alpha: number;
	/** Units expected in both arms together by the end; fixed before the first look. > 0 */
	readonly plannedUnits: number;
	/** Planned share of the smaller of the two arms, in (0, 0.5]; fixed before the first look. */
	readonly plannedShare: number;
	/** Units that the smaller arm must have. @default 50 */
	readonly minimumUnits?: number;
}

export interface SequentialQuantileComparison extends QuantileComparison {
	/** Always-valid p-value that the quantiles are equal: ≤ alpha exactly when the relative interval excludes 0. */
	readonly pValue: number;
	readonly logEValue: number;
	readonly effectiveUnits: number;
}

/**
 * Compares a quantile (p50, p95, p99 of latency) between two arms with an interval that may be looked at as often as one
 * likes: the asymptotic confidence sequence's multiplier on the clustered standard error of ln q̂.
 *
 * @returns not-estimable below `minimumUnits` in the smaller arm, `no-variation` for two variances of 0, `non-finite`
 *   where an interval overflows
 * @throws {StatsError} INVALID_ALPHA, INVALID_PLANNED_UNITS, INVALID_SHARE, INVALID_MINIMUM_UNITS
 * @see Waudby-Smith et al. 2023, arXiv:2103.06476; docs/statistics/sequential-quantile-comparison.md for simulations
 */
export function compareQuantilesSequentially(
	options: SequentialQuantileComparisonOptions,
): SequentialQuantileComparison | NotEstimable {
	const { control, treatment, alpha, plannedUnits, plannedShare, minimumUnits = DEFAULT_MINIMUM_UNITS } = options;
	requireWatchedDesign(alpha, plannedUnits, plannedShare, minimumUnits);
	const fewest = Math.min(control.units, treatment.units);
	if (fewest < minimumUnits) {
		return notEstimable("too-few-units", `The smaller arm has ${fewest} of the ${minimumUnits} units it needs.`);
	}
	if (!(control.logVariance + treatment.logVariance > 0)) {
		return notEstimable("no-variation", "Neither quantile has a variance, so nothing can be compared.");
	}
	const most = Math.max(control.units, treatment.units);
	const effectiveUnits = 4 * fewest * (most / (fewest + most));
	const rhoSquared = tuneRhoSquared(alpha, effectiveHorizon(plannedUnits, plannedShare));
	const multiplier = twoSidedRadiusMultiplier(effectiveUnits, rhoSquared, alpha);
	const comparison = quantileComparison(control, treatment, multiplier);
	if (comparison.kind === "not-estimable") return comparison;
	const logEValue = twoSidedLogEValue(comparison.statistic, effectiveUnits, rhoSquared);
	return { ...comparison, pValue: pValueOfLogEValue(logEValue), logEValue, effectiveUnits };
}
