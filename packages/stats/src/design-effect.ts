import { exactSums, requireOneQuantity } from "./additive-sums.ts";
import { exactQuotient } from "./exact-quotient.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { RATIO_SUM_KEYS, type RatioSums } from "./ratio-sums.ts";

/** What clustering by unit costs. */
export interface DesignEffect {
	readonly kind: "estimated";
	/** Var(R) clustered by unit over what independent observations would have; about 1 + (m−1)·ICC. */
	readonly value: number;
	/** Observations per unit, m. */
	readonly observationsPerUnit: number;
}

const KEYS = [...RATIO_SUM_KEYS, "sumOfSquares"] as const;

/**
 * Design effect of a mean per observation: Var(R) / (s²/n), with s² the variance of single observations. A test that
 * counted observations would believe its standard error to be √value times smaller than it is.
 *
 * @param sums Sᵢ the sum, Nᵢ the number of unit i's observations
 * @param sumOfSquares Σy² over observations, in the same kind of number
 * @returns not-estimable as `ratioEstimate`, and `no-variation` when all observations are the same
 * @throws {StatsError} MIXED_QUANTITIES
 * @see Kish 1965, Survey Sampling, §5.4
 */
export function designEffect<Quantity extends number | bigint>(
	sums: RatioSums<Quantity>,
	sumOfSquares: Quantity,
): DesignEffect | NotEstimable {
	const all = { ...sums, sumOfSquares };
	requireOneQuantity(all, KEYS, "sums");
	const estimate = ratioEstimate(sums);
	if (estimate.kind === "not-estimable") return estimate;
	const { units, observations } = estimate;
	if (typeof sumOfSquares === "number" && !Number.isFinite(sumOfSquares)) {
		return notEstimable("non-finite", "The sum of squares is not a finite number.");
	}
	const integers = exactSums(all, KEYS);
	const spread =
		integers === null
			? roundedSpread(Number(sumOfSquares), Number(sums.sumY), observations)
			: exactQuotient(integers.sumOfSquares * integers.sumN - integers.sumY ** 2n, integers.sumN ** 2n);
	if (spread === null) {
		return notEstimable("precision-lost", "The spread of the observations is lost in the rounding of the sums.");
	}
	if (spread < 0) return notEstimable("negative-variance", "Σy² is smaller than these sums allow.");
	if (spread === 0) return notEstimable("no-variation", "All observations are the same.");
	// s²/n = spread/(n−1), spread being the variance with divisor n.
	const value = (estimate.variance / spread) * (observations - 1);
	if (!Number.isFinite(value)) return notEstimable("non-finite", "The design effect is too large for a number.");
	return { kind: "estimated", value, observationsPerUnit: observations / units };
}

function roundedSpread(sumOfSquares: number, sum: number, observations: number): number | null {
	const [mean, square] = [sum / observations, sumOfSquares / observations];
	const spread = square - mean * mean;
	return Math.abs(spread) <= 1e-13 * (square + mean * mean) ? null : spread;
}
