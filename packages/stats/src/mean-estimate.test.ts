import { describe, expect, it } from "vitest";
import { meanEstimate, mergeMeanSums, ratioSumsOfMean } from "./mean-estimate.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { estimated } from "./test-support/estimated.ts";

describe("meanEstimate", () => {
	const sums = { units: 4n, sumY: 12n, sumYY: 50n };

	it("is Ȳ and s²/K", () => {
		// 1, 2, 3, 6
		expect(meanEstimate(sums)).toEqual({ kind: "estimated", value: 3, variance: 7 / 6, units: 4, observations: 4 });
		expect(estimated(meanEstimate(sums, { scale: 1000 }))).toMatchObject({ value: 0.003 });
	});

	it("is the ratio of sums with every denominator 1", () => {
		expect(ratioSumsOfMean(sums)).toEqual({ units: 4n, sumY: 12n, sumN: 4n, sumYY: 50n, sumNN: 4n, sumYN: 12n });
		expect(ratioEstimate(ratioSumsOfMean(sums))).toEqual(meanEstimate(sums));
	});

	it("adds up in any grouping", () => {
		const [first, second, third] = [
			{ units: 1n, sumY: 6n, sumYY: 36n },
			{ units: 2n, sumY: 3n, sumYY: 5n },
			{ units: 1n, sumY: 3n, sumYY: 9n },
		];
		expect(mergeMeanSums(first!, second!, third!)).toEqual(sums);
		expect(mergeMeanSums(third!, mergeMeanSums(first!, second!))).toEqual(sums);
	});

	it.each([
		["too-few-units", { units: 1, sumY: 1, sumYY: 1 }],
		["non-finite", { units: 3, sumY: Number.NaN, sumYY: 1 }],
		["negative-variance", { units: 2, sumY: 10, sumYY: 1 }],
		["precision-lost", { units: 2, sumY: 2e15 + 0.5, sumYY: 2e30 }],
	])("is not estimable: %s", (reason, bad) => {
		expect(meanEstimate(bad)).toMatchObject({ kind: "not-estimable", reason });
	});
});
