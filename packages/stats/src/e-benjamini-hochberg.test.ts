import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { benjaminiHochberg } from "./benjamini-hochberg.ts";
import { eBenjaminiHochberg } from "./e-benjamini-hochberg.ts";

describe("eBenjaminiHochberg", () => {
	it("claims the k largest with e ≥ m/(k·alpha)", () => {
		const logs = (...eValues: number[]) => eValues.map(Math.log);
		// m = 4, alpha = 0.05: 80, 40, 26.7, 20.
		expect(eBenjaminiHochberg(logs(1, 81, 41, 3), 0.05)).toEqual([false, true, true, false]);
		expect(eBenjaminiHochberg(logs(1, 79, 39, 3), 0.05)).toEqual([false, false, false, false]);
		// The second lifts the first, which would not do alone.
		expect(eBenjaminiHochberg(logs(45, 41, 1, 1), 0.05)).toEqual([true, true, false, false]);
		expect(eBenjaminiHochberg(logs(21, 21, 21, 21), 0.05)).toEqual([true, true, true, true]);
		expect(eBenjaminiHochberg([], 0.05)).toEqual([]);
	});

	it("claims at the threshold itself", () => {
		expect(eBenjaminiHochberg([-Math.log(0.25)], 0.25)).toEqual([true]);
	});

	it("takes evidence beyond any number, and none", () => {
		expect(eBenjaminiHochberg([1e6, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], 0.01)).toEqual([
			true,
			false,
			true,
		]);
	});

	it("is Benjamini and Hochberg's procedure on p = 1/e, in any order, and claims no less for a larger alpha", () => {
		const logE = fc.array(fc.double({ min: -5, max: 12, noNaN: true }), { maxLength: 10 });
		const level = fc.double({ min: 1e-4, max: 0.5, noNaN: true });
		fc.assert(
			fc.property(logE, level, level, (logEValues, one, other) => {
				const [strict, lenient] = [Math.min(one, other), Math.max(one, other)];
				const claimed = eBenjaminiHochberg(logEValues, strict);
				const adjusted = benjaminiHochberg(logEValues.map((value) => Math.min(1, Math.exp(-value))));
				adjusted.forEach((p, i) => {
					if (Math.abs(p / strict - 1) > 1e-9) expect(claimed[i]).toBe(p < strict);
				});
				expect(eBenjaminiHochberg([...logEValues].reverse(), strict)).toEqual([...claimed].reverse());
				const more = eBenjaminiHochberg(logEValues, lenient);
				claimed.forEach((claim, i) => {
					if (claim) expect(more[i]).toBe(true);
				});
			}),
		);
	});

	it("refuses what makes no sense", () => {
		expect(() => eBenjaminiHochberg([Number.NaN], 0.05)).toThrow(
			expect.objectContaining({ code: "INVALID_STATISTIC" }),
		);
		expect(() => eBenjaminiHochberg([1], 0)).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
	});
});
