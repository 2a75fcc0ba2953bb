/**
 * How soon do restarts find that a mean has become worse, and how often do they cry wolf?
 *
 *     node --conditions=armspan-source packages/stats/bench/restarting-comparison.ts [streams = 150]
 *
 * 3,000 users, 50 requests/s, alpha 0.05 one-sided, checked every 10 s. False alarms within the first 20 minutes.
 */
import { firstComparisonBreach, type LatencyStream } from "../src/test-support/latency-stream.ts";
import type { SeededRandom } from "../src/test-support/seeded-random.ts";

const streams = Number(process.argv[2] ?? 150);
const seconds = (ms: number) => (Number.isFinite(ms) ? String(Math.round(ms / 1000)) : "never");
const lognormal = (random: SeededRandom) => Math.exp(1.5 * random.normal());
const rare = (rate: number) => (random: SeededRandom, level: number) =>
	random.bernoulli(Math.min(1, rate * Math.exp(level - 0.5))) ? 1 : 0;

const nothing = { restarts: true, changeAtMs: 0, factor: 1, endMs: 1_200_000 };
const CELLS: Record<string, Partial<LatencyStream>> = {
	"latency (lognormal σ 0.8, returning users)": {},
	"the same, 10 %": { share: 0.1 },
	"lognormal σ 1.5": { value: lognormal },
	"lognormal σ 1.5, 10 %": { value: lognormal, share: 0.1 },
	"lognormal σ 1.5, lower is worse, 10 %": { value: lognormal, direction: "increase", share: 0.1 },
	"1 % errors, skewed users, 10 %": { value: rare(0.01), share: 0.1 },
	"quality .99, lower is worse, 10 %": {
		value: (random, level) => 1 - rare(0.01)(random, level),
		direction: "increase",
		share: 0.1,
	},
};
console.log("| nothing changes, 20 min | false alarms |\n|---|---|");
for (const [name, cell] of Object.entries(CELLS)) {
	const alarms = Array.from({ length: streams }, (_, seed) =>
		firstComparisonBreach({ ...nothing, ...cell, seed: 10_000 + seed }),
	).filter(Number.isFinite).length;
	console.log(`| ${name} | ${((100 * alarms) / streams).toFixed(1)} % |`);
}
console.log("\n| latency × factor, after | restarts, median (95 %) s | one start |\n|---|---|---|");
for (const [factor, minutes] of [
	[1.5, 20],
	[1.5, 120],
	[1.2, 20],
	[1.2, 120],
	[1.1, 20],
] as const) {
	const cells = [true, false].map((restarts) => {
		const delays = Array.from({ length: Math.ceil(streams / 4) }, (_, seed) => {
			// Not at a start, which would flatter restarts.
			const changeAtMs = minutes * 60_000 + 125_000;
			return firstComparisonBreach({ seed, restarts, changeAtMs, factor, endMs: changeAtMs + 3_600_000 });
		}).sort((a, b) => a - b);
		return `${seconds(delays[delays.length >> 1]!)} (${seconds(delays[Math.ceil(delays.length * 0.95) - 1]!)})`;
	});
	console.log(`| × ${factor}, ${minutes} min | ${cells.join(" | ")} |`);
}
