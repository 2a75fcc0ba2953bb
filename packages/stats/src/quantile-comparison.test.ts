import { describe, expect, it } from "vitest";
import { quantileComparison } from "./quantile-comparison.ts";
import { quantileEstimate } from "./quantile-estimate.ts";
import { latencies, quantileEvidenceOf } from "./test-support/quantile-evidence-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

function estimated(seed: number) {
	const estimate = quantileEstimate(
		quantileEvidenceOf(
			latencies(seededRandom(seed), 300, 0.3, () => 5),
			0.95,
		),
		0.95,
	);
	if (estimate.kind !== "estimated") throw new Error(estimate.message);
	return estimate;
}

describe("quantileComparison", () => {
	const control = estimated(6);
	const treatment = estimated(7);

	it("is a difference of logarithms", () => {
		const comparison = quantileComparison(control, treatment, 2);
		if (comparison.kind !== "estimated") throw new Error(comparison.message);
		const { relativeEffect, absoluteEffect, statistic } = comparison;
		const error = Math.sqrt(control.logVariance + treatment.logVariance);
		expect(relativeEffect.value).toBeCloseTo(treatment.value / control.value - 1, 12);
		expect(Math.log1p(relativeEffect.upper) - Math.log1p(relativeEffect.value)).toBeCloseTo(2 * error, 12);
		expect(Math.log1p(relativeEffect.value) - Math.log1p(relativeEffect.lower)).toBeCloseTo(2 * error, 12);
		expect(relativeEffect.standardError).toBeCloseTo((1 + relativeEffect.value) * error, 12);
		expect(statistic).toBeCloseTo(Math.log(treatment.value / control.value) / error, 12);
		expect(absoluteEffect.value).toBeCloseTo(treatment.value - control.value, 12);
		expect(absoluteEffect.upper - absoluteEffect.value).toBeCloseTo(
			2 *
				Math.hypot(control.value * Math.sqrt(control.logVariance), treatment.value * Math.sqrt(treatment.logVariance)),
			8,
		);
	});

	it("flips when the arms swap", () => {
		const there = quantileComparison(control, treatment, 3);
		const back = quantileComparison(treatment, control, 3);
		if (there.kind !== "estimated" || back.kind !== "estimated") throw new Error("not estimable");
		expect(back.statistic).toBeCloseTo(-there.statistic, 12);
		expect(back.absoluteEffect.lower).toBeCloseTo(-there.absoluteEffect.upper, 9);
		expect(1 + back.relativeEffect.lower).toBeCloseTo(1 / (1 + there.relativeEffect.upper), 9);
	});

	it("refuses what is no multiplier, and gives no infinite interval", () => {
		for (const multiplier of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(() => quantileComparison(control, treatment, multiplier)).toThrow(
				expect.objectContaining({ code: "INVALID_STATISTIC" }),
			);
		}
		const huge = { ...treatment, value: 1e308, variance: 1e300 };
		expect(quantileComparison({ ...control, value: 1e-10 }, huge, 2)).toMatchObject({ reason: "non-finite" });
	});
});
