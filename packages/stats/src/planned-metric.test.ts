import { describe, expect, it } from "vitest";
import {
	type PlannedEffect,
	type PlannedMetric,
	plannedDifference,
	plannedMean,
	plannedProportion,
	plannedQuantile,
} from "./planned-metric.ts";
import { estimated } from "./test-support/estimated.ts";

const mean = { kind: "mean", baseline: 10, variancePerUnit: 4 } as const;
const proportion = { kind: "proportion", baseline: 0.2 } as const;
const quantile = { kind: "quantile", baseline: 500, logVariancePerUnit: 3 } as const;

describe("planned metrics", () => {
	it("keep what one unit contributes", () => {
		expect(plannedMean({ value: 10, variance: 0.01, units: 400 })).toEqual({ ...mean, variancePerUnit: 4 });
		expect(plannedProportion({ value: 0.2 })).toEqual(proportion);
		const history = { kind: "estimated", value: 500, logVariance: 0.03, variance: 1, units: 100 } as const;
		expect(plannedQuantile({ ...history, observations: 1000, designEffect: 2 })).toEqual(quantile);
	});

	it("are not estimable from what never varied", () => {
		expect(plannedMean({ value: 10, variance: 0, units: 400 })).toMatchObject({ reason: "no-variation" });
		expect(plannedProportion({ value: 0 })).toMatchObject({ reason: "no-variation" });
		expect(plannedProportion({ value: 1 })).toMatchObject({ reason: "no-variation" });
		expect(() => plannedProportion({ value: 1.2 })).toThrow(expect.objectContaining({ code: "INVALID_ESTIMATE" }));
		expect(() => plannedMean({ value: Number.NaN, variance: 1, units: 4 })).toThrow(
			expect.objectContaining({ code: "INVALID_ESTIMATE" }),
		);
	});
});

describe("plannedDifference", () => {
	const relative = (value: number): PlannedEffect => ({ scale: "relative", value });
	const absolute = (value: number): PlannedEffect => ({ scale: "absolute", value });

	it("scales the spread of a mean up with it, never down", () => {
		expect(plannedDifference(mean, relative(0.1))).toMatchObject({ difference: 1, controlVariance: 4 });
		expect(estimated(plannedDifference(mean, relative(0.1))).treatmentVariance).toBeCloseTo(4 * 1.21, 12);
		expect(plannedDifference(mean, relative(-0.1))).toMatchObject({ difference: -1, treatmentVariance: 4 });
		expect(plannedDifference(mean, absolute(1))).toMatchObject({ difference: 1, treatmentVariance: 4 });
		const negative = { ...mean, baseline: -10 };
		expect(plannedDifference(negative, relative(0.1))).toMatchObject({ difference: 1, treatmentVariance: 4 });
		expect(estimated(plannedDifference(negative, relative(-0.1))).treatmentVariance).toBeCloseTo(4 * 1.21, 12);
	});

	it("knows the variances of shares", () => {
		const { difference, controlVariance, treatmentVariance } = estimated(plannedDifference(proportion, relative(0.5)));
		expect(difference).toBeCloseTo(0.1, 12);
		expect(controlVariance).toBeCloseTo(0.16, 12);
		expect(treatmentVariance).toBeCloseTo(0.21, 12);
		expect(plannedDifference(proportion, absolute(0.1))).toEqual(plannedDifference(proportion, relative(0.5)));
		// Down to nobody, or up to everybody, who do not vary.
		for (const value of [-0.25, 0.75]) {
			expect(plannedDifference({ kind: "proportion", baseline: 0.25 }, absolute(value))).toMatchObject({
				difference: value,
				treatmentVariance: 0,
			});
		}
	});

	it("is a difference of logarithms for quantiles", () => {
		expect(estimated(plannedDifference(quantile, relative(0.1))).difference).toBeCloseTo(Math.log(1.1), 12);
		expect(estimated(plannedDifference(quantile, absolute(-50))).difference).toBeCloseTo(Math.log(0.9), 12);
	});

	it.each([
		["zero-baseline", { ...mean, baseline: 0 }, relative(0.1)],
		["out-of-reach", proportion, relative(5)],
		["out-of-reach", proportion, absolute(-0.21)],
		["out-of-reach", quantile, relative(-1)],
		["non-finite", mean, relative(1e200)],
	] as const)("is not estimable: %s", (reason, metric, effect) => {
		expect(plannedDifference(metric, effect)).toMatchObject({ kind: "not-estimable", reason });
	});

	it.each([
		["INVALID_EFFECT", mean, relative(0)],
		["INVALID_EFFECT", mean, absolute(Number.NaN)],
		["INVALID_ESTIMATE", { ...mean, baseline: Number.NaN }, relative(0.1)],
		["INVALID_ESTIMATE", { ...mean, variancePerUnit: 0 }, relative(0.1)],
		["INVALID_ESTIMATE", { ...proportion, baseline: 1 }, relative(0.1)],
		["INVALID_ESTIMATE", { ...quantile, baseline: 0 }, relative(0.1)],
		["INVALID_ESTIMATE", { ...quantile, logVariancePerUnit: Number.POSITIVE_INFINITY }, relative(0.1)],
	] as const)("refuses what makes no sense: %s", (code, metric, effect) => {
		expect(() => plannedDifference(metric as PlannedMetric, effect)).toThrow(expect.objectContaining({ code }));
	});
});
