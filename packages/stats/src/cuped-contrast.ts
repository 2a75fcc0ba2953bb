import { areFinite, exactSums, requireOneQuantity } from "./additive-sums.ts";
import { satterthwaite } from "./arm-estimate.ts";
import type { Contrast } from "./contrast.ts";
import { COVARIATE_SUM_KEYS, type CovariateSums } from "./covariate-sums.ts";
import { exactQuotient } from "./exact-quotient.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { exactDifference } from "./ratio-contrast.ts";
import { type RatioEstimate, type RatioEstimateOptions, ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { requireArgument } from "./stats-error.ts";

/** A contrast whose noise is reduced by what units did before. */
export interface CupedContrast extends Contrast {
	/** θ, what a unit of pre-period difference predicts; 0 when an arm has no history or it does not vary. */
	readonly theta: number;
	/** R_T − R_C as observed. */
	readonly unadjustedDifference: number;
	/** 1 − variance / unadjusted variance; about ρ², and a little below 0 when the covariate tells nothing. */
	readonly varianceReduction: number;
}

export interface CupedOptions extends RatioEstimateOptions {
	/** θ fixed before launch, in the unit of Y per unit of X. @default estimated from both arms */
	readonly theta?: number;
}

/** Below this share of its terms, a difference of floating-point numbers is rounding. */
const ROUNDING = 1e-13;

/**
 * Difference of two ratios of sums adjusted by the same ratio before the first exposure (CUPED). Means per unit are
 * the case N = 1, see `covariateSumsOfMean`.
 *
 * Δ = (R_T − R_C) − θ·(P_T − P_C), θ = (cov_C + cov_T)/(var_C + var_T) over units of the linearised
 * residuals (S − R·N)/N̄ and (X − P·W)/W̄. Units without history count as predicted by nothing; none is dropped.
 *
 * @returns not-estimable when an arm is so, for contradicting or too coarse sums, and `no-variation`
 * @throws {StatsError} INVALID_WEIGHT (theta), INVALID_SCALE, MIXED_QUANTITIES
 * @see Deng, Xu, Kohavi, Walker 2013, WSDM, appendix B for ratios
 */
export function cupedContrast<Sums extends CovariateSums<number> | CovariateSums<bigint>>(
	controlSums: Sums,
	treatmentSums: Sums,
	options: CupedOptions = {},
): CupedContrast | NotEstimable {
	const { theta: given = 0 } = options;
	requireArgument(Number.isFinite(given), "INVALID_WEIGHT", "theta", given, "a finite number");
	const control = adjustedArm(controlSums, "control", options);
	if (control.kind === "not-estimable") return control;
	const treatment = adjustedArm(treatmentSums, "treatment", options);
	if (treatment.kind === "not-estimable") return treatment;

	// Variances of means times units are variances of one unit.
	const covariance = control.shared * control.estimate.units + treatment.shared * treatment.estimate.units;
	const spread = control.preVariance * control.estimate.units + treatment.preVariance * treatment.estimate.units;
	const usable = control.hasHistory && treatment.hasHistory && spread > 0;
	const theta = usable ? (options.theta ?? covariance / spread) : 0;
	const components = [];
	for (const arm of [control, treatment]) {
		const terms = [arm.estimate.variance, -2 * theta * arm.shared, theta * theta * arm.preVariance] as const;
		const variance = terms[0] + terms[1] + terms[2];
		const rounding = ROUNDING * (terms[0] + Math.abs(terms[1]) + terms[2]);
		if (variance < -rounding) {
			return notEstimable("negative-variance", "The sums give a negative variance, so they are not of the same units.");
		}
		if (variance <= rounding && terms[0] > 0) {
			return notEstimable("precision-lost", "The covariate leaves no variance that could be told from rounding.");
		}
		components.push({ variance, degreesOfFreedom: arm.estimate.units - 1 });
	}
	const variance = components[0]!.variance + components[1]!.variance;
	if (variance === 0) return notEstimable("no-variation", "No unit differs from another within its arm.");
	const unadjustedDifference =
		exactDifference(controlSums, treatmentSums, options.scale) ?? treatment.estimate.value - control.estimate.value;
	// Not before θ is known to be of use: without history there is nothing to divide by.
	const preDifference = () =>
		exactDifference(preSums(controlSums), preSums(treatmentSums), options.scale) ??
		treatment.preValue - control.preValue;
	const contrast: CupedContrast = {
		kind: "estimated",
		difference: unadjustedDifference - (theta === 0 ? 0 : theta * preDifference()),
		variance,
		degreesOfFreedom: satterthwaite(components),
		baseline: { value: control.estimate.value, variance: control.estimate.variance },
		covarianceWithBaseline: theta * control.shared - control.estimate.variance,
		controlUnits: control.estimate.units,
		treatmentUnits: treatment.estimate.units,
		theta,
		unadjustedDifference,
		varianceReduction: 1 - variance / (control.estimate.variance + treatment.estimate.variance),
	};
	const numbers = [contrast.difference, variance, contrast.covarianceWithBaseline, contrast.varianceReduction];
	return numbers.every(Number.isFinite)
		? contrast
		: notEstimable("non-finite", "The adjusted difference is too large for a number.");
}

/** One arm, or both thrown together, with what their history shares with them. */
export interface AdjustedArm {
	readonly kind: "estimated";
	readonly estimate: RatioEstimate;
	/** P = ΣX/ΣW */
	readonly preValue: number;
	readonly preVariance: number;
	/** Covariance of R and P. */
	readonly shared: number;
	readonly hasHistory: boolean;
}

/** @throws {StatsError} INVALID_SCALE, MIXED_QUANTITIES */
export function adjustedArm(
	sums: CovariateSums,
	name: string,
	options: RatioEstimateOptions,
): AdjustedArm | NotEstimable {
	requireOneQuantity(sums, COVARIATE_SUM_KEYS, name);
	const estimate = ratioEstimate(sums, options);
	if (estimate.kind === "not-estimable") return estimate;
	if (!areFinite(sums, COVARIATE_SUM_KEYS)) {
		return notEstimable("non-finite", "The covariate's sums are not finite numbers.");
	}
	if (sums.sumXX < 0 || sums.sumWW < 0) {
		return notEstimable("impossible-sums", "Sums of squares must not be negative.");
	}
	if (Number(sums.sumW) === 0) {
		return { kind: "estimated", estimate, preValue: 0, preVariance: 0, shared: 0, hasHistory: false };
	}
	// One scale for both makes θ the number of the unscaled sums.
	const before = ratioEstimate(preSums(sums), options);
	if (before.kind === "not-estimable") return before;
	const shared = covariance(sums) / (options.scale ?? 1) ** 2;
	if (shared ** 2 > estimate.variance * before.variance * (1 + 1e-9)) {
		return notEstimable("impossible-sums", "The covariate's products do not belong to these sums.");
	}
	return {
		kind: "estimated",
		estimate,
		preValue: before.value,
		preVariance: before.variance,
		shared,
		hasHistory: true,
	};
}

/** The sums of the pre-period alone. */
function preSums({ units, sumX, sumW, sumXX, sumWW, sumXW }: CovariateSums): RatioSums {
	return { units, sumY: sumX, sumN: sumW, sumYY: sumXX, sumNN: sumWW, sumYN: sumXW };
}

/** K/(K−1) · Σ(S − R·N)(X − P·W) / (ΣN·ΣW) */
function covariance(sums: CovariateSums): number {
	const integers = exactSums(sums, COVARIATE_SUM_KEYS);
	if (integers !== null) {
		const { units, sumY: s, sumN: n, sumX: x, sumW: w, sumYX, sumNX, sumYW, sumNW } = integers;
		const product = sumYX * n * w - s * w * sumNX - x * n * sumYW + s * x * sumNW;
		return exactQuotient(units * product, (units - 1n) * n * n * w * w);
	}
	const { units, sumY, sumN, sumX, sumW, sumYX, sumNX, sumYW, sumNW } = sums as CovariateSums<number>;
	const [ratio, before] = [sumY / sumN, sumX / sumW];
	const product = sumYX - ratio * sumNX - before * sumYW + ratio * before * sumNW;
	return ((units / (units - 1)) * product) / sumN / sumW;
}
