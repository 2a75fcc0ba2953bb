import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contrastOf } from "./contrast.ts";
import { type MeanSums, meanEstimate, ratioSumsOfMean } from "./mean-estimate.ts";
import { proportionEstimate } from "./proportion-estimate.ts";
import { ratioContrast } from "./ratio-contrast.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { studentTail, studentTailQuantile, twoSidedStudentTail } from "./student-tail.ts";
import { estimated } from "./test-support/estimated.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";
import { ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";
import { type FixedComparison, fixedComparison, welchComparison } from "./welch-comparison.ts";

interface PublishedSums {
	readonly n: number;
	readonly sum: number;
	readonly sum_squares: number;
}

function meanOf({ n, sum, sum_squares }: PublishedSums) {
	return estimated(meanEstimate({ units: n, sumY: sum, sumYY: sum_squares }));
}

/** Relative effect by the delta method with the t quantile, as the published tests state it whatever control's error. */
function deltaMethod({ relativeEffect, degreesOfFreedom }: FixedComparison, alpha: number) {
	const { value, standardError } = estimated(relativeEffect);
	const radius = studentTailQuantile(alpha / 2, degreesOfFreedom) * standardError;
	return {
		lift: value,
		se: standardError,
		ci: [value - radius, value + radius] as const,
		p: twoSidedStudentTail(value / standardError, degreesOfFreedom),
		pAbove: studentTail(value / standardError, degreesOfFreedom),
	};
}

interface WelchReference {
	readonly control: readonly string[];
	readonly treatment: readonly string[];
	readonly difference: number;
	readonly standardError: number;
	readonly degreesOfFreedom: number;
	readonly pValue: number;
}

function sumsOf([units, sumY, sumYY]: readonly string[]): MeanSums<bigint> {
	return { units: BigInt(units!), sumY: BigInt(sumY!), sumYY: BigInt(sumYY!) };
}

describe("welchComparison", () => {
	it.each(["gb-welch-relative", "ph-welch-relative"])("gives %s", (id) => {
		const { inputs, expected } = statOracle(id);
		const comparison = estimated(welchComparison(meanOf(inputs.control), meanOf(inputs.treatment), inputs));
		const { lift, ci, p, se } = deltaMethod(comparison, inputs.alpha);
		const digits = id === "gb-welch-relative" ? 5 : 4;
		expect(lift).toBeCloseTo(expected.lift, digits);
		expect(ci[0]).toBeCloseTo(expected.ci[0], digits);
		expect(ci[1]).toBeCloseTo(expected.ci[1], digits);
		expect(p).toBeCloseTo(expected.p, digits);
		if (expected.se) expect(se).toBeCloseTo(expected.se, digits);
	});

	it("gives gb-proportion-relative", () => {
		const { inputs, expected } = statOracle("gb-proportion-relative");
		const [control, treatment] = [inputs.control, inputs.treatment].map(({ n, successes }) =>
			estimated(proportionEstimate({ units: n, successes }, inputs)),
		);
		const { lift, ci, p, se } = deltaMethod(estimated(welchComparison(control!, treatment!, inputs)), 0.05);
		expect(lift).toBeCloseTo(expected.lift, 5);
		expect(se).toBeCloseTo(expected.se, 5);
		expect(p).toBeCloseTo(expected.p, 5);
		expect(ci[0]).toBeCloseTo(expected.ci[0], 5);
		expect(ci[1]).toBeCloseTo(expected.ci[1], 5);
	});

	it("gives the bounds and p-values of gb-welch-one-sided, at twice its alpha", () => {
		const { inputs, expected } = statOracle("gb-welch-one-sided");
		const alpha = 2 * inputs.alpha;
		const comparison = estimated(welchComparison(meanOf(inputs.control), meanOf(inputs.treatment), { alpha }));
		const { value, standardError, lower, upper } = comparison.absoluteEffect;
		const { greater, less, diff, se } = expected.absolute;
		expect(value).toBeCloseTo(diff, 10);
		expect(standardError).toBeCloseTo(se, 10);
		expect(lower).toBeCloseTo(greater.ci_lower, 10);
		expect(upper).toBeCloseTo(less.ci_upper, 10);
		expect(comparison.pValueAbove).toBeCloseTo(greater.p, 10);
		expect(comparison.pValueBelow).toBeCloseTo(less.p, 10);
		const relative = deltaMethod(comparison, alpha);
		expect(relative.lift).toBeCloseTo(expected.relative.lift, 10);
		expect(relative.se).toBeCloseTo(expected.relative.se, 10);
		expect(relative.ci[0]).toBeCloseTo(expected.relative.greater.ci_lower, 10);
		expect(relative.ci[1]).toBeCloseTo(expected.relative.less.ci_upper, 10);
		expect(relative.pAbove).toBeCloseTo(expected.relative.greater.p, 10);
	});

	const { welch } = fixture<{ welch: WelchReference[] }>("fixed-horizon");

	it.each(welch)("keeps nine digits at p = $pValue with $treatment.0 units", (reference) => {
		const [control, treatment] = [sumsOf(reference.control), sumsOf(reference.treatment)];
		const contrast = estimated(ratioContrast(ratioSumsOfMean(control), ratioSumsOfMean(treatment)));
		const comparison = estimated(fixedComparison(contrast, { alpha: 0.05 }));
		expect(relativeError(comparison.absoluteEffect.value, reference.difference)).toBeLessThan(1e-14);
		expect(relativeError(comparison.absoluteEffect.standardError, reference.standardError)).toBeLessThan(1e-14);
		expect(relativeError(comparison.degreesOfFreedom, reference.degreesOfFreedom)).toBeLessThan(1e-12);
		expect(relativeError(comparison.pValue, reference.pValue)).toBeLessThan(1e-9);
		// The same test on a boundary that was chosen to be just reached.
		const tight = estimated(fixedComparison(contrast, { alpha: reference.pValue })).absoluteEffect;
		const bound = Math.min(Math.abs(tight.lower), Math.abs(tight.upper));
		expect(bound / Math.abs(tight.value)).toBeLessThan(1e-9);
	});

	const arm = fc.record({
		value: fc.double({ min: -1e3, max: 1e3, noNaN: true }),
		variance: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
		units: fc.integer({ min: 2, max: 1e6 }),
	});
	const level = fc.double({ min: 1e-6, max: 0.5, noNaN: true });

	it("flips when the arms swap", () => {
		fc.assert(
			fc.property(arm, arm, level, (first, second, alpha) => {
				const there = estimated(welchComparison(first, second, { alpha }));
				const back = estimated(welchComparison(second, first, { alpha }));
				expect(back.absoluteEffect.lower).toBeCloseTo(-there.absoluteEffect.upper, 8);
				expect(back.pValue).toBeCloseTo(there.pValue, 12);
				expect(back.pValueAbove).toBeCloseTo(there.pValueBelow, 12);
				expect(there.pValueAbove + there.pValueBelow).toBeCloseTo(1, 10);
			}),
		);
	});

	it("keeps its p-value in another unit of measurement", () => {
		fc.assert(
			fc.property(arm, arm, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (control, treatment, scale) => {
				const scaled = [control, treatment].map(({ value, variance, units }) => ({
					value: value * scale,
					variance: variance * scale * scale,
					units,
				}));
				const plain = estimated(welchComparison(control, treatment, { alpha: 0.05 }));
				const other = estimated(welchComparison(scaled[0]!, scaled[1]!, { alpha: 0.05 }));
				expect(relativeError(other.pValue, plain.pValue)).toBeLessThan(1e-8);
			}),
		);
	});

	it("never widens for a larger alpha, and rejects in step with the p-value", () => {
		fc.assert(
			fc.property(arm, arm, level, level, (control, treatment, one, other) => {
				const [strict, lenient] = [Math.min(one, other), Math.max(one, other)].map((alpha) => ({
					alpha,
					...estimated(welchComparison(control, treatment, { alpha })),
				}));
				expect(lenient!.absoluteEffect.upper).toBeLessThanOrEqual(strict!.absoluteEffect.upper + 1e-9);
				expect(lenient!.absoluteEffect.lower).toBeGreaterThanOrEqual(strict!.absoluteEffect.lower - 1e-9);
				const { alpha, absoluteEffect, pValue } = strict!;
				const excludesZero = absoluteEffect.lower > 0 || absoluteEffect.upper < 0;
				if (Math.abs(pValue / alpha - 1) > 1e-9) expect(pValue < alpha).toBe(excludesZero);
			}),
		);
	});

	it("errs as often as it says with few units of unequal spread, where the normal errs more", () => {
		const runs = 3000;
		const wrong = { welch: 0, normal: 0 };
		const random = seededRandom(31);
		for (let run = 0; run < runs; run++) {
			const draw = (units: number, deviation: number) =>
				estimated(
					ratioEstimate(ratioSumsOf(Array.from({ length: units }, (): UnitTotals => [deviation * random.normal(), 1]))),
				);
			const { pValue, statistic } = estimated(welchComparison(draw(25, 1), draw(5, 3), { alpha: 0.05 }));
			if (pValue < 0.05) wrong.welch++;
			if (Math.abs(statistic) > 1.96) wrong.normal++;
		}
		expect(wrong.welch / runs).toBeGreaterThan(0.04);
		expect(wrong.welch / runs).toBeLessThan(0.063);
		expect(wrong.normal / runs).toBeGreaterThan(0.09);
	});

	it("covers the clustered ratio as often as it says: m = 10, ICC = .3", () => {
		const runs = 1500;
		let [covered, byCall] = [0, 0];
		const random = seededRandom(32);
		const draw = () =>
			Array.from({ length: 60 }, (): UnitTotals => {
				const calls = 1 + random.integer(19);
				return [calls * (5 + Math.sqrt(0.3) * random.normal()) + Math.sqrt(0.7 * calls) * random.normal(), calls];
			});
		for (let run = 0; run < runs; run++) {
			const [control, treatment] = [draw(), draw()];
			const { absoluteEffect } = estimated(
				welchComparison(
					estimated(ratioEstimate(ratioSumsOf(control))),
					estimated(ratioEstimate(ratioSumsOf(treatment))),
					{ alpha: 0.05 },
				),
			);
			if (absoluteEffect.lower <= 0 && absoluteEffect.upper >= 0) covered++;
			const calls = (units: UnitTotals[]) => units.reduce((sum, [, count]) => sum + count, 0);
			const naive = 1.96 * Math.sqrt(1 / calls(control) + 1 / calls(treatment));
			if (Math.abs(absoluteEffect.value) <= naive) byCall++;
		}
		expect(covered / runs).toBeGreaterThan(0.93);
		expect(covered / runs).toBeLessThan(0.965);
		expect(byCall / runs).toBeLessThan(0.75);
	});

	it("is not estimable where an arm says nothing", () => {
		const arms = [
			{ value: 1, variance: 0, units: 10 },
			{ value: 2, variance: 0, units: 10 },
		] as const;
		expect(welchComparison(...arms, { alpha: 0.05 })).toMatchObject({ reason: "no-variation" });
		expect(welchComparison({ ...arms[0], units: 1 }, arms[1], { alpha: 0.05 })).toMatchObject({
			reason: "too-few-units",
		});
		expect(welchComparison({ ...arms[0], variance: 1e308 }, arms[1], { alpha: 1e-12 })).toMatchObject({
			kind: "estimated",
			relativeEffect: { reason: "unbounded" },
		});
	});

	it("is not estimable when the interval is too wide for a number", () => {
		const control = { value: 0, variance: 1e308, units: 2 };
		const treatment = { value: Number.MAX_VALUE, variance: 1, units: 2 };
		expect(welchComparison(control, treatment, { alpha: 1e-150 })).toMatchObject({
			kind: "not-estimable",
			reason: "non-finite",
		});
	});

	it("refuses an alpha that makes no sense", () => {
		const arm = { value: 1, variance: 1, units: 10 };
		expect(() => welchComparison(arm, arm, { alpha: 1 })).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
		expect(() => fixedComparison(estimated(contrastOf(arm, arm)), { alpha: 0 })).toThrow(
			expect.objectContaining({ code: "INVALID_ALPHA" }),
		);
	});
});
