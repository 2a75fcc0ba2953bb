import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRatios } from "./always-valid-comparison.ts";
import { oneSidedRadiusMultiplier, tuneRhoSquared } from "./asymptotic-confidence-sequence.ts";
import { compareOneSided, type OneSidedComparisonOptions } from "./one-sided-comparison.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { bernoulliSums, ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { type SeededRandom, seededRandom } from "./test-support/seeded-random.ts";

const design = { alpha: 0.05, plannedUnits: 10_000, plannedShare: 0.5, direction: "decrease" } as const;

function compared(options: OneSidedComparisonOptions<RatioSums<number>>) {
	const comparison = compareOneSided(options);
	if (comparison.kind === "not-estimable") throw new Error(comparison.message);
	return comparison;
}

const arm = fc
	.array(
		fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 9 })) satisfies fc.Arbitrary<UnitTotals>,
		{
			minLength: 50,
			maxLength: 80,
		},
	)
	.filter((units) => new Set(units.map(([sum, count]) => sum / count)).size > 5);

describe("compareOneSided", () => {
	it("measures how far treatment is on the good side, with the one-sided multiplier", () => {
		const [control, treatment] = [bernoulliSums(2000, 200), bernoulliSums(2000, 260)];
		const worse = compared({ ...design, control, treatment });
		expect(worse.distance).toBeCloseTo(-0.03, 12);
		const multiplier = oneSidedRadiusMultiplier(4000, tuneRhoSquared(0.1, 5000), 0.05);
		expect(worse.upperBound - worse.distance).toBeCloseTo(multiplier * worse.standardError, 12);
		expect(worse.distance - worse.lowerBound).toBeCloseTo(multiplier * worse.standardError, 12);
		const better = compared({ ...design, direction: "increase", control, treatment });
		expect(better.distance).toBeCloseTo(0.03, 12);
		expect(better.nonInferiorityPValue).toBeCloseTo(worse.harmPValue, 12);
		// Narrower than the two-sided interval at the same alpha.
		const twoSided = compareRatios({ ...design, control, treatment });
		if (twoSided.kind === "not-estimable") throw new Error(twoSided.message);
		const { value, upper } = twoSided.absoluteEffect;
		expect(multiplier * worse.standardError).toBeLessThan(upper - value);
	});

	it("takes an absolute margin off, and a relative one by a contrast", () => {
		const [control, treatment] = [bernoulliSums(2000, 200), bernoulliSums(2000, 260)];
		expect(compared({ ...design, control, treatment, margin: 0.02 }).distance).toBeCloseTo(-0.01, 12);
		const relative = compared({ ...design, control, treatment, margin: 0.2, marginScale: "relative" });
		expect(relative.distance).toBeCloseTo(1.2 * 0.1 - 0.13, 12);
		const pooled = ((0.115 * 0.885 * 4000) / 3999 / 2000) * (1 + 1.44);
		expect(relative.standardError).toBeCloseTo(Math.sqrt(pooled), 6);
		const quality = compared({
			...design,
			direction: "increase",
			control,
			treatment,
			margin: 0.2,
			marginScale: "relative",
		});
		expect(quality.distance).toBeCloseTo(0.13 - 0.8 * 0.1, 12);
		// Less negative than 20 % more negative.
		const negative = (units: number, value: number) =>
			ratioSumsOf(Array.from({ length: units }, (_, index) => [value + (index % 2), 1]));
		const losses = compared({
			...design,
			direction: "increase",
			control: negative(100, -10.5),
			treatment: negative(100, -11.5),
			margin: 0.2,
			marginScale: "relative",
		});
		expect(losses.distance).toBeCloseTo(1, 12);
	});

	it("shows harm when the upper bound is below 0, and no harm when the lower one is above", () => {
		// Far before the tuned units a bound at a more lenient alpha than these may be the wider one: ρ follows alpha.
		const level = fc.double({ min: 1e-4, max: 0.05, noNaN: true });
		fc.assert(
			fc.property(arm, arm, level, level, (first, second, one, other) => {
				const sums = { control: ratioSumsOf(first), treatment: ratioSumsOf(second) };
				const [strict, lenient] = [Math.min(one, other), Math.max(one, other)];
				const a = compared({ ...design, ...sums, alpha: strict });
				const b = compared({ ...design, ...sums, alpha: lenient });
				if (Math.abs(a.harmPValue - strict) > 1e-9) expect(a.harmPValue < strict).toBe(a.upperBound < 0);
				if (Math.abs(a.nonInferiorityPValue - strict) > 1e-9) {
					expect(a.nonInferiorityPValue < strict).toBe(a.lowerBound > 0);
				}
				expect(b.upperBound).toBeLessThanOrEqual(a.upperBound + 1e-9);
				expect(b.lowerBound).toBeGreaterThanOrEqual(a.lowerBound - 1e-9);
			}),
			{ numRuns: 60 },
		);
	});

	it.each([
		["too-few-units", bernoulliSums(49, 5), {}],
		["no-variation", bernoulliSums(100, 0), {}],
		["zero-baseline", bernoulliSums(100, 0), { margin: 0.1, marginScale: "relative" as const }],
		["non-finite", { ...bernoulliSums(100, 4), sumYY: Number.NaN }, {}],
		// A variance of 1.6·10³⁰⁸, which is a number, but its double is not.
		[
			"non-finite",
			{ units: 400, sumY: 0, sumN: 0.5, sumYY: 4e307, sumNN: 0.25, sumYN: 0 },
			{ treatment: { units: 400, sumY: 0, sumN: 0.5, sumYY: 4e307, sumNN: 0.25, sumYN: 0 } },
		],
	])("is not estimable: %s", (reason, control, change) => {
		expect(compareOneSided({ ...design, control, treatment: bernoulliSums(100, 0), ...change })).toMatchObject({
			kind: "not-estimable",
			reason,
		});
	});

	it("needs control's value for a relative margin only", () => {
		const sums = { control: bernoulliSums(100, 0), treatment: bernoulliSums(100, 10) };
		expect(compared({ ...design, ...sums, margin: 0.2 }).distance).toBeCloseTo(0.1, 12);
		expect(compared({ ...design, ...sums, margin: 0, marginScale: "relative" }).distance).toBeCloseTo(-0.1, 12);
	});

	it.each([
		["INVALID_ALPHA", { alpha: 0.5 }],
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_MARGIN", { margin: -0.1 }],
		["INVALID_MARGIN", { margin: Number.NaN }],
		["INVALID_SHARE", { plannedShare: 0.6 }],
		["INVALID_SCALE", { scale: -1 }],
	])("refuses %s %j", (code, change) => {
		const sums = { control: bernoulliSums(100, 5), treatment: bernoulliSums(100, 5) };
		expect(() => compareOneSided({ ...design, ...sums, ...change })).toThrow(expect.objectContaining({ code }));
	});
});

/** Share of streams with a wrong claim in either direction, at 40 looks from 50 units in the smaller arm on. */
function wrongly(share: number, unit: (random: SeededRandom) => UnitTotals, streams: number) {
	let [harm, safe] = [0, 0];
	const total = 20_000;
	const first = Math.ceil(50 / share);
	for (let stream = 0; stream < streams; stream++) {
		const random = seededRandom(90_000 + stream);
		const [c, t] = [
			{ units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 },
			{ units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 },
		];
		let [harmed, passed] = [false, false];
		for (let look = 0; look < 40; look++) {
			const until = Math.round(first * (total / first) ** (look / 39));
			for (const [sums, to] of [
				[t, Math.round(until * share)],
				[c, until - Math.round(until * share)],
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
			const result = compareOneSided({ ...design, control: c, treatment: t, plannedUnits: total, plannedShare: share });
			if (result.kind === "not-estimable") continue;
			harmed ||= result.upperBound < 0;
			passed ||= result.lowerBound > 0;
		}
		if (harmed) harm++;
		if (passed) safe++;
	}
	return Math.max(harm, safe) / streams;
}

describe("compareOneSided, looked at all the time", () => {
	it.each([
		["lognormal, 5 %", 0.05, (random: SeededRandom): UnitTotals => [Math.exp(1.5 * random.normal()), 1]],
		["1 % errors, 2 %", 0.02, (random: SeededRandom): UnitTotals => [random.bernoulli(0.01) ? 1 : 0, 1]],
		[
			"returning users with ICC .3 as a ratio, 10 %",
			0.1,
			(random: SeededRandom): UnitTotals => {
				const calls = 1 + random.integer(9);
				return [calls * (5 + Math.sqrt(0.3) * random.normal() + Math.sqrt(0.7 / calls) * random.normal()), calls];
			},
		],
	])("keeps its error rate on each side: %s", (_, share, unit) => {
		// At 1.3 standard errors above alpha / 2: a plain sequence is wrong in a third of the streams of the first two.
		expect(wrongly(share, unit, 200)).toBeLessThanOrEqual(0.035);
	});
});
