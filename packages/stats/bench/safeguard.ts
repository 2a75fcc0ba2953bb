/**
 * Is there a variance for unequal arms that is less conservative than max(V_T + V_C, V_pool) and still holds the level?
 *
 *     node --conditions=armspan-source packages/stats/bench/safeguard.ts [streams = 1000]
 *
 * 50,000 units, 150 looks from 50 units in the smaller arm on, two-sided alpha 0.05, ρ tuned at half the effective
 * horizon. Every number is a share of streams that ever exclude 0; ± 2·√(p(1−p)/streams).
 */
import { tuneRhoSquared, twoSidedRadiusMultiplier } from "../src/asymptotic-confidence-sequence.ts";
import { type SeededRandom, seededRandom } from "../src/test-support/seeded-random.ts";

const UNITS = 50_000;
const LOOKS = 150;
const ALPHA = 0.05;

/** Variance of the difference: own variances summed, pooled ones summed, units of the smaller arm. */
const candidates: Record<string, (own: number, pooled: number, fewest: number) => number> = {
	"max (adopted)": (own, pooled) => Math.max(own, pooled),
	"pooled alone": (_, pooled) => pooled,
	"excess × K/(K+100)": (own, pooled, fewest) => pooled + Math.max(0, own - pooled) * (fewest / (fewest + 100)),
	"excess × K/(K+400)": (own, pooled, fewest) => pooled + Math.max(0, own - pooled) * (fewest / (fewest + 400)),
	"√(own·pooled)": (own, pooled) => Math.max(pooled, Math.sqrt(own * pooled)),
};

interface Cell {
	readonly name: string;
	readonly share: number;
	draw(random: SeededRandom, treated: boolean): number;
}

function looksOf(share: number): number[] {
	const first = Math.ceil(50 / share);
	return Array.from({ length: LOOKS }, (_, look) => Math.round(first * (UNITS / first) ** (look / (LOOKS - 1))));
}

function rejections(cell: Cell, streams: number): number[] {
	const names = Object.keys(candidates);
	const rejected = names.map(() => 0);
	const looks = looksOf(cell.share);
	const rhoSquared = tuneRhoSquared(ALPHA, 0.5 * UNITS * 4 * cell.share * (1 - cell.share));
	for (let stream = 0; stream < streams; stream++) {
		const random = seededRandom(stream * 7919 + 13);
		const [c, t] = [
			{ n: 0, s: 0, q: 0 },
			{ n: 0, s: 0, q: 0 },
		];
		const hit = names.map(() => false);
		for (const until of looks) {
			const treated = Math.round(until * cell.share);
			for (const [arm, to, isTreated] of [
				[t, treated, true],
				[c, until - treated, false],
			] as const) {
				while (arm.n < to) {
					const value = cell.draw(random, isTreated);
					arm.n++;
					arm.s += value;
					arm.q += value * value;
				}
			}
			const variance = ({ n, s, q }: typeof c) => (q - (s * s) / n) / (n - 1);
			const own = variance(c) / c.n + variance(t) / t.n;
			const pooled = variance({ n: c.n + t.n, s: c.s + t.s, q: c.q + t.q }) * (1 / c.n + 1 / t.n);
			if (!(pooled > 0)) continue;
			const multiplier = twoSidedRadiusMultiplier((4 * c.n * t.n) / (c.n + t.n), rhoSquared, ALPHA);
			const difference = Math.abs(t.s / t.n - c.s / c.n);
			names.forEach((name, index) => {
				hit[index] ||= difference > multiplier * Math.sqrt(candidates[name]!(own, pooled, Math.min(c.n, t.n)));
			});
		}
		hit.forEach((each, index) => {
			if (each) rejected[index]!++;
		});
	}
	return rejected.map((count) => count / streams);
}

const lognormal = (random: SeededRandom) => Math.exp(1.5 * random.normal());
const bernoulli = (rate: number) => (random: SeededRandom) => (random.bernoulli(rate) ? 1 : 0);
/** Calls of one returning user, ICC 0.3, as a mean per user of 1 to 19 calls: the influence of a ratio of sums. */
const returning = (random: SeededRandom) => {
	const calls = 1 + random.integer(19);
	return calls * (Math.sqrt(0.3) * random.normal() + Math.sqrt(0.7 / calls) * random.normal());
};
const lognormalDeviation = Math.sqrt((Math.exp(2.25) - 1) * Math.exp(2.25));

const streams = Number(process.argv[2] ?? 1000);
const cells: Cell[] = [0.5, 0.1, 0.05, 0.01].flatMap((share) => [
	{ name: "normal", share, draw: (random) => random.normal() },
	{ name: "lognormal 1.5", share, draw: lognormal },
	{ name: "Bernoulli .01", share, draw: bernoulli(0.01) },
	{ name: "Bernoulli .99", share, draw: bernoulli(0.99) },
	{ name: "returning users, ICC .3", share, draw: returning },
	{ name: "normal, treated 3× the SD", share, draw: (random, treated) => (treated ? 3 : 1) * random.normal() },
	{ name: "normal, treated ⅓ the SD", share, draw: (random, treated) => (treated ? 1 / 3 : 1) * random.normal() },
]);
// Effects that a fixed test would find with power 0.8 (× 1.5 in the second line of each), at 1 %.
const error = (deviation: number) => 2.8 * deviation * Math.sqrt(1 / (0.01 * UNITS) + 1 / (0.99 * UNITS));
for (const times of [1, 1.5]) {
	const normal = times * error(1);
	const skewed = times * error(lognormalDeviation);
	const rate = 0.01 + times * error(Math.sqrt(0.01 * 0.99));
	cells.push(
		{ name: `power ${times}× normal`, share: 0.01, draw: (r, treated) => r.normal() + (treated ? normal : 0) },
		{ name: `power ${times}× lognormal 1.5`, share: 0.01, draw: (r, treated) => lognormal(r) + (treated ? skewed : 0) },
		{
			name: `power ${times}× Bernoulli .01`,
			share: 0.01,
			draw: (r, treated) => (r.bernoulli(treated ? rate : 0.01) ? 1 : 0),
		},
	);
}
console.log(`| share | data | ${Object.keys(candidates).join(" | ")} |`);
console.log(`|---|---|${"---|".repeat(Object.keys(candidates).length)}`);
for (const cell of cells) {
	console.log(`| ${100 * cell.share} % | ${cell.name} | ${rejections(cell, streams).join(" | ")} |`);
}
