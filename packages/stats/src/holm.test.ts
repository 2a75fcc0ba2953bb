import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { benjaminiHochberg } from "./benjamini-hochberg.ts";
import { holm } from "./holm.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { severalComparisons } = fixture<{ severalComparisons: { pValues: number[]; holm: number[] }[] }>(
	"fixed-horizon",
);
const pValue = fc.double({ min: 0, max: 1, noNaN: true });

describe("holm", () => {
	it("gives gb-holm-bh", () => {
		const { inputs, expected } = statOracle("gb-holm-bh");
		holm(inputs.holm).forEach((adjusted, position) => {
			expect(Math.abs(adjusted - expected.holm[position])).toBeLessThan(1e-8);
		});
	});

	it.each(severalComparisons)("agrees with statsmodels for $pValues", ({ pValues, holm: expected }) => {
		holm(pValues).forEach((adjusted, position) => {
			expect(relativeError(adjusted, expected[position]!)).toBeLessThan(1e-12);
		});
	});

	it("never helps a p-value, keeps their order, follows them when they move, and is no looser than Bonferroni", () => {
		fc.assert(
			fc.property(fc.array(pValue, { maxLength: 12 }), (pValues) => {
				const adjusted = holm(pValues);
				pValues.forEach((p, i) => {
					expect(adjusted[i]).toBeGreaterThanOrEqual(p);
					expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, pValues.length * p));
					expect(adjusted[i]).toBeGreaterThanOrEqual(benjaminiHochberg(pValues)[i]! * (1 - 1e-12));
					pValues.forEach((other, j) => {
						if (p <= other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!);
					});
				});
				expect(holm([...pValues].reverse())).toEqual([...adjusted].reverse());
			}),
		);
	});

	it("adjusts nothing where there is nothing", () => {
		expect(holm([])).toEqual([]);
	});

	it("refuses what is no p-value", () => {
		for (const bad of [-0.1, 1.1, Number.NaN]) {
			expect(() => holm([0.5, bad])).toThrow(`invalid pValues[1]: ${bad}; expected a number in [0, 1]`);
		}
	});
});
