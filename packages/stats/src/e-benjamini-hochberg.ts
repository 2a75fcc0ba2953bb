import { ascending } from "./holm.ts";
import { requireAlpha, requireLogEValue } from "./stats-error.ts";

/**
 * Which of several e-values may be claimed, so that the expected share of false claims among all claims is at most
 * alpha: the k largest, for the largest k whose smallest is at least m/(k·alpha). Holds under any dependence, and at
 * any look if the e-values do.
 *
 * @param logEValues natural logarithms; −Infinity for no evidence at all
 * @returns claimed or not, in the order given
 * @throws {StatsError} INVALID_ALPHA, INVALID_STATISTIC
 * @see Wang, Ramdas 2022, J. R. Statist. Soc. B 84, arXiv:2009.02824
 */
export function eBenjaminiHochberg(logEValues: readonly number[], alpha: number): boolean[] {
	requireAlpha(alpha);
	logEValues.forEach((logEValue, position) => {
		requireLogEValue(logEValue, `logEValues[${position}]`);
	});
	const descending = ascending(logEValues).reverse();
	const claims = descending.findLastIndex((position, rank) => {
		return logEValues[position]! >= Math.log(logEValues.length / (rank + 1)) - Math.log(alpha);
	});
	const claimed = logEValues.map(() => false);
	for (const position of descending.slice(0, claims + 1)) claimed[position] = true;
	return claimed;
}
