import { DEFAULT_MINIMUM_UNITS } from "./always-valid-comparison.ts";
import {
	oneSidedLogEValue,
	oneSidedRadiusMultiplier,
	pValueOfLogEValue,
	tuneRhoSquared,
} from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { effectiveHorizon, requireWatchedDesign, safeguardedArms } from "./safeguarded-arms.ts";
import { requireArgument } from "./stats-error.ts";

/** What treatment is allowed. */
export interface HarmMargin {
	/** How much worse treatment may be, ≥ 0; fixed before launch. @default 0 */
	readonly margin?: number;
	/** `relative` to |control|, or in the metric's own unit. @default "absolute" */
	readonly marginScale?: "relative" | "absolute";
	/** Which way is better. */
	readonly direction: "increase" | "decrease";
}

export interface OneSidedComparisonOptions<Sums extends RatioSums<number> | RatioSums<bigint>> extends HarmMargin {
	readonly control: Sums;
	readonly treatment: Sums;
	/** Error rate of each bound over all looks together, in (0, 1). */
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

/** How far treatment is from what is tolerated. Every number in it holds at every look. */
export interface OneSidedComparison {
	readonly kind: "estimated";
	/** Distance from the margin, in the metric's unit; > 0 on the good side. */
	readonly distance: number;
	readonly standardError: number;
	/** The distance is above this: > 0 shows that treatment is not worse than tolerated. Alone at alpha. */
	readonly lowerBound: number;
	/** The distance is below this: < 0 shows harm. Alone at alpha. */
	readonly upperBound: number;
	/** Natural logarithm of the e-value for harm; ≥ −ln alpha exactly when `upperBound` ≤ 0. */
	readonly harmLogEValue: number;
	readonly harmPValue: number;
	/** Always-valid p-value of non-inferiority; ≤ alpha exactly when `lowerBound` ≥ 0. */
	readonly nonInferiorityPValue: number;
	readonly effectiveUnits: number;
}

/**
 * Guardrail on a ratio of sums, to be looked at as often as one likes: is treatment worse than the margin tolerates, or
 * shown not to be? One-sided asymptotic confidence sequences with the safeguard of the two-sided comparison. "Not
 * harmful so far" is neither.
 *
 * A relative margin m is tested as the contrast R_T − (1 ∓ m)·R_C, so nothing is divided by control.
 *
 * @returns not-estimable below `minimumUnits` in the smaller arm, when an arm cannot be estimated, when no unit differs
 *   from another, `zero-baseline` for a margin relative to nothing
 * @throws {StatsError} INVALID_ALPHA (from 0.5 on, too), INVALID_MARGIN, INVALID_PLANNED_UNITS, INVALID_SHARE,
 *   INVALID_MINIMUM_UNITS, INVALID_SCALE, MIXED_QUANTITIES
 * @see Waudby-Smith et al. 2023, arXiv:2103.06476, eq. 134; docs/statistics/one-sided-comparison.md
 */
export function compareOneSided<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: OneSidedComparisonOptions<Sums>,
): OneSidedComparison | NotEstimable {
	const { alpha, plannedUnits, plannedShare, minimumUnits = DEFAULT_MINIMUM_UNITS } = options;
	requireWatchedDesign(alpha, plannedUnits, plannedShare, minimumUnits);
	requireArgument(alpha < 0.5, "INVALID_ALPHA", "alpha", alpha, "a number in (0, 0.5)");
	const rhoSquared = tuneRhoSquared(2 * alpha, effectiveHorizon(plannedUnits, plannedShare));
	return oneSidedContrast({ ...options, minimumUnits }, rhoSquared);
}

/** The comparison with a mixture that is tuned already. */
export function oneSidedContrast<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: HarmMargin & {
		readonly control: Sums;
		readonly treatment: Sums;
		readonly alpha: number;
		readonly minimumUnits: number;
		readonly scale?: number;
	},
	rhoSquared: number,
): OneSidedComparison | NotEstimable {
	const { control, treatment, alpha, minimumUnits, margin = 0, marginScale = "absolute", direction } = options;
	requireArgument(
		margin >= 0 && margin < Number.POSITIVE_INFINITY,
		"INVALID_MARGIN",
		"margin",
		margin,
		"a finite number ≥ 0",
	);
	const sign = direction === "increase" ? 1 : -1;
	// Sums of values of both signs have no sign before they are summed, but their total has.
	const baselineSign = control.sumY > 0 ? 1 : control.sumY < 0 ? -1 : 0;
	if (marginScale === "relative" && margin > 0 && baselineSign === 0) {
		return notEstimable("zero-baseline", "Control's value is 0, so nothing can be worse by a share of it.");
	}
	const controlFactor = marginScale === "relative" ? 1 - sign * margin * baselineSign : 1;
	const allowance = marginScale === "absolute" ? margin : 0;
	const scaled = options.scale === undefined ? {} : { scale: options.scale };
	const arms = safeguardedArms({ control, treatment, minimumUnits, controlFactor, ...scaled });
	if (arms.kind === "not-estimable") return arms;

	const { effectiveUnits } = arms;
	const distance = sign * (arms.treatment.value - controlFactor * arms.control.value) + allowance;
	const standardError = Math.sqrt(arms.treatment.variance + controlFactor ** 2 * arms.control.variance);
	const z = distance / standardError;
	const radius = oneSidedRadiusMultiplier(effectiveUnits, rhoSquared, alpha) * standardError;
	if (![distance - radius, distance + radius, z].every(Number.isFinite)) {
		return notEstimable("non-finite", "The distance or its bounds are too large for a number.");
	}
	const harmLogEValue = oneSidedLogEValue(-z, effectiveUnits, rhoSquared);
	return {
		kind: "estimated",
		distance,
		standardError,
		lowerBound: distance - radius,
		upperBound: distance + radius,
		harmLogEValue,
		harmPValue: pValueOfLogEValue(harmLogEValue),
		nonInferiorityPValue: pValueOfLogEValue(oneSidedLogEValue(z, effectiveUnits, rhoSquared)),
		effectiveUnits,
	};
}
