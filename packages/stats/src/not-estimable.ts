/** Why there is no number. */
export type NotEstimableReason =
	/** Fewer units than the method was shown to hold for. */
	| "too-few-units"
	/** Units, but nothing measured on any of them: ΣN = 0. */
	| "no-observations"
	/** Fewer observations than an order statistic needs. */
	| "too-few-observations"
	/** A quantile that the grid of counted values does not reach. */
	| "outside-grid"
	/** A value ≤ 0 where a logarithm is taken. */
	| "not-positive"
	/** NaN, infinity or an overflow, in the sums or on the way. */
	| "non-finite"
	/** Sums that no data can have: negative counts or squares, a fraction of a unit. */
	| "impossible-sums"
	/** Sums whose variance is negative: they do not belong together. */
	| "negative-variance"
	/** The variance is smaller than the rounding of floating-point sums; exact (`bigint`) sums have it. */
	| "precision-lost"
	/** Every unit of both arms has the same value, for instance no error at all. */
	| "no-variation"
	/** Control's value is 0, so there is no relative change. */
	| "zero-baseline"
	/** Control cannot be told from 0, so a relative change has no bounds. */
	| "unbounded"
	/** The effect asked for would take the metric out of its range, or no number of units would show it. */
	| "out-of-reach"
	/** A value outside the range that the method is for. */
	| "out-of-range"
	/** No more information than at the look before. */
	| "no-new-information"
	/** The final look was taken: no error rate is left. */
	| "alpha-spent"
	/** Only one arm with a weight: there is no allocation to test. */
	| "single-arm"
	/** The rows could not be read, so that nothing is known, not even how little there is. */
	| "source-failed";

/** A number that could not be estimated, and why: a result, never 0, 1 or NaN in its place. */
export interface NotEstimable {
	readonly kind: "not-estimable";
	readonly reason: NotEstimableReason;
	/** One sentence for people. */
	readonly message: string;
}

export function notEstimable(reason: NotEstimableReason, message: string): NotEstimable {
	return { kind: "not-estimable", reason, message };
}
