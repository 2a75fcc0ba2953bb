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
		expect(absoluteEffect.standardError).toBeCloseTo(
			Math.hypot(control.value * Math.sqrt(control.logVariance), treatment.value * Math.sqrt(treatment.logVariance)),
			8,
		);
	});

	it("excludes 0 on both scales or on neither, and is the delta method where the errors are small", () => {
		const arm = (value: number, logVariance: number) => ({
			...control,
			...{ value, logVariance, variance: value * value * logVariance },
		});
		for (const logVariance of [0.0001, 0.01, 0.04]) {
			for (const share of [1, 25]) {
				const error = Math.sqrt(logVariance * (1 + share));
				for (const beyond of [-0.2, -1e-9, 1e-9, 1e-3, 0.2]) {
					for (const sign of [-1, 1]) {
						const treatment = arm(660 * Math.exp(sign * 1.96 * error * (1 + beyond)), logVariance * share);
						const found = quantileComparison(arm(660, logVariance), treatment, 1.96);
						if (found.kind !== "estimated") throw new Error(found.message);
						const { absoluteEffect: absolute, relativeEffect: relative } = found;
						expect(absolute.lower > 0 || absolute.upper < 0).toBe(beyond > 0);
						expect(relative.lower > 0 || relative.upper < 0).toBe(beyond > 0);
						expect(absolute.lower).toBeLessThan(absolute.value);
						expect(absolute.upper).toBeGreaterThan(absolute.value);
					}
				}
			}
		}
		const found = quantileComparison(arm(660, 1e-8), arm(700, 4e-8), 1.96);
		if (found.kind !== "estimated") throw new Error(found.message);
		const { value, standardError, lower, upper } = found.absoluteEffect;
		expect((upper - value) / (1.96 * standardError)).toBeCloseTo(1, 3);
		expect((value - lower) / (1.96 * standardError)).toBeCloseTo(1, 3);
	});

	it("is what a search over the whole region finds", () => {
		const found = quantileComparison(control, treatment, 3);
		if (found.kind !== "estimated") throw new Error(found.message);
		const differences = Array.from({ length: 20_000 }, (_, index) => (index * Math.PI) / 10_000).map(
			(angle) =>
				treatment.value * Math.exp(3 * Math.sqrt(treatment.logVariance) * Math.cos(angle)) -
				control.value * Math.exp(3 * Math.sqrt(control.logVariance) * Math.sin(angle)),
		);
		const { lower, upper, value } = found.absoluteEffect;
		expect(lower / value).toBeCloseTo(Math.min(...differences) / value, 5);
		expect(upper / value).toBeCloseTo(Math.max(...differences) / value, 5);
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
