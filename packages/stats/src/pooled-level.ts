import type { RatioSums } from "./ratio-sums.ts";

/** A metric in both arms together at a look, to see whether values of units that were there have moved since. */
export interface PooledLevel {
	readonly value: number;
	/** Sampling variance of `value`, ≥ 0. */
	readonly variance: number;
	/** In both arms, > 0. */
	readonly units: number;
}

/** Level of a ratio in two arms together, in the unit of its sums. It says nothing of the difference of the arms. */
export function pooledLevel<Sums extends RatioSums<number> | RatioSums<bigint>>(
	control: Sums,
	treatment: Sums,
): PooledLevel {
	const sum = (key: keyof RatioSums<number>) => Number(control[key]) + Number(treatment[key]);
	const n = sum("sumN");
	const value = sum("sumY") / n;
	const squares = sum("sumYY") - 2 * value * sum("sumYN") + value ** 2 * sum("sumNN");
	return { value, variance: Math.max(0, squares) / n ** 2, units: sum("units") };
}
