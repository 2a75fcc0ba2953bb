import type { MeanInterval } from "./bernoulli-confidence-sequence.ts";
import { monotoneRoot } from "./monotone-root.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { type PredictableBet, predictableBets, refuseObservations } from "./predictable-bets.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

/** Share of what a bet may lose at most. */
const LARGEST_LOSS = 0.5;

/**
 * Natural logarithm of the hedged capital against "the mean is m": half bets on a larger mean, half on a smaller one, and
 * the better half counts.
 *
 * @param observations in [0, 1], in order of arrival
 * @param mean m in [0, 1]
 * @param alpha the bets are tuned for it, in (0, 1)
 * @returns ≥ −ln α with probability ≤ α, ever, if m is the mean; or why it is not estimable
 * @throws {StatsError} INVALID_ALPHA, INVALID_SHARE
 * @see Waudby-Smith, Ramdas 2023, arXiv:2010.09686, theorem 3
 */
export function bettingLogEValue(
	observations: readonly number[],
	mean: number,
	alpha: number,
): { readonly kind: "estimated"; readonly logEValue: number } | NotEstimable {
	requireAlpha(alpha);
	requireArgument(mean >= 0 && mean <= 1, "INVALID_SHARE", "mean", mean, "a number in [0, 1]");
	const refused = refuseObservations(observations);
	if (refused !== null) return refused;
	const bets = predictableBets(observations, alpha / 2);
	return { kind: "estimated", logEValue: Math.max(logCapitalAbove(bets, mean), logCapitalBelow(bets, mean)) };
}

/**
 * Interval for the mean of values in [0, 1] that holds at every n together, exactly: the means on which the hedged
 * capital has not won 1/α. The narrowest known at tiny n.
 *
 * @param observations in order of arrival, one a unit
 * @returns the interval after the last one; not-estimable `no-observations`, or `out-of-range` for a value outside [0, 1]
 * @throws {StatsError} INVALID_ALPHA
 */
export function bettingConfidenceSequence(observations: readonly number[], alpha: number): MeanInterval | NotEstimable {
	requireAlpha(alpha);
	const refused = refuseObservations(observations);
	if (refused !== null) return refused;
	const bets = predictableBets(observations, alpha / 2);
	const threshold = -Math.log(alpha);
	// The capital on a larger mean falls with m, that on a smaller one rises, so each has one root.
	const above = (mean: number) => logCapitalAbove(bets, mean) - threshold;
	const below = (mean: number) => logCapitalBelow(bets, mean) - threshold;
	return {
		kind: "estimated",
		value: observations.reduce((sum, observation) => sum + observation, 0) / observations.length,
		lower: above(0) >= 0 ? monotoneRoot(above, 0, 1) : 0,
		upper: below(1) >= 0 ? monotoneRoot(below, 0, 1) : 1,
	};
}

/**
 * Interval for the difference of two bounded means that holds at every n together, exactly: each arm's at alpha/2.
 *
 * @throws {StatsError} INVALID_ALPHA
 */
export function bettingDifference(
	control: readonly number[],
	treatment: readonly number[],
	alpha: number,
): MeanInterval | NotEstimable {
	requireAlpha(alpha);
	const [c, t] = [bettingConfidenceSequence(control, alpha / 2), bettingConfidenceSequence(treatment, alpha / 2)];
	if (c.kind === "not-estimable") return c;
	if (t.kind === "not-estimable") return t;
	return { kind: "estimated", value: t.value - c.value, lower: t.lower - c.upper, upper: t.upper - c.lower };
}

function logCapitalAbove(bets: readonly PredictableBet[], mean: number): number {
	return bets.reduce(
		(capital, { observation, bet }) => capital + Math.log1p(Math.min(bet, LARGEST_LOSS / mean) * (observation - mean)),
		-Math.LN2,
	);
}

function logCapitalBelow(bets: readonly PredictableBet[], mean: number): number {
	return bets.reduce(
		(capital, { observation, bet }) =>
			capital + Math.log1p(Math.min(bet, LARGEST_LOSS / (1 - mean)) * (mean - observation)),
		-Math.LN2,
	);
}
