import { betaBinomialLogEValue, requireTrials } from "./beta-binomial-mixture.ts";
import { monotoneRoot } from "./monotone-root.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireAlpha } from "./stats-error.ts";

/** An interval for a mean that holds at every n together. */
export interface MeanInterval {
	readonly kind: "estimated";
	readonly value: number;
	readonly lower: number;
	readonly upper: number;
}

export interface BernoulliConfidenceSequenceOptions {
	/** Σx of independent observations in [0, 1]: how many succeeded. */
	readonly successes: number;
	readonly trials: number;
	/** Error rate over all looks together, in (0, 1). */
	readonly alpha: number;
	/** Where the interval is narrowest; fixed before the first look. > 0 */
	readonly tunedTrials: number;
}

/**
 * Interval for a proportion that may be looked at after every trial, exact at any n: the means that the beta-binomial
 * mixture has not rejected.
 *
 * @returns not-estimable `no-observations` without a trial
 * @throws {StatsError} INVALID_ALPHA, INVALID_COUNT, INVALID_TUNING
 * @see Howard, Ramdas, McAuliffe, Sekhon 2021, arXiv:1810.08240; confseq `bernoulli_confidence_interval`
 */
export function bernoulliConfidenceSequence(options: BernoulliConfidenceSequenceOptions): MeanInterval | NotEstimable {
	const { successes, trials, alpha, tunedTrials } = options;
	requireAlpha(alpha);
	requireTrials(successes, trials);
	if (trials === 0) return notEstimable("no-observations", "There is no trial yet.");
	const value = successes / trials;
	const excess = (mean: number) => betaBinomialLogEValue(successes, trials, { mean, tunedTrials }) + Math.log(alpha);
	// Nearer to 0 and 1 than this no mean can be told from them.
	const [least, most] = [1e-12, 1 - 1e-12];
	const centre = Math.min(most, Math.max(least, value));
	return {
		kind: "estimated",
		value,
		lower: centre > least && excess(least) > 0 ? monotoneRoot(excess, least, centre) : 0,
		upper: centre < most && excess(most) > 0 ? monotoneRoot(excess, centre, most) : 1,
	};
}
