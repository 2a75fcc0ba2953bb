import { describe, expect, it } from "vitest";
import { compareRatios } from "./always-valid-comparison.ts";
import { type HybridComparisonOptions, hybridComparison } from "./hybrid-comparison.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { safeguardedContrast } from "./safeguarded-contrast.ts";
import { estimated } from "./test-support/estimated.ts";
import { bernoulliSums, ratioSumsOf } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { fixedComparison, welchComparison } from "./welch-comparison.ts";

const sums = { control: bernoulliSums(2000, 200), treatment: bernoulliSums(2000, 243) };
const design = { alpha: 0.05, plannedUnits: 4000, plannedShare: 0.5 };

function compared(change: Partial<HybridComparisonOptions<RatioSums<number>>> = {}) {
	const comparison = hybridComparison({ ...design, ...sums, final: false, ...change });
	if (comparison.kind === "not-estimable") throw new Error(comparison.message);
	return comparison;
}

describe("hybridComparison", () => {
	it("is always-valid at half of alpha while watched, and a t-test at the other half at the end", () => {
		const watched = compareRatios({ ...design, ...sums, alpha: 0.025 });
		if (watched.kind === "not-estimable") throw new Error(watched.message);
		expect(compared()).toEqual({
			kind: "estimated",
			basis: "watched",
			absoluteEffect: watched.absoluteEffect,
			relativeEffect: watched.relativeEffect,
			pValue: Math.min(1, 2 * watched.pValue),
		});
		const contrast = estimated(safeguardedContrast(sums.control, sums.treatment));
		const fixed = estimated(fixedComparison(contrast, { alpha: 0.025 }));
		const final = compared({ final: true });
		expect(final).toMatchObject({
			basis: "final",
			absoluteEffect: fixed.absoluteEffect,
			relativeEffect: fixed.relativeEffect,
		});
		expect(final.pValue).toBeCloseTo(2 * fixed.pValue, 15);
		// In equal arms that is Welch's test but for the effect, which spreads both arms thrown together a little.
		const welch = estimated(
			welchComparison(estimated(ratioEstimate(sums.control)), estimated(ratioEstimate(sums.treatment)), {
				alpha: 0.025,
			}),
		);
		expect(final.absoluteEffect.standardError / welch.absoluteEffect.standardError).toBeGreaterThanOrEqual(1);
		expect(final.absoluteEffect.standardError / welch.absoluteEffect.standardError).toBeLessThan(1.001);
		// Narrower than what was watched.
		expect(final.absoluteEffect.lower).toBeGreaterThan(compared().absoluteEffect.lower);
	});

	it("rejects exactly when the interval excludes 0", () => {
		for (const converted of [190, 220, 235, 243, 245, 247, 250, 300]) {
			for (const final of [false, true]) {
				const { absoluteEffect, pValue } = compared({ treatment: bernoulliSums(2000, converted), final });
				expect(pValue < 0.05).toBe(absoluteEffect.lower > 0 || absoluteEffect.upper < 0);
			}
		}
	});

	it.each([
		["too-few-units", false, bernoulliSums(20, 3)],
		["too-few-units", true, bernoulliSums(20, 3)],
		["no-variation", false, bernoulliSums(2000, 0)],
		["no-variation", true, bernoulliSums(2000, 0)],
		["non-finite", true, { ...bernoulliSums(2000, 0), sumY: Number.NaN }],
	])("is not estimable: %s (final: %s)", (reason, final, treatment) => {
		const control = reason === "no-variation" ? bernoulliSums(2000, 0) : sums.control;
		expect(hybridComparison({ ...design, control, treatment, final })).toMatchObject({ kind: "not-estimable", reason });
	});

	it("takes fewer units and another unit of measure where they are asked for, at the end too", () => {
		const few = { treatment: bernoulliSums(20, 3), minimumUnits: 20 };
		for (const final of [false, true]) {
			const { absoluteEffect } = compared({ ...few, final });
			expect(compared({ ...few, final, scale: 1000 }).absoluteEffect.value).toBeCloseTo(
				absoluteEffect.value / 1000,
				15,
			);
		}
	});

	it("holds its half at the end where Welch's test errs alone: rare values in a small arm", () => {
		const random = seededRandom(77);
		const streams = 2000;
		let [hybrid, welch] = [0, 0];
		for (let stream = 0; stream < streams; stream++) {
			const control = bernoulliSums(24_750, random.binomial(24_750, 0.01));
			const treatment = bernoulliSums(250, random.binomial(250, 0.01));
			const end = hybridComparison({
				alpha: 0.05,
				plannedUnits: 25_000,
				plannedShare: 0.01,
				control,
				treatment,
				final: true,
			});
			if (estimated(end).pValue <= 0.05) hybrid++;
			const arms = [estimated(ratioEstimate(control)), estimated(ratioEstimate(treatment))] as const;
			if (estimated(welchComparison(...arms, { alpha: 0.025 })).pValue <= 0.025) welch++;
		}
		expect(welch / streams).toBeGreaterThan(0.06);
		expect(hybrid / streams).toBeLessThan(0.025);
	});

	it("refuses a senseless design at the end too", () => {
		for (const final of [false, true]) {
			expect(() => compared({ final, plannedShare: 0 })).toThrow(expect.objectContaining({ code: "INVALID_SHARE" }));
			expect(() => compared({ final, alpha: 1 })).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
		}
	});

	it("errs at most at alpha, with more power than watching alone", () => {
		const rejections = (effect: number, streams: number) => {
			let [hybrid, watched] = [0, 0];
			for (let stream = 0; stream < streams; stream++) {
				const random = seededRandom(31_000 + stream);
				const values: [number, number][][] = [[], []];
				let [byHybrid, byWatching] = [false, false];
				for (let look = 1; look <= 14; look++) {
					for (const [arm, list] of values.entries()) {
						while (list.length < look * 60) list.push([random.normal() + (arm === 1 ? effect : 0), 1]);
					}
					const [control, treatment] = [ratioSumsOf(values[0]!), ratioSumsOf(values[1]!)];
					const options = { ...design, plannedUnits: 1680, control, treatment };
					const excludes = (result: ReturnType<typeof hybridComparison> | ReturnType<typeof compareRatios>) =>
						result.kind === "estimated" && (result.absoluteEffect.lower > 0 || result.absoluteEffect.upper < 0);
					byHybrid ||= excludes(hybridComparison({ ...options, final: look === 14 }));
					byWatching ||= excludes(compareRatios(options));
				}
				if (byHybrid) hybrid++;
				if (byWatching) watched++;
			}
			return { hybrid: hybrid / streams, watched: watched / streams };
		};
		// Research: .029, and .72 against .50 where a fixed test has .80.
		expect(rejections(0, 300).hybrid).toBeLessThanOrEqual(0.05);
		const { hybrid, watched } = rejections(2.8 * Math.sqrt(2 / 840), 150);
		expect(hybrid).toBeGreaterThan(watched + 0.08);
		expect(hybrid).toBeGreaterThan(0.6);
	});
});
