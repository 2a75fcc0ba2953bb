import {
	pValueOfLogEValue,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { type EffectEstimate, relativeEffect } from "./relative-effect.ts";
import { effectiveHorizon, requireWatchedDesign, safeguardedArms } from "./safeguarded-arms.ts";

/** Smallest arm for which the safeguarded interval was shown to keep its error rate. */
export const DEFAULT_MINIMUM_UNITS = 50;

export interface RatioComparisonOptions<Sums extends RatioSums<number> | RatioSums<bigint>> {
	readonly control: Sums;
	readonly treatment: Sums;
	/** Two-sided error rate over all looks together, in (0, 1). */
	readonly alpha: number;
	/** Units expected in both arms together by the end; fixed before the first look. > 0 */
	readonly plannedUnits: number;
	/** Planned share of the smaller of the two arms, in (0, 0.5]; fixed before the first look. */
	readonly plannedShare: number;
	/** Units that the smaller arm must have. @default 50 */
	readonly minimumUnits?: number;
	/** Divides the numerators: 1000 states sums of µs in ms. @default 1 */
	readonly scale?: number;
}

/** Effect of treatment against control. Every number in it holds at every look. */
export interface RatioComparison {
	readonly kind: "estimated";
	/** R_T − R_C; its interval is the one to conclude from. */
	readonly absoluteEffect: EffectEstimate;
	/** (R_T − R_C)/|R_C|, for reading. */
	readonly relativeEffect: EffectEstimate | NotEstimable;
	/** Always-valid p-value that the arms are equal: ≤ alpha exactly when the absolute interval excludes 0. */
	readonly pValue: number;
	/** Natural logarithm of the e-value behind it. */
	readonly logEValue: number;
	/** N_e = 4·K_T·K_C/(K_T+K_C): units of an equal split that would know as much. */
	readonly effectiveUnits: number;
}

/**
 * Compares two ratios of sums with an interval that may be looked at as often as one likes: an asymptotic
 * confidence sequence with Armspan's safeguard for unequal arms (docs/statistics/always-valid-comparison.md).
 *
 * @returns not-estimable below `minimumUnits` in the smaller arm, when an arm cannot be estimated, and when no unit
 *   differs from another
 * @throws {StatsError} INVALID_ALPHA, INVALID_PLANNED_UNITS, INVALID_SHARE, INVALID_MINIMUM_UNITS, INVALID_SCALE,
 *   MIXED_QUANTITIES
 * @see Waudby-Smith et al. 2023, arXiv:2103.06476, for equal arms; the safeguard is our own, backed by simulation
 */
export function compareRatios<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: RatioComparisonOptions<Sums>,
): RatioComparison | NotEstimable {
	const { alpha, plannedUnits, plannedShare, minimumUnits = DEFAULT_MINIMUM_UNITS } = options;
	requireWatchedDesign(alpha, plannedUnits, plannedShare, minimumUnits);
	const arms = safeguardedArms({ ...options, minimumUnits });
	if (arms.kind === "not-estimable") return arms;
	const { control: safeControl, treatment: safeTreatment, effectiveUnits } = arms;
	const rhoSquared = tuneRhoSquared(alpha, effectiveHorizon(plannedUnits, plannedShare));
	const multiplier = twoSidedRadiusMultiplier(effectiveUnits, rhoSquared, alpha);

	const value = safeTreatment.value - safeControl.value;
	const standardError = Math.sqrt(safeControl.variance + safeTreatment.variance);
	const radius = multiplier * standardError;
	const z = value / standardError;
	if (![value - radius, value + radius, z].every(Number.isFinite)) {
		return notEstimable("non-finite", "The effect or its interval is too large for a number.");
	}
	const logEValue = twoSidedLogEValue(z, effectiveUnits, rhoSquared);
	return {
		kind: "estimated",
		absoluteEffect: { kind: "estimated", value, standardError, lower: value - radius, upper: value + radius },
		relativeEffect: relativeEffect(safeControl, safeTreatment, multiplier),
		pValue: pValueOfLogEValue(logEValue),
		logEValue,
		effectiveUnits,
	};
}
