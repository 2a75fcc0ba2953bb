import { bettingConfidenceSequence, bettingDifference, empiricalBernsteinConfidenceSequence } from "@armspan/stats";
import { ALPHA } from "../looks.ts";
import { scenario } from "../scenario.ts";
import type { StreamRandom } from "../stream-random.ts";

/** Units of one arm by the end: a canary's first hour. */
const UNITS = 40;

interface BoundedCell {
	readonly key: string;
	readonly mean: number;
	/** A judge's score in [0, 1]. */
	draw(random: StreamRandom): number;
}

/** Tiny arms of bounded scores, looked at after every unit; these methods promise their level at every n, exactly. */
export const boundedMeans = scenario<BoundedCell>({
	name: "bounded-means",
	effort: 0.4,
	cells: [
		{ key: "0 or 1, mean 0.9", mean: 0.9, draw: (random) => (random.bernoulli(0.9) ? 1 : 0) },
		{ key: "0 or 1, mean 0.01", mean: 0.01, draw: (random) => (random.bernoulli(0.01) ? 1 : 0) },
		{ key: "even on [0, 1]", mean: 0.5, draw: (random) => random.uniform() },
		{
			key: "mostly 1, seldom anything below",
			mean: 0.875,
			draw: (random) => 1 - (random.bernoulli(0.25) ? random.uniform() : 0),
		},
	],
	simulate({ mean, draw }, random, tally) {
		const [control, treatment]: [number[], number[]] = [[], []];
		const wrong = { betting: false, "empirical-Bernstein": false, "betting, difference": false };
		let width = 2;
		while (control.length < UNITS) {
			control.push(draw(random));
			treatment.push(draw(random));
			wrong.betting ||= misses(bettingConfidenceSequence(treatment, ALPHA), mean);
			wrong["empirical-Bernstein"] ||= misses(empiricalBernsteinConfidenceSequence(treatment, ALPHA), mean);
			const difference = bettingDifference(control, treatment, ALPHA);
			wrong["betting, difference"] ||= misses(difference, 0);
			if (difference.kind === "estimated") width = difference.upper - difference.lower;
		}
		for (const [method, missed] of Object.entries(wrong)) tally.count(method, missed);
		tally.add("width of the difference", width);
	},
});

function misses(interval: ReturnType<typeof bettingConfidenceSequence>, truth: number): boolean {
	// A score that is all ones has the truth on its edge but for rounding.
	return interval.kind === "estimated" && (truth < interval.lower - 1e-12 || truth > interval.upper + 1e-12);
}
