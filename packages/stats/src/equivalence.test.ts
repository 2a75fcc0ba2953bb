import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equivalence } from "./equivalence.ts";
import { studentTail } from "./student-tail.ts";
import { estimated } from "./test-support/estimated.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

describe("equivalence", () => {
	it("gives sm-tost-sas", () => {
		const { inputs, expected } = statOracle("sm-tost-sas");
		const { successes, n, low, high } = inputs;
		const value = successes / n;
		const standardError = Math.sqrt((value * (1 - value)) / n);
		const result = estimated(equivalence({ value, standardError }, { alpha: 0.05, low, high }));
		expect(Math.abs(result.statisticLow - expected.z_low)).toBeLessThan(1e-4);
		expect(Math.abs(result.statisticHigh - expected.z_high)).toBeLessThan(1e-4);
		expect(Math.abs(result.lower - expected.ci90[0])).toBeLessThan(1e-4);
		expect(Math.abs(result.upper - expected.ci90[1])).toBeLessThan(1e-4);
		expect(result.equivalent).toBe(true);
	});

	it("is the worse of two one-sided tests", () => {
		const estimate = { value: 0.2, standardError: 0.5, degreesOfFreedom: 12 };
		const result = estimated(equivalence(estimate, { alpha: 0.05, low: -1, high: 1 }));
		expect(result.pValue).toBeCloseTo(studentTail(1.6, 12), 14);
		expect(result.equivalent).toBe(false);
	});

	it("is shown exactly when the interval at 1 − 2·alpha lies inside the bounds", () => {
		const number = fc.double({ min: -10, max: 10, noNaN: true });
		const positive = fc.double({ min: 1e-3, max: 10, noNaN: true });
		const level = fc.double({ min: 1e-6, max: 0.49, noNaN: true });
		const freedom = fc.option(fc.double({ min: 1, max: 1e4, noNaN: true }));
		fc.assert(
			fc.property(number, positive, number, positive, level, freedom, (value, standardError, low, width, alpha, df) => {
				const estimate = { value, standardError, ...(df === null ? {} : { degreesOfFreedom: df }) };
				const result = estimated(equivalence(estimate, { alpha, low, high: low + width }));
				if (Math.abs(result.pValue / alpha - 1) < 1e-6) return;
				expect(result.equivalent).toBe(result.lower > low && result.upper < low + width);
			}),
		);
	});

	it("is not estimable without an error, or beyond the range of a number", () => {
		const bounds = { alpha: 0.05, low: -1, high: 1 };
		expect(equivalence({ value: 0, standardError: 0 }, bounds)).toMatchObject({ reason: "no-variation" });
		expect(equivalence({ value: 1e300, standardError: 1e-300 }, bounds)).toMatchObject({ reason: "non-finite" });
		// The statistics are ±1.7, but one bound of the interval is out of range.
		for (const value of [1.7e308, -1.7e308]) {
			expect(equivalence({ value, standardError: 1e308 }, bounds)).toMatchObject({ reason: "non-finite" });
		}
	});

	it.each([
		["INVALID_BOUNDS", { low: 1 }, {}],
		["INVALID_BOUNDS", { high: Number.POSITIVE_INFINITY }, {}],
		["INVALID_ALPHA", { alpha: 0.5 }, {}],
		["INVALID_ESTIMATE", {}, { value: Number.NaN }],
		["INVALID_ESTIMATE", {}, { standardError: -1 }],
		["INVALID_ESTIMATE", {}, { degreesOfFreedom: 0 }],
	])("refuses what makes no sense: %s %j %j", (code, options, estimate) => {
		expect(() =>
			equivalence({ value: 0, standardError: 1, ...estimate }, { alpha: 0.05, low: -1, high: 1, ...options }),
		).toThrow(expect.objectContaining({ code }));
	});
});
