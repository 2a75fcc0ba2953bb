import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { designEffect } from "./design-effect.ts";
import { plannedMean } from "./planned-metric.ts";
import { type ComparisonPlan, plannedPower } from "./planned-power.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { requiredUnits } from "./required-units.ts";
import { estimated } from "./test-support/estimated.ts";
import { ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const mean = { kind: "mean", baseline: 10, variancePerUnit: 400 } as const;
const fixed: ComparisonPlan = { metric: mean, inference: { kind: "fixed" }, alpha: 0.05 };

describe("requiredUnits", () => {
	it("is the textbook's (z + z)²·2σ²/Δ² for an arm", () => {
		const { units, control, treatment, power } = estimated(requiredUnits(fixed, { scale: "absolute", value: 1 }, 0.8));
		const textbook = ((1.959964 + 0.841621) ** 2 * 2 * 400) / 1;
		// The t needs one unit or two more than the normal.
		expect(units / 2 - textbook).toBeGreaterThan(0);
		expect(units / 2 - textbook).toBeLessThan(2);
		expect(control + treatment).toBe(units + (units % 2));
		expect(power).toBeGreaterThanOrEqual(0.8);
	});

	it("is the textbook's for a relative effect: (σ²/μ²)(1 + (1 + δ)²)", () => {
		const { control } = estimated(requiredUnits(fixed, { scale: "relative", value: 0.1 }, 0.9));
		expect(control / (((1.959964 + 1.281552) ** 2 * 4 * (1 + 1.21)) / 0.01)).toBeCloseTo(1, 2);
	});

	it("is the textbook's for shares", () => {
		const plan = { ...fixed, metric: { kind: "proportion", baseline: 0.1 } } as const;
		const { control } = estimated(requiredUnits(plan, { scale: "absolute", value: 0.02 }, 0.8));
		expect(control).toBe(Math.ceil(((1.959964 + 0.841621) ** 2 * (0.1 * 0.9 + 0.12 * 0.88)) / 0.0004));
	});

	it("has the design effect inside", () => {
		const random = seededRandom(4);
		const units = Array.from({ length: 20_000 }, () => {
			const level = 10 + Math.sqrt(0.3) * random.normal();
			return Array.from({ length: 10 }, () => level + Math.sqrt(0.7) * random.normal());
		});
		const sums = ratioSumsOf(
			units.map((values): UnitTotals => [values.reduce((sum, value) => sum + value, 0), values.length]),
		);
		const squares = units.flat().reduce((sum, value) => sum + value * value, 0);
		const metric = plannedMean(estimated(ratioEstimate(sums)));
		if (metric.kind === "not-estimable") throw new Error(metric.message);
		const clustered =
			estimated(requiredUnits({ ...fixed, metric }, { scale: "absolute", value: 0.05 }, 0.8)).units * 10;
		const byCall = { kind: "mean", baseline: 10, variancePerUnit: 1 } as const;
		const independent = estimated(requiredUnits({ ...fixed, metric: byCall }, { scale: "absolute", value: 0.05 }, 0.8));
		expect(clustered / independent.units / estimated(designEffect(sums, squares)).value).toBeCloseTo(1, 1);
	});

	it("multiplies by the inflation factor, by 1 − ρ², and costs what the always-valid bound costs", () => {
		const effect = { scale: "absolute", value: 1 } as const;
		const unitsOf = (change: Partial<ComparisonPlan>) =>
			estimated(requiredUnits({ ...fixed, ...change }, effect, 0.8)).units;
		const plain = unitsOf({});
		expect(unitsOf({ inference: { kind: "group-sequential", inflationFactor: 1.05 } }) / plain).toBeCloseTo(1.05, 3);
		expect(unitsOf({ varianceReduction: 0.4 }) / plain).toBeCloseTo(0.6, 3);
		expect(unitsOf({ sides: 1 }) / plain).toBeCloseTo((1.644854 + 0.841621) ** 2 / (1.959964 + 0.841621) ** 2, 3);
		expect(unitsOf({ inference: { kind: "always-valid" } }) / plain).toBeCloseTo(1.73, 2);
		expect(unitsOf({ controlShare: 0.9, treatmentShare: 0.1 }) / plain).toBeCloseTo(1 / (4 * 0.9 * 0.1), 2);
	});

	it("is the smallest number that suffices", () => {
		const plan = fc.record({
			metric: fc.constantFrom(
				mean,
				{ kind: "proportion", baseline: 0.3 } as const,
				{ kind: "quantile", baseline: 5, logVariancePerUnit: 2 } as const,
			),
			inference: fc.constantFrom(
				{ kind: "fixed" } as const,
				{ kind: "group-sequential", inflationFactor: 1.2 } as const,
				{ kind: "always-valid", looks: 2 } as const,
			),
			alpha: fc.constantFrom(0.01, 0.05, 0.2),
			sides: fc.constantFrom(1 as const, 2 as const),
			controlShare: fc.double({ min: 0.1, max: 0.5, noNaN: true }),
			treatmentShare: fc.double({ min: 0.1, max: 0.5, noNaN: true }),
		});
		const value = fc.double({ min: 0.05, max: 0.5, noNaN: true });
		const power = fc.double({ min: 0.3, max: 0.99, noNaN: true });
		fc.assert(
			fc.property(plan, value, power, (some, size, wanted) => {
				const effect = { scale: "relative", value: size } as const;
				const { units, power: got } = estimated(requiredUnits(some, effect, wanted));
				expect(got).toBeGreaterThanOrEqual(wanted);
				const less = plannedPower(some, effect, units - 1);
				expect(less.kind === "not-estimable" || less.power < wanted).toBe(true);
			}),
			{ numRuns: 40 },
		);
	});

	it.each([
		["out-of-reach", { scale: "absolute", value: 1e-9 }],
		["out-of-reach", { scale: "relative", value: 1e-9 }],
	] as const)("is not estimable: %s %j", (reason, effect) => {
		expect(requiredUnits(fixed, effect, 0.8)).toMatchObject({ kind: "not-estimable", reason });
	});

	it("passes on what no metric can do", () => {
		const plan = { ...fixed, metric: { kind: "proportion", baseline: 0.5 } } as const;
		expect(requiredUnits(plan, { scale: "relative", value: 2 }, 0.8)).toMatchObject({ reason: "out-of-reach" });
		const nothing = { ...fixed, metric: { ...mean, baseline: 0 } };
		expect(requiredUnits(nothing, { scale: "relative", value: 2 }, 0.8)).toMatchObject({ reason: "zero-baseline" });
	});

	it("refuses a power that makes no sense", () => {
		for (const power of [0.05, 1, Number.NaN]) {
			expect(() => requiredUnits(fixed, { scale: "absolute", value: 1 }, power)).toThrow(
				expect.objectContaining({ code: "INVALID_POWER" }),
			);
		}
		expect(() => requiredUnits({ ...fixed, alpha: Number.NaN }, { scale: "absolute", value: 1 }, 0.8)).toThrow(
			expect.objectContaining({ code: "INVALID_ALPHA" }),
		);
	});
});
