import type { RatioSums } from "../ratio-sums.ts";

/** What one unit contributed: the sum of its observations and how many there were. */
export type UnitTotals = readonly [sum: number, observations: number];

/** Sums over units, one by one. */
export function ratioSumsOf(units: readonly UnitTotals[]): RatioSums<number> {
	const sums = { units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 };
	for (const [sum, observations] of units) {
		sums.units += 1;
		sums.sumY += sum;
		sums.sumN += observations;
		sums.sumYY += sum * sum;
		sums.sumNN += observations * observations;
		sums.sumYN += sum * observations;
	}
	return sums;
}

/** The same sums as exact integers. */
export function exact(sums: RatioSums<number>): RatioSums<bigint> {
	return {
		units: BigInt(sums.units),
		sumY: BigInt(sums.sumY),
		sumN: BigInt(sums.sumN),
		sumYY: BigInt(sums.sumYY),
		sumNN: BigInt(sums.sumNN),
		sumYN: BigInt(sums.sumYN),
	};
}

/** Sums of a mean per unit over units that are 0 or 1. */
export function bernoulliSums(units: number, successes: number): RatioSums<number> {
	return { units, sumY: successes, sumN: units, sumYY: successes, sumNN: units, sumYN: successes };
}
