import { pValueOfLogEValue } from "./asymptotic-confidence-sequence.ts";
import type { EValue } from "./first-violation-e-process.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireArgument } from "./stats-error.ts";

/** Evidence of one iteration, when it ended or now. */
export interface LedgerEntry {
	readonly iteration: number;
	/** Natural logarithm of the iteration's e-value against the same hypothesis; not NaN. */
	readonly logEValue: number;
}

/**
 * Evidence of several iterations together: the product of their e-values, which is one again, since each iteration
 * randomizes afresh and its e-value is worth at most 1 on average whatever came before.
 *
 * Every iteration that was begun belongs in it, also those that were halted or given up; leaving out the poor ones makes
 * it void. One iteration counts with its e-value at one time, not with several.
 *
 * @returns not-estimable `no-observations` for an empty ledger, `non-finite` for e-values of both 0 and infinity
 * @throws {StatsError} INVALID_LEDGER for NaN, an iteration that is no integer ≥ 0, or one entered twice
 * @see Vovk, Wang 2021, arXiv:1912.06116, §4 (sequential e-values)
 */
export function combineEValues(
	ledger: readonly LedgerEntry[],
): ({ readonly kind: "estimated" } & EValue) | NotEstimable {
	const seen = new Set<number>();
	for (const { iteration, logEValue } of ledger) {
		requireArgument(
			Number.isSafeInteger(iteration) && iteration >= 0 && !seen.has(iteration),
			"INVALID_LEDGER",
			"iteration",
			iteration,
			"an integer ≥ 0, entered once",
		);
		requireArgument(!Number.isNaN(logEValue), "INVALID_LEDGER", "logEValue", logEValue, "a number");
		seen.add(iteration);
	}
	if (ledger.length === 0) return notEstimable("no-observations", "There is no iteration in the ledger.");
	const logEValue = ledger.reduce((sum, entry) => sum + entry.logEValue, 0);
	if (Number.isNaN(logEValue)) {
		return notEstimable(
			"non-finite",
			"One iteration's evidence is 0 and another's infinite: the product is no number.",
		);
	}
	return { kind: "estimated", logEValue, pValue: pValueOfLogEValue(logEValue) };
}
