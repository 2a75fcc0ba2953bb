import { ascending } from "./holm.ts";
import { requirePValues } from "./stats-error.ts";

/**
 * p-values adjusted so that, claiming each that is below alpha, the expected share of false claims among all claims is
 * at most alpha (false discovery rate), for independent or positively dependent p-values of one look.
 *
 * @param pValues each in [0, 1]
 * @returns in the order given
 * @throws {StatsError} INVALID_P_VALUE
 * @see Benjamini, Hochberg 1995, J. R. Statist. Soc. B 57; Benjamini, Yekutieli 2001 for the dependence
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
	requirePValues(pValues);
	const adjusted: number[] = [];
	let smallest = 1;
	const order = ascending(pValues);
	for (let rank = order.length; rank >= 1; rank--) {
		const position = order[rank - 1]!;
		smallest = Math.min(smallest, (pValues.length / rank) * pValues[position]!);
		adjusted[position] = smallest;
	}
	return adjusted;
}
