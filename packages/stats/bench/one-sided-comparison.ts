/**
 * How often does the one-sided comparison ever claim harm, or ever claim safety, when treatment is exactly at the margin?
 *
 *     node --conditions=armspan-source packages/stats/bench/one-sided-comparison.ts [streams = 1000]
 *
 * 20,000 units, 100 looks from 50 units in the smaller arm on, alpha 0.05 for each claim, margin 0.
 */
import { compareOneSided } from "../src/one-sided-comparison.ts";
import { type SeededRandom, seededRandom } from "../src/test-support/seeded-random.ts";

const UNITS = 20_000;
const LOOKS = 100;
const streams = Number(process.argv[2] ?? 1000);

/** Sum and number of a unit's calls. */
type Unit = (random: SeededRandom) => readonly [sum: number, calls: number];
const DATA: Record<string, Unit> = {
	normal: (random) => [random.normal(), 1],
	"lognormal 1.5": (random) => [Math.exp(1.5 * random.normal()), 1],
	"Bernoulli .01": (random) => [random.bernoulli(0.01) ? 1 : 0, 1],
	"Bernoulli .99": (random) => [random.bernoulli(0.99) ? 1 : 0, 1],
	"ratio over returning users, ICC .3": (random) => {
		const calls = 1 + random.integer(19);
		return [calls * (5 + Math.sqrt(0.3) * random.normal() + Math.sqrt(0.7 / calls) * random.normal()), calls];
	},
};

function claims(share: number, unit: Unit): { harm: number; safe: number } {
	let [harm, safe] = [0, 0];
	const first = Math.ceil(50 / share);
	for (let stream = 0; stream < streams; stream++) {
		const random = seededRandom(stream * 613 + 11);
		const [control, treatment] = [0, 0].map(() => ({ units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 }));
		let [harmed, passed] = [false, false];
		for (let look = 0; look < LOOKS; look++) {
			const until = Math.round(first * (UNITS / first) ** (look / (LOOKS - 1)));
			const treated = Math.round(until * share);
			for (const [sums, to] of [
				[treatment!, treated],
				[control!, until - treated],
			] as const) {
				while (sums.units < to) {
					const [y, n] = unit(random);
					sums.units++;
					sums.sumY += y;
					sums.sumN += n;
					sums.sumYY += y * y;
					sums.sumNN += n * n;
					sums.sumYN += y * n;
				}
			}
			const result = compareOneSided({
				control: control!,
				treatment: treatment!,
				direction: "decrease",
				alpha: 0.05,
				plannedUnits: UNITS,
				plannedShare: share,
			});
			if (result.kind === "not-estimable") continue;
			harmed ||= result.upperBound < 0;
			passed ||= result.lowerBound > 0;
		}
		if (harmed) harm++;
		if (passed) safe++;
	}
	return { harm: harm / streams, safe: safe / streams };
}

const shares = [0.5, 0.1, 0.05, 0.01];
console.log(`| claims "higher is harm" · "not higher" | ${shares.map((share) => `${100 * share} %`).join(" | ")} |`);
console.log(`|---|${"---|".repeat(shares.length)}`);
for (const [name, unit] of Object.entries(DATA)) {
	const cells = shares.map((share) => {
		const { harm, safe } = claims(share, unit);
		return `${harm} · ${safe}`;
	});
	console.log(`| ${name} | ${cells.join(" | ")} |`);
}
