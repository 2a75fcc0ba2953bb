/** Entries of a gate, a holdout or a layer add up to this: shares are steps of 0.00001. */
export const SHARE_STEPS = 100_000;

/** The share in steps, or `undefined` if it lies between two steps. */
export function shareSteps(share: number): number | undefined {
	const steps = share * SHARE_STEPS;
	const whole = Math.round(steps);
	return Math.abs(steps - whole) < 1e-6 ? whole : undefined;
}
