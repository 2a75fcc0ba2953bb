/** Whole counts of one arm, 0 ≤ successes ≤ units. */
export interface Counts {
	readonly units: number;
	readonly successes: number;
}

/** Halvings after which an interval of length 2 is narrower than any double near 1. */
const HALVINGS = 60;

/**
 * Miettinen and Nurminen's interval of p_T − p_C: the differences δ that a score test does not refute, with the shares'
 * likeliest values under δ and the variance times N/(N−1).
 *
 * @see Miettinen, Nurminen 1985, Statist. Med. 4, 213
 */
export function scoreInterval(control: Counts, treatment: Counts, z: number): [lower: number, upper: number] {
	const value = treatment.successes / treatment.units - control.successes / control.units;
	const refuted = (delta: number) => {
		const [c, t] = likeliestShares(control, treatment, delta);
		const units = control.units + treatment.units;
		const variance = ((c * (1 - c)) / control.units + (t * (1 - t)) / treatment.units) * (units / (units - 1));
		return (value - delta) ** 2 > z * z * variance;
	};
	return [lastBefore(value, -1, refuted), lastBefore(value, 1, refuted)];
}

/** Where `refuted` begins between `inside`, which is not, and `outside`, or `outside` if nothing is refuted. */
export function lastBefore(inside: number, outside: number, refuted: (delta: number) => boolean): number {
	let [near, far] = [inside, outside];
	if (!refuted(far)) return far;
	for (let step = 0; step < HALVINGS; step++) {
		const middle = (near + far) / 2;
		if (refuted(middle)) far = middle;
		else near = middle;
	}
	return (near + far) / 2;
}

/** The shares of highest likelihood with t − c = δ. The likelihood is concave, so halving finds its top. */
export function likeliestShares(
	control: Counts,
	treatment: Counts,
	delta: number,
): [control: number, treatment: number] {
	let [low, high] = [Math.max(0, -delta), Math.min(1, 1 - delta)];
	for (let step = 0; step < HALVINGS; step++) {
		const middle = (low + high) / 2;
		if (slope(control, middle) + slope(treatment, middle + delta) > 0) low = middle;
		else high = middle;
	}
	const share = (low + high) / 2;
	return [clip(share), clip(share + delta)];
}

/** Derivative of the log-likelihood; a term without counts is 0, also at the edge. */
function slope({ units, successes }: Counts, share: number): number {
	const failures = units - successes;
	return (successes === 0 ? 0 : successes / share) - (failures === 0 ? 0 : failures / (1 - share));
}

function clip(share: number): number {
	return Math.min(1, Math.max(0, share));
}
