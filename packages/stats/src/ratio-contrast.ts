import { exactSums } from "./additive-sums.ts";
import { type Contrast, contrastOf } from "./contrast.ts";
import { exactQuotient } from "./exact-quotient.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { type RatioEstimateOptions, ratioEstimate } from "./ratio-estimate.ts";
import { RATIO_SUM_KEYS, type RatioSums } from "./ratio-sums.ts";

/**
 * Difference of two ratios of sums. From integer sums it is exact to the last rounding, also where both ratios agree
 * in most of their digits.
 *
 * @returns not-estimable when an arm is so, `no-variation` when neither arm varies
 * @throws {StatsError} INVALID_SCALE, MIXED_QUANTITIES
 */
export function ratioContrast<Sums extends RatioSums<number> | RatioSums<bigint>>(
	control: Sums,
	treatment: Sums,
	options: RatioEstimateOptions = {},
): Contrast | NotEstimable {
	const controlEstimate = ratioEstimate(control, options);
	if (controlEstimate.kind === "not-estimable") return controlEstimate;
	const treatmentEstimate = ratioEstimate(treatment, options);
	if (treatmentEstimate.kind === "not-estimable") return treatmentEstimate;
	const contrast = contrastOf(controlEstimate, treatmentEstimate);
	if (contrast.kind === "not-estimable") return contrast;
	return { ...contrast, difference: exactDifference(control, treatment, options.scale) ?? contrast.difference };
}

/** R_T − R_C by exact arithmetic, or `null` where a sum may have been rounded already. */
export function exactDifference(control: RatioSums, treatment: RatioSums, scale = 1): number | null {
	const [c, t] = [exactSums(control, RATIO_SUM_KEYS), exactSums(treatment, RATIO_SUM_KEYS)];
	if (c === null || t === null) return null;
	return exactQuotient(t.sumY * c.sumN - c.sumY * t.sumN, t.sumN * c.sumN) / scale;
}
