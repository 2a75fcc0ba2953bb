import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anytimeValidTTest, tuneAnytimeValidT } from "./anytime-valid-t-test.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const fit = { value: 1, standardError: 0.5, observations: 100, coefficients: 3, alpha: 0.05, precision: 10 };

function tested(change: Partial<typeof fit> = {}) {
	const result = anytimeValidTTest({ ...fit, ...change });
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

describe("anytimeValidTTest", () => {
	it("gives av-lm-tradius", () => {
		const { inputs, expected, tolerance } = statOracle("av-lm-tradius");
		const { n: observations, coefficients, alpha } = inputs;
		const precision = tuneAnytimeValidT(observations, coefficients, alpha);
		expect(precision).toBeCloseTo(11.5815, 4);
		for (const [name, { p, ci }] of Object.entries(expected) as [string, { p: number; ci?: number[] }][]) {
			const { est: value, se: standardError, t } = inputs.rows[name];
			const result = tested({ value, standardError, observations, coefficients, alpha, precision });
			if (ci !== undefined) {
				expect(Math.abs(result.lower - ci[0]!)).toBeLessThan(tolerance.ci);
				expect(Math.abs(result.upper - ci[1]!)).toBeLessThan(tolerance.ci);
			}
			// The published p-values belong to the published t, which has more digits than estimate and error.
			const { pValue } = tested({ value: t, standardError: 1, observations, coefficients, alpha, precision });
			expect(Math.abs(pValue / p - 1)).toBeLessThan(tolerance.p_rel);
		}
	});

	it("rejects 0 exactly when its interval excludes it, and never widens with alpha", () => {
		const level = fc.double({ min: 1e-4, max: 0.3, noNaN: true });
		fc.assert(
			fc.property(fc.double({ min: -6, max: 6, noNaN: true }), level, level, (t, one, other) => {
				const [strict, lenient] = [Math.min(one, other), Math.max(one, other)];
				const result = tested({ value: t, standardError: 1, alpha: strict });
				if (Math.abs(result.pValue - strict) > 1e-9) {
					expect(result.lower > 0 || result.upper < 0).toBe(result.pValue < strict);
				}
				expect(tested({ value: t, standardError: 1, alpha: lenient }).upper).toBeLessThanOrEqual(result.upper + 1e-12);
			}),
		);
	});

	it("has the p-value of t alone, and an interval in the unit of the estimate", () => {
		const { pValue, upper, value, logEValue } = tested();
		const scaled = tested({ value: 100, standardError: 50 });
		expect(scaled.pValue).toBeCloseTo(pValue, 12);
		expect(scaled.logEValue).toBeCloseTo(logEValue, 12);
		expect((scaled.upper - 100) / 100).toBeCloseTo(upper - value, 12);
		expect(tested({ value: 2 }).pValue).toBeLessThan(pValue);
	});

	it("is narrowest at the tuned precision", () => {
		const width = (precision: number) => tested({ precision }).upper;
		const best = tuneAnytimeValidT(100, 3, 0.05);
		expect(width(best)).toBeLessThan(width(best * 1.2));
		expect(width(best)).toBeLessThan(width(best / 1.2));
	});

	it("keeps its error rate for normal data looked at all the time, from the second observation on", () => {
		const streams = 800;
		let rejected = 0;
		for (let seed = 0; seed < streams; seed++) {
			const random = seededRandom(700 + seed);
			let [sum, squares] = [0, 0];
			for (let n = 1; n <= 300; n++) {
				const value = random.normal();
				sum += value;
				squares += value * value;
				const standardError = Math.sqrt((squares - (sum * sum) / n) / (n - 1) / n);
				const result = anytimeValidTTest({ ...fit, value: sum / n, standardError, observations: n, coefficients: 1 });
				if (result.kind === "estimated" && result.pValue <= 0.05) {
					rejected++;
					break;
				}
			}
		}
		expect(rejected / streams).toBeLessThan(0.05);
		expect(rejected).toBeGreaterThan(0);
	});

	it.each([
		["too-few-units", { observations: 3 }],
		["no-variation", { standardError: 0 }],
		["non-finite", { standardError: Number.NaN }],
		["non-finite", { standardError: -1 }],
		["non-finite", { value: Number.POSITIVE_INFINITY }],
		["non-finite", { value: 1e308, standardError: 1e-10 }],
		["unbounded", { observations: 4 }],
	])("is not estimable: %s %j", (reason, change) => {
		expect(anytimeValidTTest({ ...fit, ...change })).toMatchObject({ kind: "not-estimable", reason });
	});

	it.each([
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_COUNT", { observations: 1.5 }],
		["INVALID_COUNT", { coefficients: 0 }],
		["INVALID_TUNING", { precision: 0 }],
	])("refuses %s %j", (code, change) => {
		expect(() => anytimeValidTTest({ ...fit, ...change })).toThrow(expect.objectContaining({ code }));
	});

	it("cannot be tuned without degrees of freedom", () => {
		expect(() => tuneAnytimeValidT(3, 3, 0.05)).toThrow(expect.objectContaining({ code: "INVALID_COUNT" }));
	});
});
