import { describe, expect, it } from "vitest";
import { tuneRhoSquared, twoSidedRadiusMultiplier } from "./asymptotic-confidence-sequence.ts";
import { minimumDetectableEffect } from "./minimum-detectable-effect.ts";
import { normalUpperQuantile } from "./normal-tail.ts";
import type { ComparisonPlan } from "./planned-power.ts";
import { requiredUnits } from "./required-units.ts";
import { estimated } from "./test-support/estimated.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const mean = { kind: "mean", baseline: 10, variancePerUnit: 400 } as const;
const fixed: ComparisonPlan = { metric: mean, inference: { kind: "fixed" }, alpha: 0.05 };

describe("minimumDetectableEffect", () => {
	it("gives gb-power", () => {
		const { inputs, expected } = statOracle("gb-power");
		const plan: ComparisonPlan = {
			metric: { kind: "mean", baseline: inputs.mean, variancePerUnit: inputs.sd_squared },
			inference: { kind: "fixed" },
			alpha: inputs.alpha,
			controlShare: 1 / inputs.arms,
			treatmentShare: 1 / inputs.arms,
		};
		const options = { units: inputs.n_total, power: inputs.target_power, scale: "relative" } as const;
		expect(estimated(minimumDetectableEffect(plan, options)).value).toBeCloseTo(expected.mde_fixed, 5);
		// Its sequential value multiplies the whole standard error, and so the part of the power too.
		const seen = (2 * inputs.n_total) / inputs.arms;
		const bound = twoSidedRadiusMultiplier(seen, tuneRhoSquared(0.05, inputs.n_star), 0.05);
		const inflationFactor = (bound / normalUpperQuantile(0.025)) ** 2;
		const inflated = {
			...plan,
			inference: { kind: "group-sequential", inflationFactor, standardError: "own" },
		} as const;
		expect(estimated(minimumDetectableEffect(inflated, options)).value).toBeCloseTo(expected.mde_sequential, 5);
		const tuned = { kind: "always-valid", looks: 1, tunedUnits: inputs.n_star } as const;
		expect(estimated(minimumDetectableEffect({ ...plan, inference: tuned }, options)).value).toBeCloseTo(0.11045, 5);
	});

	it.each([
		mean,
		{ kind: "proportion", baseline: 0.3 },
		{ kind: "quantile", baseline: 500, logVariancePerUnit: 9 },
	] as const)("is what requiredUnits needs so many units for: %j", (metric) => {
		for (const inference of [{ kind: "fixed" }, { kind: "always-valid", looks: 5 }] as const) {
			for (const scale of ["relative", "absolute"] as const) {
				for (const direction of ["increase", "decrease"] as const) {
					const plan = { ...fixed, metric, inference };
					const { value } = estimated(minimumDetectableEffect(plan, { units: 20_000, power: 0.8, scale, direction }));
					expect(Math.sign(value)).toBe(direction === "increase" ? 1 : -1);
					const { units } = estimated(requiredUnits(plan, { scale, value }, 0.8));
					expect(Math.abs(units - 20_000)).toBeLessThanOrEqual(1);
				}
			}
		}
	});

	it("plans an absolute effect on a metric around 0", () => {
		const plan = { ...fixed, metric: { ...mean, baseline: 0 } };
		const { value } = estimated(minimumDetectableEffect(plan, { units: 12_560, power: 0.8, scale: "absolute" }));
		expect(value).toBeCloseTo(1, 2);
		expect(minimumDetectableEffect(plan, { units: 12_560, power: 0.8, scale: "relative" })).toMatchObject({
			reason: "zero-baseline",
		});
	});

	it.each([
		["out-of-reach", { kind: "proportion", baseline: 0.01 }, 200, "decrease"],
		["out-of-reach", { kind: "proportion", baseline: 0.9 }, 20, "increase"],
		["too-few-units", mean, 3, "increase"],
	] as const)("is not estimable: %s", (reason, metric, units, direction) => {
		const options = { units, power: 0.8, scale: "relative", direction } as const;
		expect(minimumDetectableEffect({ ...fixed, metric }, options)).toMatchObject({ kind: "not-estimable", reason });
	});

	it("finds a decrease that nearly empties a share", () => {
		const plan = { ...fixed, metric: { kind: "proportion", baseline: 0.01 } } as const;
		const { value } = estimated(
			minimumDetectableEffect(plan, { units: 1700, power: 0.8, scale: "relative", direction: "decrease" }),
		);
		expect(value).toBeGreaterThan(-1);
		expect(value).toBeLessThan(-0.9);
	});

	it("refuses a power that makes no sense", () => {
		expect(() => minimumDetectableEffect(fixed, { units: 100, power: 0.01, scale: "relative" })).toThrow(
			expect.objectContaining({ code: "INVALID_POWER" }),
		);
	});
});
