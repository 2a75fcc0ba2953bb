const Z_95 = 1.959963984540054;

/** A share of all units as a sample shows it. */
export interface ShareEstimate {
	readonly share: number;
	readonly lower: number;
	readonly upper: number;
}

/**
 * Wilson's 95 % interval of a share, from a sample drawn at random; near-exact for samples of thousands.
 * @param hits 0 to `sample`
 * @param sample ≥ 1
 * @see Wilson 1927, JASA 22:209
 */
export function shareInterval(hits: number, sample: number): ShareEstimate {
	const share = hits / sample;
	const z2 = (Z_95 * Z_95) / sample;
	const center = (share + z2 / 2) / (1 + z2);
	const half = (Z_95 / (1 + z2)) * Math.sqrt((share * (1 - share)) / sample + z2 / (4 * sample));
	return {
		share,
		lower: hits === 0 ? 0 : Math.max(0, center - half),
		upper: hits === sample ? 1 : Math.min(1, center + half),
	};
}
