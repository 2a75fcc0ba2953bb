import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { QuantileEstimate } from "./quantile-estimate.ts";
import type { EffectEstimate } from "./relative-effect.ts";
import { requireMultiplier } from "./stats-error.ts";

/** Effect of treatment on a quantile. */
export interface QuantileComparison {
	readonly kind: "estimated";
	/** q_T/q_C − 1, by the interval of ln q_T − ln q_C; the one to conclude from. */
	readonly relativeEffect: EffectEstimate;
	/** q_T − q_C by the delta method, for reading. */
	readonly absoluteEffect: EffectEstimate;
	/** (ln q_T − ln q_C) / its standard error; give it to whatever gave the multiplier. */
	readonly statistic: number;
}

/**
 * Compares a quantile between two arms, on the log scale, where its estimate is nearest to normal.
 *
 * @param multiplier standard errors to either side, > 0: z for one look, that of a confidence sequence for many
 * @returns not-estimable `non-finite` where an interval overflows
 * @throws {StatsError} INVALID_STATISTIC
 */
export function quantileComparison(
	control: QuantileEstimate,
	treatment: QuantileEstimate,
	multiplier: number,
): QuantileComparison | NotEstimable {
	requireMultiplier(multiplier);
	const logEffect = Math.log(treatment.value / control.value);
	const logError = Math.sqrt(control.logVariance + treatment.logVariance);
	const relativeEffect: EffectEstimate = {
		kind: "estimated",
		value: Math.expm1(logEffect),
		standardError: (treatment.value / control.value) * logError,
		lower: Math.expm1(logEffect - multiplier * logError),
		upper: Math.expm1(logEffect + multiplier * logError),
	};
	const value = treatment.value - control.value;
	const standardError = Math.sqrt(control.variance + treatment.variance);
	const radius = multiplier * standardError;
	const absoluteEffect: EffectEstimate = {
		kind: "estimated",
		value,
		standardError,
		lower: value - radius,
		upper: value + radius,
	};
	const statistic = logEffect / logError;
	if (![relativeEffect.upper, absoluteEffect.lower, absoluteEffect.upper, statistic].every(Number.isFinite)) {
		return notEstimable("non-finite", "The effect or its interval is too large for a number.");
	}
	return { kind: "estimated", relativeEffect, absoluteEffect, statistic };
}
