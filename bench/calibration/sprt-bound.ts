/** Calls of a violation stream, both arms together; units are equally split. */
interface Change {
	readonly baseRate: number;
	readonly changedRate: number;
	readonly requestsPerSecond: number;
	readonly alpha: number;
}

/**
 * Expected seconds after which no test of level alpha can be quicker on average, by Wald's inequality: ln(1/α) over the
 * information a second brings. `knownRates`: somebody who knows both rates and that the change is now.
 * `armsAlone`: who knows the size of the change and its moment, but learns only in which arm violations are, as a
 * method must that does not know the base rate.
 *
 * @see Wald 1945, Ann. Math. Statist. 16; Lorden 1971 for detection of a change
 */
export function sprtBound({ baseRate, changedRate, requestsPerSecond, alpha }: Change) {
	const evidence = -Math.log(alpha);
	const perArm = requestsPerSecond / 2;
	const violations = perArm * (baseRate + changedRate);
	return {
		knownRates: evidence / (perArm * divergence(changedRate, baseRate)),
		armsAlone: evidence / (violations * divergence(changedRate / (changedRate + baseRate), 0.5)),
	};
}

/** Kullback–Leibler divergence of Bernoulli(p) from Bernoulli(q). */
function divergence(p: number, q: number): number {
	return p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
}
