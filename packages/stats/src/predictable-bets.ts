import { type NotEstimable, notEstimable } from "./not-estimable.ts";

/** What one observation is worth betting, from those before it alone. */
export interface PredictableBet {
	readonly observation: number;
	/** λ: √(2 ln(1/α) / (σ̂²·t·ln(1+t))), not truncated. */
	readonly bet: number;
	/** Squared distance from the mean of the observations before it; of the first one from 0. */
	readonly squaredSurprise: number;
}

/**
 * Bets of the predictable plug-in empirical-Bernstein method, for observations in order of arrival.
 *
 * @param alpha of the side that is bet on
 * @see Waudby-Smith, Ramdas 2023, arXiv:2010.09686, eq. 15 and 26
 */
export function predictableBets(observations: readonly number[], alpha: number): PredictableBet[] {
	let [sum, squares, variance] = [0, 0, 0.25];
	return observations.map((observation, index) => {
		const t = index + 1;
		const bet = Math.sqrt((-2 * Math.log(alpha)) / (variance * t * Math.log1p(t)));
		const squaredSurprise = (observation - (index === 0 ? 0 : sum / index)) ** 2;
		sum += observation;
		squares += (observation - (0.5 + sum) / (t + 1)) ** 2;
		variance = (0.25 + squares) / (t + 1);
		return { observation, bet, squaredSurprise };
	});
}

/** Why these cannot be bet on, if so. */
export function refuseObservations(observations: readonly number[]): NotEstimable | null {
	if (observations.length === 0) return notEstimable("no-observations", "There is no observation yet.");
	const outside = observations.find((observation) => !(observation >= 0 && observation <= 1));
	if (outside === undefined) return null;
	return notEstimable("out-of-range", `An observation is ${outside}; these intervals are for values from 0 to 1 only.`);
}
