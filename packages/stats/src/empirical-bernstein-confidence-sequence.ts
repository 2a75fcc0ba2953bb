import type { MeanInterval } from "./bernoulli-confidence-sequence.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { predictableBets, refuseObservations } from "./predictable-bets.ts";
import { requireAlpha } from "./stats-error.ts";

/** Largest bet: further on the bound on its cost explodes. */
const LARGEST_BET = 0.5;

/**
 * Interval for the mean of values in [0, 1] that holds at every n together, exactly, and narrows with their variance:
 * the predictable plug-in empirical-Bernstein confidence sequence. Wider than the betting one, but a closed form.
 *
 * @param observations in order of arrival, one a unit
 * @returns the interval after the last one; not-estimable `no-observations`, or `out-of-range` for a value outside [0, 1]
 * @throws {StatsError} INVALID_ALPHA
 * @see Waudby-Smith, Ramdas 2023, arXiv:2010.09686, theorem 2
 */
export function empiricalBernsteinConfidenceSequence(
	observations: readonly number[],
	alpha: number,
): MeanInterval | NotEstimable {
	requireAlpha(alpha);
	const refused = refuseObservations(observations);
	if (refused !== null) return refused;
	const below = lowerBound(observations, alpha / 2);
	// The same from the other end, so that mirrored data have the mirrored interval.
	const above = lowerBound(
		observations.map((observation) => 1 - observation),
		alpha / 2,
	);
	return {
		kind: "estimated",
		value: below.centre,
		lower: Math.max(0, below.centre - below.radius),
		upper: Math.min(1, 1 - above.centre + above.radius),
	};
}

function lowerBound(observations: readonly number[], alpha: number) {
	let [bets, weighted, cost] = [0, 0, 0];
	for (const { observation, bet, squaredSurprise } of predictableBets(observations, alpha)) {
		const lambda = Math.min(LARGEST_BET, bet);
		bets += lambda;
		weighted += lambda * observation;
		cost += squaredSurprise * (-Math.log1p(-lambda) - lambda);
	}
	return { centre: weighted / bets, radius: (cost - Math.log(alpha)) / bets };
}
