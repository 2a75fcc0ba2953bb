import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { QuantileEstimate } from "./quantile-estimate.ts";
import type { EffectEstimate } from "./relative-effect.ts";
import { requireMultiplier } from "./stats-error.ts";

/** Effect of treatment on a quantile. */
export interface QuantileComparison {
	readonly kind: "estimated";
	/** q_T/q_C − 1, by the interval of ln q_T − ln q_C. */
	readonly relativeEffect: EffectEstimate;
	/** q_T − q_C over the same region of the logarithms: its interval excludes 0 exactly when the relative one does. */
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
	const absoluteEffect: EffectEstimate = {
		kind: "estimated",
		value,
		standardError,
		lower: sameSide(leastDifference(control, treatment, multiplier), relativeEffect.lower),
		upper: sameSide(-leastDifference(treatment, control, multiplier), relativeEffect.upper),
	};
	const statistic = logEffect / logError;
	if (![relativeEffect.upper, absoluteEffect.lower, absoluteEffect.upper, statistic].every(Number.isFinite)) {
		return notEstimable("non-finite", "The effect or its interval is too large for a number.");
	}
	return { kind: "estimated", relativeEffect, absoluteEffect, statistic };
}

const DIRECTIONS = 64;

/**
 * Least q_T − q_C where the logarithms lie at the multiplier's distance from their estimates: on the ellipse whose
 * extremes of ln q_T − ln q_C are the bounds of the relative effect.
 */
function leastDifference(control: QuantileEstimate, treatment: QuantileEstimate, multiplier: number): number {
	const [below, above] = [treatment, control].map(({ logVariance }) => multiplier * Math.sqrt(logVariance)) as [
		number,
		number,
	];
	const at = (angle: number) =>
		treatment.value * Math.exp(-below * Math.cos(angle)) - control.value * Math.exp(above * Math.sin(angle));
	let step = Math.PI / 2 / DIRECTIONS;
	let best = 0;
	for (let index = 1; index <= DIRECTIONS; index += 1) {
		if (at(index * step) < at(best)) best = index * step;
	}
	// quadratic at its least: half the digits of the angle give all of the difference
	for (; step > 1e-9; step /= 2) {
		for (const angle of [best - step, best + step]) {
			if (at(angle) < at(best)) best = angle;
		}
	}
	return at(best);
}

/** Rounding must not put a bound on the other side of 0. */
function sameSide(bound: number, relativeBound: number): number {
	return relativeBound > 0 ? Math.max(bound, 0) : Math.min(bound, 0) || 0;
}
