import { mergeAdditiveSums } from "./additive-sums.ts";

/**
 * Additive sufficient statistics of a ratio of sums, clustered by randomization unit.
 * Unit i contributes a numerator Sᵢ (the sum of its observations) and a denominator Nᵢ (how many there are).
 * For a mean per unit Nᵢ = 1.
 *
 * As `number` they are rounded like any floating-point sum; as `bigint` (integer µs, nano-USD, counts) everything
 * computed from them is exact until the last step.
 */
export interface RatioSums<Quantity extends number | bigint = number | bigint> {
	/** Number of units. */
	readonly units: Quantity;
	/** ΣSᵢ */
	readonly sumY: Quantity;
	/** ΣNᵢ: observations. */
	readonly sumN: Quantity;
	/** ΣSᵢ² */
	readonly sumYY: Quantity;
	/** ΣNᵢ² */
	readonly sumNN: Quantity;
	/** ΣSᵢNᵢ */
	readonly sumYN: Quantity;
}

export const RATIO_SUM_KEYS = ["units", "sumY", "sumN", "sumYY", "sumNN", "sumYN"] as const;

/**
 * Sums of the units of all parts together; the parts must not share a unit.
 *
 * @throws {StatsError} MIXED_QUANTITIES when `number` and `bigint` meet
 */
export function mergeRatioSums<Sums extends RatioSums<number> | RatioSums<bigint>>(...parts: [Sums, ...Sums[]]): Sums {
	return mergeAdditiveSums<Sums>(RATIO_SUM_KEYS, parts);
}
