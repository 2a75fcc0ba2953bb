/** Largest sum of weights: what flagd providers accept. */
export const MAX_TOTAL_WEIGHT = 2 ** 31 - 1;

/**
 * For every weight the hash below which its bucket ends, so that assigning is comparing.
 *
 * flagd picks the first entry whose cumulated weight exceeds `(hash × Σweights) >> 32`, which is the first one with
 * `hash < ⌈cumulated × 2³² / Σweights⌉`.
 *
 * @param weights integers ≥ 0, 1 ≤ Σ ≤ 2³¹ − 1
 */
export function cutoffs(weights: readonly number[]): Float64Array {
	const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
	let cumulated = 0n;
	return Float64Array.from(weights, (weight) => {
		cumulated += BigInt(weight);
		return Number(((cumulated << 32n) + total - 1n) / total);
	});
}
