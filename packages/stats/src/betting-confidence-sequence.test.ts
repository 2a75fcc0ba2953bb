import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bettingConfidenceSequence, bettingDifference, bettingLogEValue } from "./betting-confidence-sequence.ts";
import { empiricalBernsteinConfidenceSequence } from "./empirical-bernstein-confidence-sequence.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const golden = Array.from({ length: 200 }, (_, i) => ((i + 1) * ((Math.sqrt(5) - 1) / 2)) % 1);

function interval(observations: readonly number[], alpha = 0.05) {
	const result = bettingConfidenceSequence(observations, alpha);
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

function capital(observations: readonly number[], mean: number, alpha = 0.05) {
	const result = bettingLogEValue(observations, mean, alpha);
	if (result.kind === "not-estimable") throw new Error(result.message);
	return Math.exp(result.logEValue);
}

describe("betting confidence sequence", () => {
	it("gives cs-betting-ref", () => {
		const { expected, tolerance } = statOracle("cs-betting-ref");
		for (const mean of [0.3, 0.5, 0.6]) {
			for (const [at, published] of Object.entries(expected[`m=${mean}`]) as [string, number][]) {
				const won = capital(golden.slice(0, Number(at.slice(1))), mean);
				expect(Math.abs(won / published - 1)).toBeLessThan(tolerance.mart_rel);
			}
		}
		for (const [at, [lower, upper]] of Object.entries(expected.cs_grid1000) as [string, [number, number]][]) {
			// The reference keeps the points of a grid of 1/1000 that are not rejected and then one more step.
			const got = interval(golden.slice(0, Number(at.slice(1))));
			expect(Math.abs(got.lower - lower)).toBeLessThan(tolerance.cs);
			expect(Math.abs(got.upper - upper)).toBeLessThan(tolerance.cs);
		}
	});

	it("mirrors, contains what it has not rejected, and never widens with alpha", () => {
		const values = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 });
		fc.assert(
			fc.property(values, fc.double({ min: 1e-4, max: 0.3, noNaN: true }), (observations, alpha) => {
				const { lower, upper } = interval(observations, alpha);
				const mirrored = interval(
					observations.map((value) => 1 - value),
					alpha,
				);
				expect(mirrored.lower).toBeCloseTo(1 - upper, 8);
				for (const mean of [0.01, 0.2, 0.5, 0.8, 0.99]) {
					const rejected = capital(observations, mean, alpha) >= 1 / alpha;
					if (Math.abs(mean - lower) > 1e-6 && Math.abs(mean - upper) > 1e-6) {
						expect(rejected).toBe(mean < lower || mean > upper);
					}
				}
			}),
			{ numRuns: 60 },
		);
		expect(interval(golden, 0.2).lower).toBeGreaterThan(interval(golden, 0.01).lower);
	});

	it("is narrower than empirical Bernstein at tiny n", () => {
		const few = Array.from({ length: 25 }, () => 0.9);
		const bernstein = empiricalBernsteinConfidenceSequence(few, 0.05);
		if (bernstein.kind === "not-estimable") throw new Error(bernstein.message);
		expect(interval(few).lower).toBeGreaterThan(bernstein.lower + 0.05);
	});

	it("rejects a mean of 0 or 1 that data have shown impossible, whatever alpha", () => {
		expect(interval([...Array.from({ length: 200 }, () => 0.5)], 1e-6).lower).toBeGreaterThan(0.2);
		expect(interval([0.5])).toMatchObject({ lower: 0, upper: 1 });
	});

	it("covers a rare value and the difference of two arms, always", () => {
		const streams = 300;
		let [missed, wrong] = [0, 0];
		for (let seed = 0; seed < streams; seed++) {
			const random = seededRandom(200 + seed);
			const arms = [[], []] as [number[], number[]];
			let [lost, erred] = [false, false];
			for (let n = 1; n <= 80; n++) {
				for (const arm of arms) arm.push(random.bernoulli(0.9) ? 1 : random.uniform());
				const { lower, upper } = interval(arms[0]);
				lost ||= lower > 0.95 || upper < 0.95;
				const difference = bettingDifference(arms[0], arms[1], 0.05);
				erred ||= difference.kind === "estimated" && (difference.lower > 0 || difference.upper < 0);
			}
			if (lost) missed++;
			if (erred) wrong++;
		}
		expect(missed / streams).toBeLessThan(0.05);
		expect(wrong / streams).toBeLessThan(0.02);
	});

	it("takes the difference between opposite bounds, each at half of alpha", () => {
		const [low, high] = [golden.slice(0, 60), golden.slice(60).map((value) => 0.3 + 0.7 * value)];
		const [c, t] = [interval(low, 0.025), interval(high, 0.025)];
		expect(bettingDifference(low, high, 0.05)).toEqual({
			kind: "estimated",
			value: t.value - c.value,
			lower: t.lower - c.upper,
			upper: t.upper - c.lower,
		});
	});

	it("sees a difference between two arms that hardly overlap", () => {
		const control = Array.from({ length: 60 }, (_, n) => 0.2 + 0.1 * (n % 2));
		const treatment = control.map((value) => value + 0.6);
		expect(bettingDifference(control, treatment, 0.05)).toMatchObject({ value: expect.closeTo(0.6, 9) });
		const difference = bettingDifference(control, treatment, 0.05);
		expect(difference.kind === "estimated" && difference.lower).toBeGreaterThan(0.2);
		expect(bettingDifference([], treatment, 0.05)).toMatchObject({ reason: "no-observations" });
		expect(bettingDifference(control, [2], 0.05)).toMatchObject({ reason: "out-of-range" });
	});

	it.each([
		["no-observations", []],
		["out-of-range", [0.5, 1.01]],
		["out-of-range", [Number.POSITIVE_INFINITY]],
	])("is not estimable: %s", (reason, observations) => {
		expect(bettingConfidenceSequence(observations, 0.05)).toMatchObject({ kind: "not-estimable", reason });
		expect(bettingLogEValue(observations, 0.5, 0.05)).toMatchObject({ kind: "not-estimable", reason });
	});

	it("refuses an alpha or a mean that is none", () => {
		expect(() => bettingConfidenceSequence([1], 1)).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
		expect(() => bettingLogEValue([1], 0.5, Number.NaN)).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
		expect(() => bettingLogEValue([1], 1.1, 0.05)).toThrow(expect.objectContaining({ code: "INVALID_SHARE" }));
	});
});
