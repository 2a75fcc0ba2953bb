import { mergeAdditiveSums } from "./additive-sums.ts";
import { RATIO_SUM_KEYS, type RatioSums } from "./ratio-sums.ts";

/**
 * Sums of a ratio metric with a covariate from before the first exposure: the same metric's numerator Xᵢ and
 * denominator Wᵢ over the pre-period. A unit without history is kept with Xᵢ = Wᵢ = 0.
 */
export interface CovariateSums<Quantity extends number | bigint = number | bigint> extends RatioSums<Quantity> {
	/** ΣXᵢ */
	readonly sumX: Quantity;
	/** ΣWᵢ */
	readonly sumW: Quantity;
	/** ΣXᵢ² */
	readonly sumXX: Quantity;
	/** ΣWᵢ² */
	readonly sumWW: Quantity;
	/** ΣXᵢWᵢ */
	readonly sumXW: Quantity;
	/** ΣSᵢXᵢ */
	readonly sumYX: Quantity;
	/** ΣSᵢWᵢ */
	readonly sumYW: Quantity;
	/** ΣNᵢXᵢ */
	readonly sumNX: Quantity;
	/** ΣNᵢWᵢ */
	readonly sumNW: Quantity;
}

/** The same for a mean per unit; sums over X count units with history only. */
export interface MeanCovariateSums<Quantity extends number | bigint = number | bigint> {
	readonly units: Quantity;
	/** ΣYᵢ over all units. */
	readonly sumY: Quantity;
	readonly sumYY: Quantity;
	readonly unitsWithHistory: Quantity;
	/** ΣYᵢ over units with history. */
	readonly sumYWithHistory: Quantity;
	readonly sumX: Quantity;
	readonly sumXX: Quantity;
	readonly sumYX: Quantity;
}

export const COVARIATE_SUM_KEYS = [
	...RATIO_SUM_KEYS,
	"sumX",
	"sumW",
	"sumXX",
	"sumWW",
	"sumXW",
	"sumYX",
	"sumYW",
	"sumNX",
	"sumNW",
] as const;

/**
 * Sums of the units of all parts together; the parts must not share a unit.
 *
 * @throws {StatsError} MIXED_QUANTITIES when `number` and `bigint` meet
 */
export function mergeCovariateSums<Sums extends CovariateSums<number> | CovariateSums<bigint>>(
	...parts: [Sums, ...Sums[]]
): Sums {
	return mergeAdditiveSums<Sums>(COVARIATE_SUM_KEYS, parts);
}

/** A mean per unit as the ratio that it is: Nᵢ = 1, and Wᵢ = 1 with history, 0 without. */
export function covariateSumsOfMean<Quantity extends number | bigint>(
	sums: MeanCovariateSums<Quantity>,
): CovariateSums<Quantity> {
	const { units, sumY, sumYY, unitsWithHistory, sumYWithHistory, sumX, sumXX, sumYX } = sums;
	return {
		units,
		sumY,
		sumN: units,
		sumYY,
		sumNN: units,
		sumYN: sumY,
		sumX,
		sumW: unitsWithHistory,
		sumXX,
		sumWW: unitsWithHistory,
		sumXW: sumX,
		sumYX,
		sumYW: sumYWithHistory,
		sumNX: sumX,
		sumNW: unitsWithHistory,
	};
}
