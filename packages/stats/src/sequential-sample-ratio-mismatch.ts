import gammaln from "@stdlib/math-base-special-gammaln";
import { allocatedArms } from "./allocated-arms.ts";
import { pValueOfLogEValue } from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireArgument } from "./stats-error.ts";

export interface SequentialSampleRatioMismatch {
	readonly kind: "estimated";
	/** Natural logarithm of the e-value against "units follow the weights"; +Infinity for units in an arm of weight 0. */
	readonly logEValue: number;
	/** min(1, 1/e): at most α with probability α, ever, when units follow the weights. */
	readonly pValue: number;
}

export interface SequentialSampleRatioMismatchOptions {
	/** Weight of the prior around the weights, in units, > 0. @default 100 */
	readonly priorStrength?: number;
	/** Dirichlet parameters of the weighted arms, sorted by key, instead of priorStrength × weights. */
	readonly prior?: readonly number[];
}

/**
 * Always-valid test that the units follow the configured weights (sample ratio mismatch); it may be looked at after
 * every unit.
 *
 * e = [B(α₀+n)/B(α₀)] / Πpᵢ^nᵢ: Dirichlet–multinomial mixture against the multinomial of the weights.
 *
 * @param observed units per variant: integers ≥ 0, same keys as `weights`
 * @param weights weight per variant, ≥ 0; need not sum to 1
 * @returns not-estimable `single-arm` with fewer than two weighted arms
 * @throws {StatsError} ARMS_DIFFER, INVALID_COUNT, INVALID_ALLOCATION, INVALID_PRIOR
 * @see Lindon, Malek 2022, arXiv:2011.03567, eq. 5
 */
export function sequentialSampleRatioMismatch(
	observed: Readonly<Record<string, number>>,
	weights: Readonly<Record<string, number>>,
	options: SequentialSampleRatioMismatchOptions = {},
): SequentialSampleRatioMismatch | NotEstimable {
	const arms = allocatedArms(observed, weights);
	if (arms.some(({ units, weight }) => weight === 0 && units > 0)) {
		return { kind: "estimated", logEValue: Number.POSITIVE_INFINITY, pValue: 0 };
	}
	const weighted = arms.filter(({ weight }) => weight > 0);
	if (weighted.length < 2) {
		return notEstimable("single-arm", "Only one arm has a weight, so there is no allocation to test.");
	}
	const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
	const prior = options.prior ?? weighted.map(({ weight }) => ((options.priorStrength ?? 100) * weight) / total);
	requireArgument(
		prior.length === weighted.length && prior.every((value) => value > 0 && value < Number.POSITIVE_INFINITY),
		"INVALID_PRIOR",
		"prior",
		prior.join(", "),
		`${weighted.length} finite numbers > 0`,
	);
	const priorTotal = prior.reduce((sum, value) => sum + value, 0);
	const units = weighted.reduce((sum, arm) => sum + arm.units, 0);
	const logEValue = weighted.reduce(
		(sum, arm, index) => {
			const alpha = prior[index] ?? 0;
			return sum + gammaln(alpha + arm.units) - gammaln(alpha) - arm.units * Math.log(arm.weight / total);
		},
		gammaln(priorTotal) - gammaln(priorTotal + units),
	);
	return { kind: "estimated", logEValue, pValue: pValueOfLogEValue(logEValue) };
}
