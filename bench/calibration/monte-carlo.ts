import { proportionEstimate } from "@armspan/stats";
import type { Tallied } from "./tally.ts";

/** A mean over repetitions with 99 % bounds of the simulation's own error. */
export interface Mean {
	readonly count: number;
	readonly mean: number;
	/** Two-sided 99 % interval. */
	readonly lower: number;
	readonly upper: number;
	/** One-sided 99 % bound. */
	readonly atMost: number;
}

/** Order statistics with their 99 % intervals. */
export interface Quantiles {
	readonly count: number;
	readonly median: readonly [value: number, lower: number, upper: number];
	readonly p95: readonly [value: number, lower: number, upper: number];
}

export interface Summary {
	readonly means: Record<string, Mean>;
	readonly quantiles: Record<string, Quantiles>;
}

const TWO_SIDED = 2.5758293;
const ONE_SIDED = 2.3263479;

export function summarise({ sums, values }: Tallied): Summary {
	const means: Summary["means"] = {};
	for (const [name, { share, count, sum, sumOfSquares }] of Object.entries(sums)) {
		means[name] = share ? shareOf(count, sum) : mean(count, sum, sumOfSquares);
	}
	const quantiles: Summary["quantiles"] = {};
	for (const [name, kept] of Object.entries(values)) {
		const sorted = Float64Array.from(kept).sort();
		quantiles[name] = { count: sorted.length, median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
	}
	return { means, quantiles };
}

/** Wilson's interval, which is not a point where nothing or everything happened. */
function shareOf(count: number, happened: number): Mean {
	const counts = { units: count, successes: happened };
	const [twoSided, oneSided] = [
		proportionEstimate(counts, { alpha: 0.01 }),
		proportionEstimate(counts, { alpha: 0.02 }),
	];
	// A single repetition, in a trial run.
	if (twoSided.kind === "not-estimable" || oneSided.kind === "not-estimable") {
		return { count, mean: happened / count, lower: 0, upper: 1, atMost: 1 };
	}
	const { value, lower, upper } = twoSided;
	return { count, mean: value, lower, upper, atMost: oneSided.upper };
}

function mean(count: number, sum: number, sumOfSquares: number): Mean {
	const value = sum / count;
	const error = Math.sqrt(Math.max(0, sumOfSquares / count - value * value) / Math.max(1, count - 1));
	return {
		count,
		mean: value,
		lower: value - TWO_SIDED * error,
		upper: value + TWO_SIDED * error,
		atMost: value + ONE_SIDED * error,
	};
}

function quantile(sorted: Float64Array, level: number): [value: number, lower: number, upper: number] {
	const centre = sorted.length * level;
	const radius = TWO_SIDED * Math.sqrt(centre * (1 - level));
	const at = (rank: number) => sorted[Math.min(sorted.length, Math.max(1, Math.ceil(rank))) - 1]!;
	return [at(centre), at(centre - radius), at(centre + radius)];
}
