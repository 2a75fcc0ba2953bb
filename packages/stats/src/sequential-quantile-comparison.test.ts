import { describe, expect, it } from "vitest";
import { tuneRhoSquared, twoSidedRadiusMultiplier } from "./asymptotic-confidence-sequence.ts";
import { type QuantileEstimate, quantileEstimate } from "./quantile-estimate.ts";
import { compareQuantilesSequentially } from "./sequential-quantile-comparison.ts";
import { latencies, quantileEvidenceOf } from "./test-support/quantile-evidence-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const estimate = (value: number, logVariance: number, units = 1000): QuantileEstimate => ({
	kind: "estimated",
	value,
	logVariance,
	variance: value * value * logVariance,
	units,
	observations: 5 * units,
	designEffect: 1,
});
const design = { alpha: 0.05, plannedUnits: 4000, plannedShare: 0.5 };

function compared(control: QuantileEstimate, treatment: QuantileEstimate, change = {}) {
	const comparison = compareQuantilesSequentially({ ...design, control, treatment, ...change });
	if (comparison.kind === "not-estimable") throw new Error(comparison.message);
	return comparison;
}

describe("compareQuantilesSequentially", () => {
	it("is the confidence sequence's multiplier on the log scale", () => {
		const { relativeEffect, pValue, effectiveUnits } = compared(estimate(200, 0.001), estimate(260, 0.002, 3000));
		expect(relativeEffect.value).toBeCloseTo(0.3, 12);
		expect(effectiveUnits).toBeCloseTo(3000, 9);
		const radius = twoSidedRadiusMultiplier(3000, tuneRhoSquared(0.05, 2000), 0.05) * Math.sqrt(0.003);
		expect(Math.log1p(relativeEffect.upper)).toBeCloseTo(Math.log(1.3) + radius, 10);
		expect(Math.log1p(relativeEffect.lower)).toBeCloseTo(Math.log(1.3) - radius, 10);
		expect(pValue).toBeLessThan(0.05);
		expect(relativeEffect.lower).toBeGreaterThan(0);
	});

	it("needs no more than the units that are asked for", () => {
		expect(compared(estimate(200, 0.01, 50), estimate(210, 0.01, 50)).effectiveUnits).toBe(100);
	});

	it("flips its logarithm when the arms swap, and keeps the p-value in another unit", () => {
		const there = compared(estimate(200, 0.001), estimate(230, 0.002));
		const back = compared(estimate(230, 0.002), estimate(200, 0.001));
		expect(Math.log1p(back.relativeEffect.lower)).toBeCloseTo(-Math.log1p(there.relativeEffect.upper), 10);
		expect(compared(estimate(0.2, 0.001), estimate(0.23, 0.002)).pValue).toBeCloseTo(there.pValue, 12);
	});

	it.each([
		["too-few-units", estimate(200, 0.001, 49), estimate(200, 0.001)],
		["no-variation", estimate(200, 0), estimate(200, 0)],
		["non-finite", estimate(1e-10, 0.01), { ...estimate(200, 0.01), value: 1e308 }],
		["no-variation", estimate(200, Number.NaN), estimate(200, 1)],
	])("is not estimable: %s", (reason, control, treatment) => {
		expect(compareQuantilesSequentially({ ...design, control, treatment })).toMatchObject({ reason });
	});

	it.each([
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_SHARE", { plannedShare: 0 }],
		["INVALID_PLANNED_UNITS", { plannedUnits: -1 }],
	])("refuses %s", (code, change) => {
		expect(() => compared(estimate(1, 1), estimate(1, 1), change)).toThrow(expect.objectContaining({ code }));
	});

	it("keeps its error rate for p95 of returning users, and sees a slower arm", () => {
		const rejections = (factor: number, streams: number) => {
			let rejected = 0;
			for (let stream = 0; stream < streams; stream++) {
				const random = seededRandom(12_000 + stream);
				const arms = [1, factor].map((slower) =>
					latencies(random, 500, 0.3, () => 1 + random.integer(9)).map((calls) => calls.map((ms) => ms * slower)),
				);
				for (let units = 200; units <= 500; units += 50) {
					const [control, treatment] = arms.map((calls) =>
						quantileEstimate(quantileEvidenceOf(calls.slice(0, units), 0.95), 0.95),
					);
					if (control?.kind !== "estimated" || treatment?.kind !== "estimated") continue;
					if (compared(control, treatment, { plannedUnits: 1000 }).pValue <= 0.05) {
						rejected++;
						break;
					}
				}
			}
			return rejected / streams;
		};
		expect(rejections(1, 120)).toBeLessThanOrEqual(0.05);
		expect(rejections(1.5, 30)).toBeGreaterThan(0.8);
	});
});
