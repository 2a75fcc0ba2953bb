import { areFinite, exactSums, requireOneQuantity } from "./additive-sums.ts";
import { exactQuotient } from "./exact-quotient.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { RATIO_SUM_KEYS, type RatioSums } from "./ratio-sums.ts";
import { requireArgument } from "./stats-error.ts";

/** A ratio of sums with its sampling variance. */
export interface RatioEstimate {
	readonly kind: "estimated";
	readonly value: number;
	/** Variance of `value`; 0 when every unit has the same ratio, which says little about the units not seen. */
	readonly variance: number;
	readonly units: number;
	/** ΣN */
	readonly observations: number;
}

export interface RatioEstimateOptions {
	/** Divides the numerator: 1000 states sums of µs in ms. @default 1 */
	readonly scale?: number;
}

/** Below this share of its terms, a difference of floating-point sums is rounding. */
const ROUNDING = 1e-13;

/**
 * Ratio of sums R = ΣS/ΣN (mean per request, rate, cost per call …) and its variance clustered by unit, by the
 * delta method: Var(R) = K/(K−1) · Σ(Sᵢ − R·Nᵢ)² / (ΣN)². With Nᵢ = 1 it is the mean per unit and s²/K.
 *
 * From `bigint` sums, and from `number` sums that are safe integers, value and variance are exact to the last rounding;
 * from other `number` sums a variance that drowns in cancellation is refused.
 *
 * @returns not-estimable for fewer than two units, no observation, impossible, non-finite or too coarse sums
 * @throws {StatsError} INVALID_SCALE, MIXED_QUANTITIES
 * @see Deng, Knoblich, Lu 2018, arXiv:1803.06336, §2.2
 */
export function ratioEstimate(sums: RatioSums, options: RatioEstimateOptions = {}): RatioEstimate | NotEstimable {
	const { scale = 1 } = options;
	requireArgument(
		scale > 0 && scale < Number.POSITIVE_INFINITY,
		"INVALID_SCALE",
		"scale",
		scale,
		"a finite number > 0",
	);
	requireOneQuantity(sums, RATIO_SUM_KEYS, "sums");
	const refused = refuse(sums);
	if (refused !== null) return refused;

	const integers = exactSums(sums, RATIO_SUM_KEYS);
	const moments = integers === null ? roundedMoments(sums as RatioSums<number>) : exactMoments(integers);
	if ("kind" in moments) return moments;
	const value = moments.ratio / scale;
	const variance = moments.variance / scale / scale;
	if (!Number.isFinite(value) || !Number.isFinite(variance)) return nonFinite();
	return { kind: "estimated", value, variance, units: Number(sums.units), observations: Number(sums.sumN) };
}

function refuse(sums: RatioSums): NotEstimable | null {
	if (!areFinite(sums, RATIO_SUM_KEYS)) return nonFinite();
	if (sums.units < 0 || sums.sumN < 0 || sums.sumYY < 0 || sums.sumNN < 0 || !isWhole(sums.units)) {
		return notEstimable("impossible-sums", "Counts and sums of squares must not be negative, nor units fractional.");
	}
	if (sums.units < 2) {
		return notEstimable("too-few-units", `A variance needs two units; there ${sums.units < 1 ? "is none" : "is one"}.`);
	}
	if (Number(sums.sumN) === 0) return notEstimable("no-observations", "None of the units has an observation.");
	return null;
}

interface Moments {
	readonly ratio: number;
	readonly variance: number;
}

/** Over one common denominator: K·(ΣS²·n² − 2·s·n·ΣSN + s²·ΣN²) / ((K−1)·n⁴), where s = ΣS and n = ΣN. */
function exactMoments(sums: RatioSums<bigint>): Moments | NotEstimable {
	const { units, sumY, sumN, sumYY, sumNN, sumYN } = sums;
	const residual = sumYY * sumN * sumN - 2n * sumY * sumN * sumYN + sumY * sumY * sumNN;
	if (residual < 0n) return negativeVariance();
	return {
		ratio: exactQuotient(sumY, sumN),
		variance: exactQuotient(units * residual, (units - 1n) * sumN ** 4n),
	};
}

function roundedMoments(sums: RatioSums<number>): Moments | NotEstimable {
	const { units, sumY, sumN, sumYY, sumNN, sumYN } = sums;
	const ratio = sumY / sumN;
	const cross = 2 * ratio * sumYN;
	const square = ratio * ratio * sumNN;
	const residual = sumYY - cross + square;
	const rounding = ROUNDING * (sumYY + Math.abs(cross) + square);
	if (residual < -rounding) return negativeVariance();
	if (Math.abs(residual) <= rounding) {
		return notEstimable(
			"precision-lost",
			"The variance is lost in the rounding of the sums; sum integers (bigint) instead.",
		);
	}
	return { ratio, variance: ((units / (units - 1)) * residual) / sumN / sumN };
}

function isWhole(units: number | bigint): boolean {
	return typeof units === "bigint" || Number.isInteger(units);
}

function nonFinite(): NotEstimable {
	return notEstimable("non-finite", "The sums or what follows from them are not finite numbers.");
}

function negativeVariance(): NotEstimable {
	return notEstimable("negative-variance", "The sums give a negative variance, so they are not of the same units.");
}
