import tCdf from "@stdlib/stats-base-dists-t-cdf";
import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ratioEstimate } from "./ratio-estimate.ts";
import { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
import { relativeEffect } from "./relative-effect.ts";
import { StatsError } from "./stats-error.ts";
import { exact, ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const units = fc.array(
	fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 1, max: 20 })) satisfies fc.Arbitrary<UnitTotals>,
	{ minLength: 2, maxLength: 40 },
);

function estimated(sums: RatioSums, scale = 1) {
	const estimate = ratioEstimate(sums, { scale });
	if (estimate.kind !== "estimated") throw new Error(estimate.message);
	return estimate;
}

describe("ratioEstimate", () => {
	it.each(["ph-ratio-relative", "gb-ratio-relative"])("gives the lift and p-value of %s", (id) => {
		const { inputs, expected } = statOracle(id);
		const [control, treatment] = [inputs.control, inputs.treatment].map((arm) =>
			estimated({
				units: arm.n_units,
				sumY: arm.num_sum,
				sumN: arm.den_sum,
				sumYY: arm.num_sumsq,
				sumNN: arm.den_sumsq,
				sumYN: arm.num_den_sumprod,
			}),
		) as [ReturnType<typeof estimated>, ReturnType<typeof estimated>];
		// Satterthwaite's degrees of freedom, from the variances on the absolute scale.
		const freedom =
			(control.variance + treatment.variance) ** 2 /
			(control.variance ** 2 / (control.units - 1) + treatment.variance ** 2 / (treatment.units - 1));
		const lift = relativeEffect(control, treatment, tQuantile(0.975, freedom));
		if (lift.kind !== "estimated") throw new Error(lift.message);
		expect(lift.value).toBeCloseTo(expected.lift, id === "ph-ratio-relative" ? 6 : 8);
		expect(2 * tCdf(-Math.abs(lift.value / lift.standardError), freedom)).toBeCloseTo(
			expected.p,
			id === "ph-ratio-relative" ? 5 : 8,
		);
		if (expected.ci) {
			expect(lift.lower).toBeCloseTo(expected.ci[0], 5);
			expect(lift.upper).toBeCloseTo(expected.ci[1], 4);
		}
		if (expected.treatment_ratio) expect(treatment.value).toBeCloseTo(expected.treatment_ratio, 9);
	});

	it("refuses the impossible sums of gb-negative-variance-edge", () => {
		const { control } = statOracle("gb-negative-variance-edge").inputs;
		const sums = { units: 2, sumY: control.sum, sumN: 2, sumYY: control.sum_squares, sumNN: 2, sumYN: control.sum };
		expect(ratioEstimate(sums)).toMatchObject({ kind: "not-estimable", reason: "negative-variance" });
	});

	it("is s²/K for a mean per unit", () => {
		const estimate = estimated(ratioSumsOf([1, 2, 3, 6].map((value) => [value, 1])));
		expect(estimate).toEqual({ kind: "estimated", value: 3, variance: 7 / 6, units: 4, observations: 4 });
	});

	it("matches a brute-force delta method", () => {
		fc.assert(
			fc.property(units, (data) => {
				const estimate = ratioEstimate(exact(ratioSumsOf(data)));
				const n = data.reduce((total, [, count]) => total + count, 0);
				const ratio = data.reduce((total, [sum]) => total + sum, 0) / n;
				const squares = data.reduce((total, [sum, count]) => total + (sum - ratio * count) ** 2, 0);
				const variance = ((data.length / (data.length - 1)) * squares) / n ** 2;
				if (estimate.kind !== "estimated") throw new Error(estimate.message);
				expect(estimate.value).toBeCloseTo(ratio, 10);
				expect(Math.abs(estimate.variance - variance)).toBeLessThanOrEqual(1e-9 * variance + 1e-20);
			}),
		);
	});

	it("agrees between number and bigint sums", () => {
		fc.assert(
			fc.property(units, (data) => {
				// Sevenths are rounded as numbers; as integers with a scale they are exact.
				const rounded = ratioEstimate(ratioSumsOf(data.map(([sum, count]) => [sum / 7, count])));
				const sums = ratioSumsOf(data);
				const precise = estimated(exact(sums), 7);
				const size = sums.sumYY / 49 / sums.sumN ** 2;
				if (rounded.kind !== "estimated") {
					expect(rounded.reason).toBe("precision-lost");
					expect(precise.variance).toBeLessThanOrEqual(1e-11 * size);
					return;
				}
				expect(rounded.value).toBeCloseTo(precise.value, 10);
				expect(Math.abs(rounded.variance - precise.variance)).toBeLessThanOrEqual(
					1e-12 * size + 1e-9 * precise.variance,
				);
				expect(ratioEstimate(sums)).toEqual(estimated(exact(sums)));
			}),
		);
	});

	it("does not care how units are grouped or ordered", () => {
		fc.assert(
			fc.property(units, units, units, (first, second, third) => {
				const [a, b, c] = [first, second, third].map((data) => exact(ratioSumsOf(data))) as [
					RatioSums<bigint>,
					RatioSums<bigint>,
					RatioSums<bigint>,
				];
				const whole = exact(ratioSumsOf([...first, ...second, ...third]));
				expect(mergeRatioSums(mergeRatioSums(a, b), c)).toEqual(whole);
				expect(mergeRatioSums(c, mergeRatioSums(b, a))).toEqual(whole);
			}),
		);
	});

	it("keeps the variance that cancellation would destroy", () => {
		// Costs around 10¹² nano-USD that differ by a few: the squares agree in their first 22 digits.
		const base = 10n ** 12n;
		const values = [base + 1n, base + 2n, base + 3n, base + 6n];
		const total = values.reduce((sum, value) => sum + value, 0n);
		const sums = {
			units: 4n,
			sumY: total,
			sumN: 4n,
			sumYY: values.reduce((sum, value) => sum + value * value, 0n),
			sumNN: 4n,
			sumYN: total,
		};
		expect(estimated(sums)).toMatchObject({ value: Number(base) + 3, variance: 7 / 6 });
		const rounded = Object.fromEntries(Object.entries(sums).map(([key, value]) => [key, Number(value)]));
		expect(ratioEstimate(rounded as unknown as RatioSums<number>)).toMatchObject({
			kind: "not-estimable",
			reason: "precision-lost",
		});
	});

	it("survives sums beyond the range of a double", () => {
		const huge = 10n ** 400n;
		const sums = {
			units: 3n,
			sumY: 3n * huge,
			sumN: 3n * huge,
			sumYY: 5n * huge ** 2n,
			sumNN: 3n * huge ** 2n,
			sumYN: 3n * huge ** 2n,
		};
		expect(estimated(sums)).toMatchObject({ value: 1 });
		expect(estimated(sums).variance).toBeCloseTo((3 / 2) * (2 / 9), 12);
	});

	it("divides by the scale", () => {
		const sums = exact(
			ratioSumsOf([
				[1500, 1],
				[2500, 2],
				[700, 1],
			]),
		);
		expect(estimated(sums, 1000).value).toBeCloseTo(estimated(sums).value / 1000, 14);
		expect(estimated(sums, 1000).variance).toBeCloseTo(estimated(sums).variance / 1e6, 12);
	});

	it("has the variance that repeated experiments show, with units that come back", () => {
		const random = seededRandom(11);
		const values: number[] = [];
		let claimed = 0;
		for (let run = 0; run < 1500; run++) {
			const data = Array.from({ length: 60 }, (): UnitTotals => {
				const observations = 1 + random.integer(19);
				const level = 5 + random.normal();
				return [level * observations + random.normal() * Math.sqrt(observations), observations];
			});
			const estimate = estimated(ratioSumsOf(data));
			values.push(estimate.value);
			claimed += estimate.variance / 1500;
		}
		const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
		const seen = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
		// Counting requests instead of units would claim about a fifth of it.
		expect(claimed / seen).toBeGreaterThan(0.85);
		expect(claimed / seen).toBeLessThan(1.1);
	});

	it.each([
		["too-few-units", ratioSumsOf([])],
		["too-few-units", ratioSumsOf([[3, 1]])],
		[
			"no-observations",
			ratioSumsOf([
				[0, 0],
				[0, 0],
			]),
		],
		[
			"non-finite",
			{
				...ratioSumsOf([
					[1, 1],
					[2, 1],
				]),
				sumY: Number.NaN,
			},
		],
		[
			"non-finite",
			{
				...ratioSumsOf([
					[1, 1],
					[2, 1],
				]),
				sumYY: Number.POSITIVE_INFINITY,
			},
		],
		[
			"impossible-sums",
			{
				...ratioSumsOf([
					[1, 1],
					[2, 1],
				]),
				units: -2,
			},
		],
		[
			"impossible-sums",
			{
				...ratioSumsOf([
					[1, 1],
					[2, 1],
				]),
				units: 2.5,
			},
		],
		[
			"impossible-sums",
			{
				...exact(
					ratioSumsOf([
						[1, 1],
						[2, 1],
					]),
				),
				sumYY: -1n,
			},
		],
		[
			"negative-variance",
			{
				...exact(
					ratioSumsOf([
						[1, 1],
						[2, 1],
					]),
				),
				sumYY: 1n,
			},
		],
	] as const)("is not estimable: %s", (reason, sums) => {
		expect(ratioEstimate(sums)).toMatchObject({ kind: "not-estimable", reason });
	});

	it("is not estimable when the value is too large for a number, or a sum of squares is negative", () => {
		const sums = exact(
			ratioSumsOf([
				[1, 1],
				[3, 1],
			]),
		);
		const factor = 10n ** 320n;
		const huge = { ...sums, sumY: sums.sumY * factor, sumYY: sums.sumYY * factor ** 2n, sumYN: sums.sumYN * factor };
		expect(ratioEstimate(huge)).toMatchObject({ reason: "non-finite" });
		expect(ratioEstimate({ ...sums, sumNN: -1n })).toMatchObject({ reason: "impossible-sums" });
	});

	it("states a variance of 0 when no unit differs", () => {
		expect(
			estimated(
				ratioSumsOf([
					[0, 4],
					[0, 2],
				]),
			),
		).toMatchObject({ value: 0, variance: 0 });
	});

	it("refuses a scale or a mixture that makes no sense", () => {
		const sums = ratioSumsOf([
			[1, 1],
			[2, 1],
		]);
		for (const scale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(() => ratioEstimate(sums, { scale })).toThrow(expect.objectContaining({ code: "INVALID_SCALE" }));
		}
		const mixed = { ...sums, sumN: 2n } as unknown as RatioSums<number>;
		expect(() => ratioEstimate(mixed)).toThrow(StatsError);
		expect(() => mergeRatioSums(sums, mixed)).toThrow(expect.objectContaining({ code: "MIXED_QUANTITIES" }));
	});
});
