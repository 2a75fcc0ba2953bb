import { describe, expect, it } from "vitest";
import { designEffect } from "./design-effect.ts";
import { estimated } from "./test-support/estimated.ts";
import { exact, ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

function sumsOf(units: readonly (readonly number[])[]) {
	const totals = units.map((values): UnitTotals => [values.reduce((sum, value) => sum + value, 0), values.length]);
	return [ratioSumsOf(totals), units.flat().reduce((sum, value) => sum + value * value, 0)] as const;
}

describe("designEffect", () => {
	it("is the clustered variance over that of independent observations", () => {
		const [sums, squares] = sumsOf([
			[1, 2],
			[5, 6],
			[3, 7],
		]);
		// R = 4, unit sums 3, 11, 10 against 8; s² = 28/5.
		const clustered = ((3 / 2) * (25 + 9 + 4)) / 36;
		const { value, observationsPerUnit } = estimated(designEffect(sums, squares));
		expect(value).toBeCloseTo(clustered / (28 / 5 / 6), 12);
		expect(observationsPerUnit).toBe(2);
		expect(designEffect(exact(sums), BigInt(squares))).toEqual(designEffect(sums, squares));
	});

	it("is about 1 + (m − 1)·ICC", () => {
		const random = seededRandom(21);
		const units = Array.from({ length: 4000 }, () => {
			const level = Math.sqrt(0.3) * random.normal();
			return Array.from({ length: 10 }, () => level + Math.sqrt(0.7) * random.normal());
		});
		const { value } = estimated(designEffect(...sumsOf(units)));
		expect(value).toBeGreaterThan(3.4);
		expect(value).toBeLessThan(4);
	});

	it("is about 1 when every unit is observed once", () => {
		const [sums, squares] = sumsOf([[1], [2], [4], [8], [9]]);
		expect(estimated(designEffect(sums, squares)).value).toBeCloseTo(1, 12);
	});

	const [sums, squares] = sumsOf([
		[1, 2],
		[5, 6],
	]);

	it.each([
		["no-variation", ...sumsOf([[3, 3], [3]])],
		["negative-variance", sums, 10],
		["non-finite", sums, Number.NaN],
		["non-finite", sums, Number.POSITIVE_INFINITY],
		// A variance of 5·10³⁰⁷ beside observations that hardly differ.
		["non-finite", { units: 2, sumY: 0, sumN: 2, sumYY: 1e308, sumNN: 2, sumYN: 0 }, 1e-10],
		["too-few-units", ...sumsOf([[3, 4]])],
		["precision-lost", { ...sums, sumY: sums.sumY + 0.5, sumYN: 29 }, 14.5 ** 2 / 4],
	] as const)("is not estimable: %s", (reason, bad, sumOfSquares) => {
		expect(designEffect(bad, sumOfSquares)).toMatchObject({ kind: "not-estimable", reason });
	});

	it.each([
		[0.3, "estimated"],
		[0.15, "precision-lost"],
		[-0.15, "precision-lost"],
		[-0.3, "negative-variance"],
	])("knows what rounding leaves of a spread of %d around a mean of 10⁶: %s", (spread, outcome) => {
		const mean = 1e6 + 0.0025;
		const sum = 100 * mean;
		const large = { units: 100, sumY: sum, sumN: 100, sumYY: sum * mean + 1e4, sumNN: 100, sumYN: sum };
		const effect = designEffect(large, 100 * (mean * mean + spread));
		expect(effect.kind === "estimated" ? effect.kind : effect.reason).toBe(outcome);
	});

	it("refuses a mixture of numbers and integers", () => {
		expect(() => designEffect<number | bigint>(sums, BigInt(squares))).toThrow(
			expect.objectContaining({ code: "MIXED_QUANTITIES" }),
		);
	});
});
