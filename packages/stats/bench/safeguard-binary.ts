/**
 * Units that are 0 or 1 cannot differ in variance while they agree in mean, so equal arms have the pooled variance. Is it
 * enough alone, without the maximum, in unequal arms? And with an allowance for few expected events?
 *
 *     node --conditions=armspan-source packages/stats/bench/safeguard-binary.ts [streams = 4000]
 *
 * As bench/safeguard.ts, which has the design and the other distributions.
 */
import { tuneRhoSquared, twoSidedRadiusMultiplier } from "../src/asymptotic-confidence-sequence.ts";
import { seededRandom } from "../src/test-support/seeded-random.ts";

const UNITS = 50_000;
const LOOKS = 150;
const ALPHA = 0.05;

/** Own variances summed, pooled ones summed, expected events (or non-events) in the smaller arm. */
const candidates: Record<string, (own: number, pooled: number, expected: number) => number> = {
	"max (adopted)": (own, pooled) => Math.max(own, pooled),
	"pooled alone": (_, pooled) => pooled,
	"pooled × (1 + 1/2E)": (_, pooled, expected) => pooled * (1 + 0.5 / expected),
	"pooled × (1 + 1/E)": (_, pooled, expected) => pooled * (1 + 1 / expected),
	"pooled × (1 + 2/E)": (_, pooled, expected) => pooled * (1 + 2 / expected),
};

function rejections(share: number, rate: number, treatedRate: number, streams: number): number[] {
	const names = Object.keys(candidates);
	const rejected = names.map(() => 0);
	const first = Math.ceil(50 / share);
	const looks = Array.from({ length: LOOKS }, (_, look) => Math.round(first * (UNITS / first) ** (look / (LOOKS - 1))));
	const rhoSquared = tuneRhoSquared(ALPHA, 0.5 * UNITS * 4 * share * (1 - share));
	for (let stream = 0; stream < streams; stream++) {
		const random = seededRandom(stream * 104_729 + 7);
		const [c, t] = [
			{ n: 0, s: 0 },
			{ n: 0, s: 0 },
		];
		const hit = names.map(() => false);
		const draw = (trials: number, p: number) =>
			trials === 0 ? 0 : p > 0.5 ? trials - random.binomial(trials, 1 - p) : random.binomial(trials, p);
		for (const until of looks) {
			const treated = Math.round(until * share);
			t.s += draw(treated - t.n, treatedRate);
			t.n = treated;
			c.s += draw(until - treated - c.n, rate);
			c.n = until - treated;
			const variance = ({ n, s }: typeof c) => (s * (n - s)) / n / (n - 1);
			const pooled = variance({ n: c.n + t.n, s: c.s + t.s }) * (1 / c.n + 1 / t.n);
			if (!(pooled > 0)) continue;
			const own = variance(c) / c.n + variance(t) / t.n;
			const pooledRate = (c.s + t.s) / (c.n + t.n);
			const expected = Math.min(c.n, t.n) * Math.min(pooledRate, 1 - pooledRate);
			const multiplier = twoSidedRadiusMultiplier((4 * c.n * t.n) / (c.n + t.n), rhoSquared, ALPHA);
			const difference = Math.abs(t.s / t.n - c.s / c.n);
			names.forEach((name, index) => {
				hit[index] ||= difference > multiplier * Math.sqrt(candidates[name]!(own, pooled, expected));
			});
		}
		hit.forEach((each, index) => {
			if (each) rejected[index]!++;
		});
	}
	return rejected.map((count) => count / streams);
}

const streams = Number(process.argv[2] ?? 4000);
console.log(`| share | rates | ${Object.keys(candidates).join(" | ")} |`);
console.log(`|---|---|${"---|".repeat(Object.keys(candidates).length)}`);
for (const share of [0.5, 0.1, 0.05, 0.01]) {
	for (const rate of [0.1, 0.01, 0.001, 0.99]) {
		console.log(`| ${100 * share} % | ${rate} | ${rejections(share, rate, rate, streams).join(" | ")} |`);
	}
}
for (const share of [0.1, 0.05, 0.01]) {
	for (const [rate, sign] of [
		[0.01, 1],
		[0.1, 1],
		[0.1, -1],
		[0.99, -1],
	] as const) {
		const error = 2.8 * Math.sqrt(rate * (1 - rate) * (1 / (share * UNITS) + 1 / ((1 - share) * UNITS)));
		const treated = rate + sign * error;
		const power = rejections(share, rate, treated, Math.ceil(streams / 4));
		console.log(`| ${100 * share} % | ${rate} → ${treated.toFixed(4)}: power | ${power.join(" | ")} |`);
	}
}
