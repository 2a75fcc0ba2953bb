import betaln from "@stdlib/math-base-special-betaln";
import { tuneMixture } from "./gamma-exponential-mixture.ts";
import { logBetaTail } from "./log-beta-tail.ts";
import { requireArgument } from "./stats-error.ts";
import { STIRLING_FROM, stirlingRemainder } from "./stirling.ts";

export interface BetaBinomialDesign {
	/** Hypothetical mean p of the observations, in (0, 1). */
	readonly mean: number;
	/** Where the mixture is sharpest; fixed before the first observation. > 0 */
	readonly tunedTrials: number;
	/** Error rate it is tuned for. @default 0.05 */
	readonly tunedAlpha?: number;
	/** 2: the mean is not p. 1: it is above p. @default 2 */
	readonly sides?: 1 | 2;
}

/**
 * Natural logarithm of the beta-binomial mixture: evidence against a mean of p, for observations between 0 and 1 of which
 * only the sum and the number are needed. Exact at every n. For zeros and ones it is a likelihood ratio; for
 * anything between it is valid and wasteful.
 *
 * @param successes Σx, in [0, trials]
 * @param trials n ≥ 0
 * @returns ≥ −ln α with probability ≤ α, ever, if p is the mean (with one side: at least the mean)
 * @throws {StatsError} INVALID_COUNT, INVALID_SHARE, INVALID_TUNING, INVALID_ALPHA, INVALID_SIDES
 * @see Howard, Ramdas, McAuliffe, Sekhon 2021, arXiv:1810.08240, propositions 7 and 8
 */
export function betaBinomialLogEValue(successes: number, trials: number, design: BetaBinomialDesign): number {
	const { mean, tunedTrials, tunedAlpha = 0.05, sides = 2 } = design;
	requireArgument(mean > 0 && mean < 1, "INVALID_SHARE", "mean", mean, "a number in (0, 1)");
	requireArgument(sides === 1 || sides === 2, "INVALID_SIDES", "sides", sides, "1 or 2");
	requireTrials(successes, trials);
	// Howard's ρ in units of a trial's variance p(1 − p), which is what one trial takes of it.
	const strength = Math.max(tuneMixture(tunedAlpha * (sides === 1 ? 2 : 1), tunedTrials) - 1, 1e-3);
	const [a, b] = [strength * mean, strength * (1 - mean)];
	const failures = trials - successes;
	if (sides === 1) return logBetaTail(a + successes, b + failures, mean) - logBetaTail(a, b, mean);
	return logBetaAgainst(a + successes, b + failures, mean) - logBetaAgainst(a, b, mean);
}

/** ln B(a, b) − a·ln p − b·ln(1−p): large logarithms of large shapes cancel before they are computed. */
function logBetaAgainst(a: number, b: number, p: number): number {
	if (Math.min(a, b) < STIRLING_FROM) return betaln(a, b) - a * Math.log(p) - b * Math.log1p(-p);
	const total = a + b;
	const excess = a * (1 - p) - b * p;
	return (
		a * Math.log1p(excess / (total * p)) +
		b * Math.log1p(-excess / (total * (1 - p))) +
		Math.log((2 * Math.PI * (total / a)) / b) / 2 +
		stirlingRemainder(a) +
		stirlingRemainder(b) -
		stirlingRemainder(total)
	);
}

/** @throws {StatsError} INVALID_COUNT */
export function requireTrials(successes: number, trials: number): void {
	requireArgument(trials >= 0 && trials <= 1e12, "INVALID_COUNT", "trials", trials, "a number in [0, 1e12]");
	requireArgument(
		successes >= 0 && successes <= trials,
		"INVALID_COUNT",
		"successes",
		successes,
		`a number in [0, ${trials}]`,
	);
}
