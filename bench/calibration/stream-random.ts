import { type SeededRandom, seededRandom } from "../../packages/stats/src/test-support/seeded-random.ts";

/** Random numbers of one stream, with whole batches drawn at once where their sums have a known law. */
export interface StreamRandom extends SeededRandom {
	/** Seed that it was started from, for streams that seed themselves. */
	readonly seed: number;
	/** Chi-square; 0 for 0 degrees of freedom. */
	chiSquare(degreesOfFreedom: number): number;
	exponential(): number;
}

/** Every repetition of every cell has a stream of its own, whoever simulates it. */
export function streamRandom(scenario: string, cell: string, repetition: number): StreamRandom {
	const seed = (fnv1a(`${scenario}/${cell}`) + Math.imul(repetition, 0x9e3779b9)) >>> 0;
	const { uniform, bernoulli, integer, binomial } = seededRandom(seed);
	let spare = Number.NaN;
	function normal(): number {
		if (!Number.isNaN(spare)) {
			const kept = spare;
			spare = Number.NaN;
			return kept;
		}
		// Marsaglia's polar method: two at a time, no trigonometry.
		for (;;) {
			const x = 2 * uniform() - 1;
			const y = 2 * uniform() - 1;
			const square = x * x + y * y;
			if (square >= 1 || square === 0) continue;
			const factor = Math.sqrt((-2 * Math.log(square)) / square);
			spare = y * factor;
			return x * factor;
		}
	}
	/** Marsaglia, Tsang 2000. */
	function gamma(shape: number): number {
		if (shape < 1) return gamma(shape + 1) * uniform() ** (1 / shape);
		const d = shape - 1 / 3;
		const c = 1 / Math.sqrt(9 * d);
		for (;;) {
			const x = normal();
			const v = (1 + c * x) ** 3;
			if (v > 0 && Math.log(uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
		}
	}
	return {
		seed,
		uniform,
		bernoulli,
		normal,
		integer,
		binomial(trials, probability) {
			if (trials === 0 || probability === 0) return 0;
			// It takes as long as there are successes, so count the rarer outcome.
			return probability > 0.5 ? trials - binomial(trials, 1 - probability) : binomial(trials, probability);
		},
		chiSquare: (degreesOfFreedom) => (degreesOfFreedom === 0 ? 0 : 2 * gamma(degreesOfFreedom / 2)),
		exponential: () => -Math.log(uniform()),
	};
}

function fnv1a(text: string): number {
	let hash = 0x811c9dc5;
	for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
	return hash >>> 0;
}
