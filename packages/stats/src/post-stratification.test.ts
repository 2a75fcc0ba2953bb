import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArmEstimate } from "./arm-estimate.ts";
import { contrastOf } from "./contrast.ts";
import { meanEstimate } from "./mean-estimate.ts";
import { notEstimable } from "./not-estimable.ts";
import { postStratifiedArms, postStratifiedContrast, type Stratum } from "./post-stratification.ts";
import { estimated } from "./test-support/estimated.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { welchComparison } from "./welch-comparison.ts";

const arm = (value: number, variance: number, units: number) => ({ value, variance, units });
const strata: readonly Stratum[] = [
	{ key: "mobile", control: arm(10, 0.2, 50), treatment: arm(11, 0.3, 50) },
	{ key: "desktop", control: arm(20, 0.1, 200), treatment: arm(20.5, 0.4, 100) },
];

describe("postStratifiedArms", () => {
	it("is Σw·R and Σw²·V, weighted by units", () => {
		const { control, treatment } = estimated(postStratifiedArms(strata));
		expect(control.value).toBeCloseTo(0.25 * 10 + 0.75 * 20, 12);
		expect(treatment.value - control.value).toBeCloseTo(0.25 * 1 + 0.75 * 0.5, 12);
		expect(control.variance).toBeCloseTo(0.0625 * 0.2 + 0.5625 * 0.1, 12);
		expect(control.units).toBe(250);
		// Satterthwaite over the strata.
		const [a, b] = [0.0625 * 0.3, 0.5625 * 0.4];
		expect(treatment.degreesOfFreedom).toBeCloseTo((a + b) ** 2 / (a ** 2 / 49 + b ** 2 / 99), 9);
	});

	it("takes fixed weights, up to a factor, and leaves out weight 0", () => {
		const weighted = strata.map((stratum, index) => ({ ...stratum, weight: [3, 1][index]! }));
		const scaled = strata.map((stratum, index) => ({ ...stratum, weight: [3e300, 1e300][index]! }));
		expect(estimated(postStratifiedArms(weighted)).control.value).toBeCloseTo(12.5, 12);
		expect(estimated(postStratifiedArms(scaled)).control.value).toBeCloseTo(12.5, 12);
		const without = {
			key: "other",
			control: notEstimable("no-observations", "None."),
			treatment: arm(1, 1, 9),
			weight: 0,
		};
		expect(postStratifiedArms([...weighted, without])).toEqual(postStratifiedArms(weighted));
	});

	it("is the arm itself for one stratum, and the same bits in any order", () => {
		const { control } = estimated(postStratifiedArms(strata.slice(0, 1)));
		expect(control).toMatchObject(arm(10, 0.2, 50));
		expect(control.degreesOfFreedom).toBeCloseTo(49, 12);
		const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
		const someArm = fc.record({
			value,
			variance: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
			units: fc.integer({ min: 2, max: 1000 }),
		});
		fc.assert(
			fc.property(fc.array(fc.tuple(someArm, someArm), { minLength: 1, maxLength: 6 }), (arms) => {
				const some = arms.map(([control, treatment], index) => ({ key: `s${index}`, control, treatment }));
				expect(postStratifiedArms([...some].reverse())).toEqual(postStratifiedArms(some));
			}),
		);
	});

	it("mends Simpson's paradox after a ramp, and keeps its coverage", () => {
		const runs = 400;
		const wrong = { pooled: 0, stratified: 0 };
		for (let run = 0; run < runs; run++) {
			const random = seededRandom(5000 + run);
			// No effect; weekends are slower, and treatment was only 10 % of the week but half of the weekend.
			const draw = (units: number, level: number) => {
				const values = Array.from({ length: units }, () => level + random.normal());
				return {
					units,
					sumY: values.reduce((sum, value) => sum + value, 0),
					sumYY: values.reduce((sum, value) => sum + value * value, 0),
				};
			};
			const [week, weekend] = [
				{ control: draw(180, 10), treatment: draw(20, 10) },
				{ control: draw(50, 11), treatment: draw(50, 11) },
			];
			const estimates = [week, weekend].map(({ control, treatment }, index) => ({
				key: `${index}`,
				control: meanEstimate(control),
				treatment: meanEstimate(treatment),
			}));
			const both = (name: "control" | "treatment") =>
				estimated(
					meanEstimate({
						units: week[name].units + weekend[name].units,
						sumY: week[name].sumY + weekend[name].sumY,
						sumYY: week[name].sumYY + weekend[name].sumYY,
					}),
				);
			const { control, treatment } = estimated(postStratifiedArms(estimates));
			if (estimated(welchComparison(control, treatment, { alpha: 0.05 })).pValue < 0.05) wrong.stratified++;
			if (estimated(welchComparison(both("control"), both("treatment"), { alpha: 0.05 })).pValue < 0.05) wrong.pooled++;
		}
		expect(wrong.stratified / runs).toBeGreaterThan(0.015);
		expect(wrong.stratified / runs).toBeLessThan(0.09);
		expect(wrong.pooled / runs).toBeGreaterThan(0.5);
	});

	it.each([
		["too-few-units", { key: "new", control: arm(1, 0, 1), treatment: arm(1, 1, 9) }],
		["no-observations", { key: "new", control: arm(1, 1, 9), treatment: notEstimable("no-observations", "None.") }],
	])("is not estimable: %s, and says where", (reason, stratum) => {
		const result = postStratifiedArms([...strata, stratum]);
		expect(result).toMatchObject({ kind: "not-estimable", reason });
		expect(result).toHaveProperty("message", expect.stringContaining('Stratum "new"'));
	});

	it("refuses what makes no sense", () => {
		expect(() => postStratifiedArms([])).toThrow(expect.objectContaining({ code: "INVALID_ALLOCATION" }));
		expect(() => postStratifiedArms(strata.map((stratum) => ({ ...stratum, weight: 0 })))).toThrow(
			expect.objectContaining({ code: "INVALID_ALLOCATION" }),
		);
		for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(() => postStratifiedArms([{ ...strata[0]!, weight }])).toThrow(
				expect.objectContaining({ code: "INVALID_WEIGHT" }),
			);
		}
		expect(() => postStratifiedArms([{ ...strata[0]!, control: arm(1, -1, 5) }])).toThrow(
			expect.objectContaining({ code: "INVALID_ESTIMATE" }),
		);
	});

	it("states the degrees of freedom of arms that do not vary", () => {
		const still = { key: "a", control: arm(1, 0, 9), treatment: arm(1, 1, 9) };
		const { control } = estimated(postStratifiedArms([still, { ...still, key: "b" }]));
		expect(control).toEqual({ value: 1, variance: 0, units: 18, degreesOfFreedom: 16 });
	});
});

describe("postStratifiedContrast", () => {
	const contrasts = strata.map(({ key, control, treatment }) => ({
		key,
		contrast: estimated(contrastOf(control as ArmEstimate, treatment as ArmEstimate)),
	}));

	it("is the contrast of the post-stratified arms", () => {
		const { control, treatment } = estimated(postStratifiedArms(strata));
		const ofArms = estimated(contrastOf(control, treatment));
		const ofContrasts = estimated(postStratifiedContrast(contrasts));
		for (const key of ["difference", "variance", "degreesOfFreedom", "covarianceWithBaseline"] as const) {
			expect(ofContrasts[key]).toBeCloseTo(ofArms[key], 10);
		}
		expect(ofContrasts.baseline.value).toBeCloseTo(control.value, 12);
		expect(ofContrasts.baseline.variance).toBeCloseTo(control.variance, 12);
		expect(ofContrasts).toMatchObject({ controlUnits: 250, treatmentUnits: 150 });
		expect(postStratifiedContrast([...contrasts].reverse())).toEqual(ofContrasts);
	});

	it("takes fixed weights, and leaves out weight 0", () => {
		const [mobile, desktop] = contrasts as [(typeof contrasts)[0], (typeof contrasts)[0]];
		const only = estimated(
			postStratifiedContrast([
				{ ...mobile, weight: 2 },
				{ ...desktop, weight: 0 },
			]),
		);
		expect(only.difference).toBeCloseTo(1, 12);
		expect(only.degreesOfFreedom).toBeCloseTo(mobile.contrast.degreesOfFreedom, 9);
		const even = estimated(postStratifiedContrast(contrasts.map((stratum) => ({ ...stratum, weight: 7 }))));
		expect(even.difference).toBeCloseTo(0.75, 12);
		// Weights whose sum is no number.
		const heavy = contrasts.map((stratum) => ({ ...stratum, weight: 1e308 }));
		expect(postStratifiedContrast([...heavy, { ...mobile, key: "light", weight: 1 }])).toMatchObject({
			difference: expect.closeTo(0.75, 12),
		});
	});

	it("has Satterthwaite's degrees of freedom of all strata, weighted", () => {
		const [mobile, desktop] = contrasts as [(typeof contrasts)[0], (typeof contrasts)[0]];
		const { variance, degreesOfFreedom } = estimated(
			postStratifiedContrast([
				{ ...mobile, weight: 3 },
				{ ...desktop, weight: 1 },
			]),
		);
		const [m, d] = [(9 / 16) * mobile.contrast.variance, (1 / 16) * desktop.contrast.variance];
		expect(variance).toBeCloseTo(m + d, 12);
		const inverse = m ** 2 / mobile.contrast.degreesOfFreedom + d ** 2 / desktop.contrast.degreesOfFreedom;
		expect(degreesOfFreedom).toBeCloseTo((m + d) ** 2 / inverse, 9);
	});

	it("says where it is not estimable, and refuses what makes no sense", () => {
		const missing = { key: "new", contrast: notEstimable("too-few-units", "One unit.") };
		expect(postStratifiedContrast([...contrasts, missing])).toEqual(
			notEstimable("too-few-units", 'Stratum "new": One unit.'),
		);
		expect(() => postStratifiedContrast([])).toThrow(expect.objectContaining({ code: "INVALID_ALLOCATION" }));
		expect(() => postStratifiedContrast([{ ...contrasts[0]!, weight: -1 }])).toThrow(
			expect.objectContaining({ code: "INVALID_WEIGHT" }),
		);
	});
});
