import { describe, expect, it } from "vitest";
import { designEffect } from "./design-effect.ts";
import { estimated } from "./test-support/estimated.ts";
import { ratioSumsOf } from "./test-support/ratio-sums-of.ts";
import { unitMeanBesideRatio } from "./unit-mean.ts";

describe("unitMeanBesideRatio", () => {
	it("tells the average unit from the average observation", () => {
		// One unit with eight slow calls, three with a fast one each.
		const units = [[90, 90, 90, 90, 90, 90, 90, 94], [10], [20], [30]];
		const evidence = {
			ratio: ratioSumsOf(units.map((values) => [values.reduce((sum, value) => sum + value, 0), values.length])),
			unitMeans: { units: 4, sumY: 90.5 + 60, sumYY: 90.5 ** 2 + 1400 },
			sumOfSquares: units.flat().reduce((sum, value) => sum + value * value, 0),
		};
		const { ratio, unitMean, designEffect: effect } = unitMeanBesideRatio(evidence);
		expect(estimated(ratio).value).toBeCloseTo(784 / 11, 12);
		expect(estimated(unitMean).value).toBeCloseTo(150.5 / 4, 12);
		expect(estimated(unitMean).units).toBe(4);
		expect(effect).toEqual(designEffect(evidence.ratio, evidence.sumOfSquares));
		expect(estimated(unitMeanBesideRatio(evidence, { scale: 10 }).unitMean).value).toBeCloseTo(150.5 / 40, 12);
	});

	it("gives what it can", () => {
		const { ratio, unitMean } = unitMeanBesideRatio({
			ratio: { units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 },
			unitMeans: { units: 2, sumY: 3, sumYY: 5 },
			sumOfSquares: 0,
		});
		expect(ratio).toMatchObject({ kind: "not-estimable", reason: "too-few-units" });
		expect(unitMean).toMatchObject({ kind: "estimated", value: 1.5 });
	});
});
