import { describe, expect, it } from "vitest";
import { sampleRatioMismatch } from "./sample-ratio-mismatch.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { inputs, expected } = statOracle("gb-srm-chi2");

const rows = (inputs.rows as [number[], number[]][]).map(([units, weights], index) => ({
	observed: byArm(units),
	allocation: byArm(weights),
	arms: units.length,
	weights,
	published: expected[index] as number,
}));

function byArm(values: number[]): Record<string, number> {
	return Object.fromEntries(values.map((value, index) => [`arm${index}`, value]));
}

describe("sampleRatioMismatch", () => {
	const comparable = rows.filter(
		({ arms, weights, observed }) =>
			arms === weights.length &&
			weights.every((weight) => weight > 0) &&
			Object.values(observed).some((units) => units > 0),
	);

	it("has the published rows to compare with", () => {
		expect(comparable).toHaveLength(6);
	});

	it.each(comparable)("gives the p-value $published of gb-srm-chi2", ({ observed, allocation, published }) => {
		const result = sampleRatioMismatch({ observed, allocation });
		if (result.kind !== "estimated") throw new Error(result.message);
		// Published with nine digits, the first row with five that count.
		expect(result.pValue).toBeCloseTo(published, 8);
		expect(result.mismatch).toBe(published < 0.001);
		expect(result.unplannedArms).toEqual([]);
	});

	it.each([
		[{ a: 1000, b: 900, c: 800 }, { a: 1, b: 0, c: 0 }, ["b", "c"]],
		[{ a: 1000, b: 1200, c: 900 }, { a: 0.5, b: 0.5, c: 0 }, ["c"]],
	])(
		"alarms for units in an arm of weight 0, where gb-srm-chi2 drops them: %j",
		(observed, allocation, unplannedArms) => {
			expect(sampleRatioMismatch({ observed, allocation })).toEqual({
				kind: "estimated",
				pValue: 0,
				mismatch: true,
				unplannedArms,
			});
		},
	);

	it("does not count an empty arm of weight 0 as a degree of freedom", () => {
		const two = sampleRatioMismatch({ observed: { a: 135, b: 115 }, allocation: { a: 1, b: 1 } });
		expect(sampleRatioMismatch({ observed: { a: 135, b: 115, c: 0 }, allocation: { a: 1, b: 1, c: 0 } })).toEqual(two);
	});

	it("follows weights whose sum is no number", () => {
		const options = { observed: { a: 0, b: 100, c: 120 }, allocation: { a: 1, b: 1e308, c: 1e308 } };
		const even = sampleRatioMismatch({ observed: { a: 0, b: 100, c: 120 }, allocation: { a: 1e-12, b: 1, c: 1 } });
		const heavy = sampleRatioMismatch(options);
		expect(heavy.kind === "estimated" && heavy.pValue).toBeCloseTo(even.kind === "estimated" ? even.pValue : 0, 9);
		expect(heavy).toMatchObject({ mismatch: false });
	});

	it("is not estimable without units, and with one weighted arm", () => {
		const none = sampleRatioMismatch({ observed: { a: 0, b: 0 }, allocation: { a: 1, b: 1 } });
		expect(none).toMatchObject({ kind: "not-estimable", reason: "no-observations" });
		const one = sampleRatioMismatch({ observed: { a: 9, b: 0 }, allocation: { a: 1, b: 0 } });
		expect(one).toMatchObject({ kind: "not-estimable", reason: "single-arm" });
	});

	it("keeps a tail far below what 1 − cdf could tell from 0", () => {
		const result = sampleRatioMismatch({ observed: { a: 60_000, b: 50_000 }, allocation: { a: 1, b: 1 } });
		if (result.kind !== "estimated") throw new Error(result.message);
		// χ² = 909.09 with one degree of freedom: erfc(√(χ²/2)).
		expect(Math.log10(result.pValue)).toBeCloseTo(-198.98, 1);
	});

	it("does not care about the order of arms or the scale of weights", () => {
		const one = sampleRatioMismatch({ observed: { a: 310, b: 98 }, allocation: { a: 3, b: 1 } });
		expect(sampleRatioMismatch({ observed: { b: 98, a: 310 }, allocation: { b: 250, a: 750 } })).toEqual(one);
	});

	it.each([
		["ARMS_DIFFER", { observed: { a: 1000 }, allocation: { a: 0.5, b: 0.5 } }],
		["ARMS_DIFFER", { observed: { a: 1, c: 1 }, allocation: { a: 0.5, b: 0.5 } }],
		["INVALID_COUNT", { observed: { a: 1.5, b: 1 }, allocation: { a: 0.5, b: 0.5 } }],
		["INVALID_COUNT", { observed: { a: -1, b: 1 }, allocation: { a: 0.5, b: 0.5 } }],
		["INVALID_ALLOCATION", { observed: { a: 1, b: 1 }, allocation: { a: -1, b: 0.5 } }],
		["INVALID_ALLOCATION", { observed: { a: 1, b: 1 }, allocation: { a: 0, b: 0 } }],
		["INVALID_ALPHA", { observed: { a: 1, b: 1 }, allocation: { a: 1, b: 1 }, threshold: 1 }],
	])("refuses arguments outside its domain: %s %j", (code, options) => {
		// The differing arms come from outside, where no type checks them.
		expect(() => sampleRatioMismatch(options as Parameters<typeof sampleRatioMismatch>[0])).toThrow(
			expect.objectContaining({ code }),
		);
	});
});
