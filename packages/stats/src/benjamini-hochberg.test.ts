import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { benjaminiHochberg } from "./benjamini-hochberg.ts";
import { normalUpperTail } from "./normal-tail.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { severalComparisons } = fixture<{
	severalComparisons: { pValues: number[]; benjaminiHochberg: number[] }[];
}>("fixed-horizon");

describe("benjaminiHochberg", () => {
	it("gives gb-holm-bh", () => {
		const { inputs, expected } = statOracle("gb-holm-bh");
		benjaminiHochberg(inputs.bh).forEach((adjusted, position) => {
			expect(Math.abs(adjusted - expected.bh[position])).toBeLessThan(1e-8);
		});
	});

	it.each(severalComparisons)("agrees with statsmodels for $pValues", ({ pValues, benjaminiHochberg: expected }) => {
		benjaminiHochberg(pValues).forEach((adjusted, position) => {
			expect(relativeError(adjusted, expected[position]!)).toBeLessThan(1e-12);
		});
	});

	it("never helps a p-value and keeps their order", () => {
		fc.assert(
			fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (pValues) => {
				const adjusted = benjaminiHochberg(pValues);
				pValues.forEach((p, i) => {
					expect(adjusted[i]).toBeGreaterThanOrEqual(p);
					expect(adjusted[i]).toBeLessThanOrEqual(1);
					pValues.forEach((other, j) => {
						if (p <= other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
					});
				});
				expect(benjaminiHochberg([...pValues].reverse())).toEqual([...adjusted].reverse());
			}),
		);
	});

	it("bounds the share of false claims by alpha times the share of true nulls", () => {
		const random = seededRandom(91);
		let [shareOfFalse, runs] = [0, 2000];
		for (let run = 0; run < runs; run++) {
			// Fifteen nulls, five effects.
			const pValues = Array.from({ length: 20 }, (_, i) => normalUpperTail(random.normal() + (i < 15 ? 0 : 3)));
			const claims = benjaminiHochberg(pValues).map((adjusted) => adjusted < 0.2);
			const claimed = claims.filter(Boolean).length;
			if (claimed > 0) shareOfFalse += claims.slice(0, 15).filter(Boolean).length / claimed / runs;
		}
		// Exactly 0.2 · 15/20 for independent p-values.
		expect(Math.abs(shareOfFalse - 0.15)).toBeLessThan(0.012);
	});

	it("adjusts nothing where there is nothing", () => {
		expect(benjaminiHochberg([])).toEqual([]);
	});

	it("refuses what is no p-value", () => {
		expect(() => benjaminiHochberg([2])).toThrow(expect.objectContaining({ code: "INVALID_P_VALUE" }));
	});
});
