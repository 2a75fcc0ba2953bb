import { requireArgument } from "./stats-error.ts";

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

const KEYS = ["units", "sumY", "sumN", "sumYY", "sumNN", "sumYN"] as const;

/** The sums are exact integers. */
export function isExact(sums: RatioSums): sums is RatioSums<bigint> {
	return typeof sums.units === "bigint";
}

/**
 * Sums of the units of all parts together; the parts must not share a unit.
 *
 * @throws {StatsError} MIXED_QUANTITIES when `number` and `bigint` meet
 */
export function mergeRatioSums<Sums extends RatioSums<number> | RatioSums<bigint>>(...parts: [Sums, ...Sums[]]): Sums {
	const [first, ...rest] = parts;
	const merged: Record<string, number | bigint> = {};
	for (const key of KEYS) {
		merged[key] = rest.reduce<number | bigint>((total, part) => add(total, part[key], key), first[key]);
	}
	return merged as unknown as Sums;
}

function add(left: number | bigint, right: number | bigint, field: string): number | bigint {
	if (typeof left === "bigint" && typeof right === "bigint") return left + right;
	if (typeof left === "number" && typeof right === "number") return left + right;
	requireArgument(false, "MIXED_QUANTITIES", field, right, `a ${typeof left} as in the other sums`);
	return left;
}

/** @throws {StatsError} MIXED_QUANTITIES unless all six sums are numbers, or all are bigints */
export function requireOneQuantity(sums: RatioSums, field: string): void {
	for (const key of KEYS) {
		requireArgument(
			typeof sums[key] === (isExact(sums) ? "bigint" : "number"),
			"MIXED_QUANTITIES",
			`${field}.${key}`,
			sums[key],
			`a ${typeof sums.units} like units`,
		);
	}
}
