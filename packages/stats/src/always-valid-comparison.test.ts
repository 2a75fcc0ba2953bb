import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRatios, type RatioComparisonOptions } from "./always-valid-comparison.ts";
import { tuneRhoSquared, twoSidedLogEValue, twoSidedRadiusMultiplier } from "./asymptotic-confidence-sequence.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
import { bernoulliSums, exact, ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const design = { alpha: 0.05, plannedUnits: 10_000, plannedShare: 0.5 };

function compared<Sums extends RatioSums<number> | RatioSums<bigint>>(options: RatioComparisonOptions<Sums>) {
	const comparison = compareRatios(options);
	if (comparison.kind !== "estimated") throw new Error(comparison.message);
	return comparison;
}

const arm = fc
	.array(
		fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 9 })) satisfies fc.Arbitrary<UnitTotals>,
		{
			minLength: 50,
			maxLength: 90,
		},
	)
	.filter((units) => new Set(units.map(([sum, count]) => sum / count)).size > 5);

describe("compareRatios", () => {
	it("is the plain confidence sequence for equal arms of equal spread", () => {
		const control = bernoulliSums(2000, 400);
		const treatment = bernoulliSums(2000, 440);
		const { absoluteEffect, effectiveUnits, logEValue } = compared({ ...design, control, treatment });
		expect(effectiveUnits).toBe(4000);
		expect(absoluteEffect.value).toBeCloseTo(0.02, 12);
		// V_pool = p(1−p)·K/(K−1)·(2/2000) with p = 0.21, which is the larger one here.
		const standardError = Math.sqrt(((0.21 * 0.79 * 2) / 2000) * (4000 / 3999));
		expect(absoluteEffect.standardError).toBeCloseTo(standardError, 12);
		const rhoSquared = tuneRhoSquared(0.05, 5000);
		const radius = standardError * twoSidedRadiusMultiplier(4000, rhoSquared, 0.05);
		expect(absoluteEffect.upper - absoluteEffect.value).toBeCloseTo(radius, 12);
		expect(logEValue).toBeCloseTo(twoSidedLogEValue(0.02 / standardError, 4000, rhoSquared), 10);
	});

	it("counts effective units, and tunes at the planned effective horizon, for unequal arms", () => {
		const comparison = compared({
			...design,
			plannedShare: 0.05,
			control: bernoulliSums(1900, 190),
			treatment: bernoulliSums(100, 20),
		});
		expect(comparison.effectiveUnits).toBeCloseTo(380, 10);
		const rhoSquared = tuneRhoSquared(0.05, 5000 * 4 * 0.05 * 0.95);
		const { value, upper, standardError } = comparison.absoluteEffect;
		expect((upper - value) / standardError).toBeCloseTo(twoSidedRadiusMultiplier(380, rhoSquared, 0.05), 10);
	});

	it("keeps the arms' own variances where they are larger: a small arm of three times the spread", () => {
		const random = seededRandom(3);
		const spread = (units: number, deviation: number) =>
			ratioSumsOf(Array.from({ length: units }, () => [10 + deviation * random.normal(), 1]));
		const [control, treatment] = [spread(1900, 1), spread(100, 3)];
		const [c, t] = [ratioEstimate(control), ratioEstimate(treatment)];
		if (c.kind !== "estimated" || t.kind !== "estimated") throw new Error("not estimable");
		const { standardError } = compared({ ...design, control, treatment }).absoluteEffect;
		expect(standardError).toBeCloseTo(Math.sqrt(c.variance + t.variance), 12);
	});

	it("borrows the pooled variance for a small arm that has not met a rare value yet", () => {
		const control = bernoulliSums(1900, 19);
		const comparison = compared({ ...design, plannedShare: 0.05, control, treatment: bernoulliSums(100, 0) });
		const rate = 19 / 2000;
		const standardError = Math.sqrt(((rate * (1 - rate) * 2000) / 1999) * (1 / 1900 + 1 / 100));
		expect(comparison.absoluteEffect.standardError).toBeCloseTo(standardError, 12);
		expect(comparison.pValue).toBe(1);
	});

	it("flips the sign and keeps the p-value when the arms swap", () => {
		fc.assert(
			fc.property(arm, arm, (first, second) => {
				const [control, treatment] = [exact(ratioSumsOf(first)), exact(ratioSumsOf(second))];
				const there = compared({ ...design, control, treatment });
				const back = compared({ ...design, control: treatment, treatment: control });
				expect(back.absoluteEffect.value).toBeCloseTo(-there.absoluteEffect.value, 9);
				expect(back.absoluteEffect.lower).toBeCloseTo(-there.absoluteEffect.upper, 9);
				expect(back.absoluteEffect.upper).toBeCloseTo(-there.absoluteEffect.lower, 9);
				expect(back.pValue).toBeCloseTo(there.pValue, 12);
			}),
			{ numRuns: 50 },
		);
	});

	it("keeps p-value and relative effect, and scales the absolute one, in another unit of measurement", () => {
		fc.assert(
			fc.property(arm, arm, fc.constantFrom(1000, 1e6, 7), (first, second, scale) => {
				const sums = { control: exact(ratioSumsOf(first)), treatment: exact(ratioSumsOf(second)) };
				const plain = compared({ ...design, ...sums });
				const scaled = compared({ ...design, ...sums, scale });
				expect(scaled.pValue).toBeCloseTo(plain.pValue, 12);
				expect(scaled.absoluteEffect.lower * scale).toBeCloseTo(plain.absoluteEffect.lower, 8);
				expect(scaled.relativeEffect).toMatchObject({ kind: plain.relativeEffect.kind });
				if (scaled.relativeEffect.kind === "estimated" && plain.relativeEffect.kind === "estimated") {
					expect(scaled.relativeEffect.value).toBeCloseTo(plain.relativeEffect.value, 10);
				}
			}),
			{ numRuns: 50 },
		);
	});

	it("gives the same bits for number and bigint sums of integers", () => {
		fc.assert(
			fc.property(arm, arm, (first, second) => {
				const [control, treatment] = [ratioSumsOf(first), ratioSumsOf(second)];
				expect(compareRatios({ ...design, control, treatment })).toEqual(
					compareRatios({ ...design, control: exact(control), treatment: exact(treatment) }),
				);
			}),
			{ numRuns: 50 },
		);
	});

	it("never widens, and rejects in step with the p-value, for a larger alpha", () => {
		const level = fc.double({ min: 1e-4, max: 0.5, noNaN: true });
		fc.assert(
			fc.property(arm, arm, level, level, (first, second, one, other) => {
				const sums = { control: ratioSumsOf(first), treatment: ratioSumsOf(second) };
				const [strict, lenient] = [Math.min(one, other), Math.max(one, other)].map((alpha) => ({
					alpha,
					...compared({ ...design, ...sums, alpha }),
				})) as [{ alpha: number } & ReturnType<typeof compared>, { alpha: number } & ReturnType<typeof compared>];
				expect(lenient.absoluteEffect.upper).toBeLessThanOrEqual(strict.absoluteEffect.upper + 1e-9);
				expect(lenient.absoluteEffect.lower).toBeGreaterThanOrEqual(strict.absoluteEffect.lower - 1e-9);
				for (const { alpha, absoluteEffect, pValue } of [strict, lenient]) {
					const excludesZero = absoluteEffect.lower > 0 || absoluteEffect.upper < 0;
					if (Math.abs(pValue - alpha) > 1e-9) expect(pValue < alpha).toBe(excludesZero);
				}
			}),
			{ numRuns: 50 },
		);
	});

	it.each([
		["too-few-units", bernoulliSums(49, 5), bernoulliSums(5000, 500)],
		["too-few-units", bernoulliSums(0, 0), bernoulliSums(0, 0)],
		["no-variation", bernoulliSums(500, 0), bernoulliSums(500, 0)],
		["no-variation", bernoulliSums(500, 500), bernoulliSums(500, 500)],
		["no-observations", { units: 60, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 }, bernoulliSums(60, 3)],
		["non-finite", { ...bernoulliSums(60, 3), sumY: Number.NaN }, bernoulliSums(60, 3)],
		["impossible-sums", { ...bernoulliSums(60, 3), units: -60 }, bernoulliSums(60, 3)],
	])("is not estimable: %s", (reason, control, treatment) => {
		expect(compareRatios({ ...design, control, treatment })).toMatchObject({ kind: "not-estimable", reason });
	});

	it("compares arms that only differ between each other", () => {
		const comparison = compared({ ...design, control: bernoulliSums(100, 0), treatment: bernoulliSums(100, 100) });
		expect(comparison.absoluteEffect.lower).toBeGreaterThan(0.5);
		expect(comparison.relativeEffect).toMatchObject({ reason: "zero-baseline" });
	});

	it("is not estimable when the standard error is too large for a number", () => {
		// A variance of 1.6·10³⁰⁸ in each arm, which is a number, but their sum is not.
		const wide = { units: 400, sumY: 0, sumN: 0.5, sumYY: 4e307, sumNN: 0.25, sumYN: 0 };
		const options = { control: wide, treatment: wide, alpha: 0.05, plannedUnits: 2000, plannedShare: 0.5 };
		expect(compareRatios(options)).toMatchObject({ kind: "not-estimable", reason: "non-finite" });
	});

	it("states no relative effect while control cannot be told from 0", () => {
		const comparison = compared({ ...design, control: bernoulliSums(500, 2), treatment: bernoulliSums(500, 100) });
		expect(comparison.absoluteEffect.lower).toBeGreaterThan(0);
		expect(comparison.relativeEffect).toMatchObject({ kind: "not-estimable", reason: "unbounded" });
	});

	it.each([
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_ALPHA", { alpha: 1 }],
		["INVALID_SHARE", { plannedShare: 0.6 }],
		["INVALID_SHARE", { plannedShare: Number.NaN }],
		["INVALID_PLANNED_UNITS", { plannedUnits: 0 }],
		["INVALID_MINIMUM_UNITS", { minimumUnits: 1 }],
		["INVALID_SCALE", { scale: 0 }],
	])("refuses a design that makes no sense: %s %j", (code, change) => {
		const sums = { control: bernoulliSums(100, 5), treatment: bernoulliSums(100, 5) };
		expect(() => compareRatios({ ...design, ...sums, ...change })).toThrow(expect.objectContaining({ code }));
	});
});

/** Rejections among A/A streams that are looked at from 50 units in the smaller arm up to 20,000 units in all. */
function peek(share: number, rate: number, lift: number, streams: number) {
	const rhoSquared = tuneRhoSquared(0.05, 10_000);
	const looks = Array.from({ length: 60 }, (_, look) =>
		Math.round((50 / share) * (20_000 / (50 / share)) ** (look / 59)),
	);
	let safeguarded = 0;
	let plain = 0;
	for (let stream = 0; stream < streams; stream++) {
		const random = seededRandom(1000 + stream);
		let [control, treatment] = [bernoulliSums(0, 0), bernoulliSums(0, 0)];
		let [safeguardedRejects, plainRejects] = [false, false];
		for (const units of looks) {
			const treated = Math.round(units * share);
			const grow = (sums: RatioSums<number>, to: number, probability: number) =>
				bernoulliSums(to, sums.sumY + random.binomial(to - sums.units, probability));
			treatment = grow(treatment, treated, rate * (1 + lift));
			control = grow(control, units - treated, rate);
			const comparison = compareRatios({ control, treatment, alpha: 0.05, plannedUnits: 20_000, plannedShare: share });
			safeguardedRejects ||=
				comparison.kind === "estimated" && (comparison.absoluteEffect.lower > 0 || comparison.absoluteEffect.upper < 0);
			const [c, t] = [ratioEstimate(control), ratioEstimate(treatment)];
			if (c.kind === "estimated" && t.kind === "estimated" && c.variance + t.variance > 0) {
				const radius = twoSidedRadiusMultiplier(units, rhoSquared, 0.05) * Math.sqrt(c.variance + t.variance);
				plainRejects ||= Math.abs(t.value - c.value) > radius;
			}
		}
		if (safeguardedRejects) safeguarded++;
		if (plainRejects) plain++;
	}
	return { safeguarded: safeguarded / streams, plain: plain / streams };
}

describe("compareRatios, looked at all the time", () => {
	it("keeps its error rate in a 5 % arm with 1 % errors, where the plain sequence does not", () => {
		const { safeguarded, plain } = peek(0.05, 0.01, 0, 300);
		expect(safeguarded).toBeLessThanOrEqual(0.02);
		expect(plain).toBeGreaterThan(0.15);
	});

	it("keeps its error rate in equal arms without being idle", () => {
		expect(peek(0.5, 0.1, 0, 300).safeguarded).toBeLessThanOrEqual(0.05);
		// A fixed test has a power of 0.998 here.
		expect(peek(0.5, 0.1, 0.2, 100).safeguarded).toBeGreaterThan(0.85);
	});

	it("keeps its error rate when units come back, call after call, where counting calls does not", () => {
		const streams = 200;
		let [byUnit, byCall] = [0, 0];
		for (let stream = 0; stream < streams; stream++) {
			const random = seededRandom(40_000 + stream);
			// Every user has a level of their own: intra-user correlation 1 / (1 + 2) = 0.33.
			const users = Array.from({ length: 600 }, () => ({ level: random.normal(), sum: 0, calls: 0 }));
			const calls = [ratioSumsOf([]), ratioSumsOf([])];
			let [unitRejects, callRejects] = [false, false];
			for (let look = 1; look <= 20; look++) {
				for (let call = 0; call < 300; call++) {
					// Users arrive over time and come back.
					const index = random.integer(200 + 20 * look);
					const user = users[index]!;
					const value = 10 + user.level + Math.SQRT2 * random.normal();
					user.sum += value;
					user.calls += 1;
					calls[index % 2] = mergeRatioSums(calls[index % 2]!, ratioSumsOf([[value, 1]]));
				}
				const arms = [0, 1].map((arm) =>
					ratioSumsOf(
						users
							.filter((user, index) => index % 2 === arm && user.calls > 0)
							.map((user): UnitTotals => [user.sum, user.calls]),
					),
				);
				const rejects = (control: RatioSums<number>, treatment: RatioSums<number>, plannedUnits: number) => {
					const { lower, upper } = compared({ ...design, plannedUnits, control, treatment }).absoluteEffect;
					return lower > 0 || upper < 0;
				};
				unitRejects ||= rejects(arms[0]!, arms[1]!, 600);
				callRejects ||= rejects(calls[0]!, calls[1]!, 6000);
			}
			if (unitRejects) byUnit++;
			if (callRejects) byCall++;
		}
		expect(byUnit / streams).toBeLessThanOrEqual(0.04);
		expect(byCall / streams).toBeGreaterThan(0.1);
	});
});
