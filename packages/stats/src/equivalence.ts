import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";
import { studentTail, studentTailQuantile } from "./student-tail.ts";

/** An estimate with its error, of whatever is to lie between two bounds. */
export interface EquivalenceEstimate {
	readonly value: number;
	readonly standardError: number;
	/** @default Infinity, the normal */
	readonly degreesOfFreedom?: number;
}

export interface EquivalenceOptions {
	/** Error rate of either one-sided test, in (0, 0.5). */
	readonly alpha: number;
	/** The estimate must be shown to lie above this, */
	readonly low: number;
	/** and below this; both fixed before launch. */
	readonly high: number;
}

/** Two one-sided tests at one planned look. */
export interface Equivalence {
	readonly kind: "estimated";
	/** The larger of the two p-values. */
	readonly pValue: number;
	readonly equivalent: boolean;
	/** (value − low) and (value − high), in standard errors. */
	readonly statisticLow: number;
	readonly statisticHigh: number;
	/** Interval at 1 − 2·alpha: inside (low, high) exactly when equivalent. */
	readonly lower: number;
	readonly upper: number;
}

/**
 * Whether something is shown to lie between two bounds, for instance an effect within ± a margin (TOST).
 *
 * @returns not-estimable `no-variation` for a standard error of 0
 * @throws {StatsError} INVALID_ALPHA, INVALID_BOUNDS, INVALID_ESTIMATE
 * @see Schuirmann 1987, J. Pharmacokinet. Biopharm. 15
 */
export function equivalence(estimate: EquivalenceEstimate, options: EquivalenceOptions): Equivalence | NotEstimable {
	const { alpha, low, high } = options;
	const { value, standardError, degreesOfFreedom = Number.POSITIVE_INFINITY } = estimate;
	requireAlpha(alpha);
	requireArgument(alpha < 0.5, "INVALID_ALPHA", "alpha", alpha, "a number in (0, 0.5)");
	const bounded = Number.isFinite(low) && Number.isFinite(high) && low < high;
	requireArgument(bounded, "INVALID_BOUNDS", "low, high", `${low}, ${high}`, "finite numbers, low < high");
	requireArgument(Number.isFinite(value), "INVALID_ESTIMATE", "value", value, "a finite number");
	requireArgument(
		standardError >= 0 && standardError < Number.POSITIVE_INFINITY,
		"INVALID_ESTIMATE",
		"standardError",
		standardError,
		"a finite number ≥ 0",
	);
	requireArgument(degreesOfFreedom > 0, "INVALID_ESTIMATE", "degreesOfFreedom", degreesOfFreedom, "a number > 0");
	if (standardError === 0)
		return notEstimable("no-variation", "A standard error of 0 says nothing about what was not seen.");
	const radius = studentTailQuantile(alpha, degreesOfFreedom) * standardError;
	const [statisticLow, statisticHigh] = [(value - low) / standardError, (value - high) / standardError];
	if (![statisticLow, statisticHigh, value - radius, value + radius].every(Number.isFinite)) {
		return notEstimable("non-finite", "The statistics are too large for numbers.");
	}
	const pValue = Math.max(studentTail(statisticLow, degreesOfFreedom), studentTail(-statisticHigh, degreesOfFreedom));
	return {
		kind: "estimated",
		pValue,
		equivalent: pValue < alpha,
		statisticLow,
		statisticHigh,
		lower: value - radius,
		upper: value + radius,
	};
}
