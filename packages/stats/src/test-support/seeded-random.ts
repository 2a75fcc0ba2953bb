/** A stream of random numbers that is the same for the same seed, on every machine. */
export interface SeededRandom {
	/** In (0, 1). */
	uniform(): number;
	bernoulli(probability: number): boolean;
	/** Standard normal. */
	normal(): number;
	/** Integer in [0, below). */
	integer(below: number): number;
	/** Number of successes among `trials`; takes as long as there are successes. */
	binomial(trials: number, probability: number): number;
}

/** sfc32 (PractRand), started from one 32-bit seed. */
export function seededRandom(seed: number): SeededRandom {
	let a = 0x9e3779b9 ^ seed;
	let b = 0x243f6a88;
	let c = 0xb7e15162 + seed;
	let counter = 1;
	function next(): number {
		const result = (a + b + counter) | 0;
		counter = (counter + 1) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = ((c << 21) | (c >>> 11)) + result;
		return ((result >>> 0) + 0.5) / 2 ** 32;
	}
	for (let round = 0; round < 16; round++) next();
	return {
		uniform: next,
		bernoulli: (probability) => next() < probability,
		normal: () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
		integer: (below) => Math.floor(next() * below),
		binomial(trials, probability) {
			// Gaps between successes are geometric.
			const scale = Math.log1p(-probability);
			let successes = 0;
			for (
				let trial = Math.ceil(Math.log(next()) / scale);
				trial <= trials;
				trial += Math.ceil(Math.log(next()) / scale)
			) {
				successes++;
			}
			return successes;
		},
	};
}
