import { mergeAdditiveSums } from "./additive-sums.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { type RatioEstimate, type RatioEstimateOptions, ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";

/** Additive sufficient statistics of a mean per unit: one value Yᵢ of every unit. */
export interface MeanSums<Quantity extends number | bigint = number | bigint> {
	/** Number of units. */
	readonly units: Quantity;
	/** ΣYᵢ */
	readonly sumY: Quantity;
	/** ΣYᵢ² */
	readonly sumYY: Quantity;
}

/**
 * Sums of the units of all parts together; the parts must not share a unit.
 *
 * @throws {StatsError} MIXED_QUANTITIES when `number` and `bigint` meet
 */
export function mergeMeanSums<Sums extends MeanSums<number> | MeanSums<bigint>>(...parts: [Sums, ...Sums[]]): Sums {
	return mergeAdditiveSums<Sums>(["units", "sumY", "sumYY"], parts);
}

/** A mean per unit as the ratio of sums that it is: every Nᵢ = 1. */
export function ratioSumsOfMean<Quantity extends number | bigint>(sums: MeanSums<Quantity>): RatioSums<Quantity> {
	const { units, sumY, sumYY } = sums;
	return { units, sumY, sumN: units, sumYY, sumNN: units, sumYN: sumY };
}

/**
 * Mean per unit, Ȳ = ΣY/K, and its variance s²/K.
 *
 * @returns not-estimable for fewer than two units, impossible, non-finite or too coarse sums
 * @throws {StatsError} INVALID_SCALE, MIXED_QUANTITIES
 */
export function meanEstimate(sums: MeanSums, options: RatioEstimateOptions = {}): RatioEstimate | NotEstimable {
	return ratioEstimate(ratioSumsOfMean(sums), options);
}
