import { requirePValues } from "./stats-error.ts";

/**
 * p-values adjusted for their number, in the order given: a claim for each that is below alpha errs anywhere with
 * probability at most alpha, whatever the p-values have to do with each other (Holm's step-down Bonferroni).
 *
 * @param pValues each in [0, 1]; always-valid ones (min(1, 1/e)) are p-values too
 * @throws {StatsError} INVALID_P_VALUE
 * @see Holm 1979, Scand. J. Statist. 6
 */
export function holm(pValues: readonly number[]): number[] {
	requirePValues(pValues);
	const adjusted: number[] = [];
	let largest = 0;
	ascending(pValues).forEach((position, rank) => {
		largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[position]!));
		adjusted[position] = largest;
	});
	return adjusted;
}

/** Positions of the values, smallest first. */
export function ascending(values: readonly number[]): number[] {
	return values.map((_, position) => position).sort((a, b) => values[a]! - values[b]!);
}
