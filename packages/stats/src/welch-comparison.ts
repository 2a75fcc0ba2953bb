import type { ArmEstimate } from "./arm-estimate.ts";
import { absoluteContrast, type Contrast, contrastOf, relativeContrast } from "./contrast.ts";
import type { NotEstimable } from "./not-estimable.ts";
import type { EffectEstimate } from "./relative-effect.ts";
import { requireAlpha } from "./stats-error.ts";
import { studentTail, studentTailQuantile, twoSidedStudentTail } from "./student-tail.ts";

/** Effect of treatment against control at one look that was planned. None of it holds under watching. */
export interface FixedComparison {
	readonly kind: "estimated";
	/** R_T − R_C; its interval is the one to conclude from. */
	readonly absoluteEffect: EffectEstimate;
	/** (R_T − R_C)/|R_C|, for reading. */
	readonly relativeEffect: EffectEstimate | NotEstimable;
	/** Two-sided: < alpha exactly when the absolute interval excludes 0. */
	readonly pValue: number;
	/** Against "treatment is not above control". */
	readonly pValueAbove: number;
	/** Against "treatment is not below control". */
	readonly pValueBelow: number;
	/** Difference over its standard error. */
	readonly statistic: number;
	readonly degreesOfFreedom: number;
}

export interface FixedComparisonOptions {
	/** Two-sided error rate, in (0, 1); each bound alone is a one-sided one at alpha/2. */
	readonly alpha: number;
}

/**
 * Welch's t-test of two arms with variances of their own, at one planned look: means, proportions, ratios of sums,
 * post-stratified arms.
 *
 * @returns not-estimable `too-few-units` below two units in an arm, `no-variation` when neither arm varies
 * @throws {StatsError} INVALID_ALPHA, INVALID_ESTIMATE
 * @see Welch 1947, Biometrika 34
 */
export function welchComparison(
	control: ArmEstimate,
	treatment: ArmEstimate,
	options: FixedComparisonOptions,
): FixedComparison | NotEstimable {
	requireAlpha(options.alpha);
	const contrast = contrastOf(control, treatment);
	return contrast.kind === "estimated" ? fixedComparison(contrast, options) : contrast;
}

/**
 * The same for any difference, for instance one adjusted by pre-period covariates.
 *
 * @throws {StatsError} INVALID_ALPHA
 */
export function fixedComparison(contrast: Contrast, options: FixedComparisonOptions): FixedComparison | NotEstimable {
	requireAlpha(options.alpha);
	const { difference, variance, degreesOfFreedom } = contrast;
	const multiplier = studentTailQuantile(options.alpha / 2, degreesOfFreedom);
	const absoluteEffect = absoluteContrast(contrast, multiplier);
	if (absoluteEffect.kind === "not-estimable") return absoluteEffect;
	const statistic = difference / Math.sqrt(variance);
	return {
		kind: "estimated",
		absoluteEffect,
		relativeEffect: relativeContrast(contrast, multiplier),
		pValue: twoSidedStudentTail(statistic, degreesOfFreedom),
		pValueAbove: studentTail(statistic, degreesOfFreedom),
		pValueBelow: studentTail(-statistic, degreesOfFreedom),
		statistic,
		degreesOfFreedom,
	};
}
