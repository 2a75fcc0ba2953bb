import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NonInferiorityOptions, nonInferiority } from "./non-inferiority.ts";
import { estimated } from "./test-support/estimated.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { welchComparison } from "./welch-comparison.ts";

const control = { value: 200, variance: 4, units: 500 };
const treatment = { value: 203, variance: 5, units: 400 };
const options = { alpha: 0.05, margin: 10, marginScale: "absolute", direction: "decrease" } as const;

describe("nonInferiority", () => {
	it("is a one-sided Welch test against the margin", () => {
		const result = estimated(nonInferiority(control, treatment, options));
		// Latency may rise by 10; it rose by 3.
		const shifted = { ...control, value: control.value + 10 };
		const welch = estimated(welchComparison(shifted, treatment, { alpha: 0.1 }));
		expect(result.distance).toBeCloseTo(7, 12);
		expect(result.pValue).toBeCloseTo(welch.pValueBelow, 12);
		expect(result.lowerBound).toBeCloseTo(-welch.absoluteEffect.upper, 10);
		expect(result.degreesOfFreedom).toBeCloseTo(welch.degreesOfFreedom, 10);
		expect(result.nonInferior).toBe(true);
	});

	it("tests a relative margin without dividing by control", () => {
		const relative = { ...options, margin: 0.05, marginScale: "relative" } as const;
		const down = estimated(nonInferiority(control, treatment, relative));
		expect(down.distance).toBeCloseTo(1.05 * 200 - 203, 12);
		const standardError = Math.sqrt(5 + 1.05 ** 2 * 4);
		expect(down.lowerBound).toBeCloseTo(7 - 1.6469 * standardError, 2);
		const up = estimated(nonInferiority(control, treatment, { ...relative, direction: "increase" }));
		expect(up.distance).toBeCloseTo(203 - 0.95 * 200, 12);
		// From a negative baseline, worse by a share of its size.
		const negative = { ...control, value: -200 };
		expect(estimated(nonInferiority(negative, { ...treatment, value: -203 }, relative)).distance).toBeCloseTo(13, 12);
	});

	it("mirrors with the direction, and says the same by bound and p-value", () => {
		const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
		const arm = fc.record({
			value: number,
			variance: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
			units: fc.integer({ min: 2, max: 1e5 }),
		});
		const margin = fc.double({ min: 0, max: 5, noNaN: true });
		const alpha = fc.double({ min: 1e-6, max: 0.9, noNaN: true });
		const scale = fc.constantFrom("relative" as const, "absolute" as const);
		fc.assert(
			fc.property(arm, arm, margin, alpha, scale, (c, t, m, level, marginScale) => {
				fc.pre(c.value !== 0);
				const test = (sign: 1 | -1, direction: "increase" | "decrease") =>
					estimated(
						nonInferiority(
							{ ...c, value: sign * c.value },
							{ ...t, value: sign * t.value },
							{ alpha: level, margin: m, marginScale, direction },
						),
					);
				const result = test(1, "increase");
				expect(test(-1, "decrease").pValue).toBeCloseTo(result.pValue, 12);
				if (Math.abs(result.pValue / level - 1) > 1e-6) expect(result.nonInferior).toBe(result.lowerBound > 0);
			}),
		);
	});

	it("needs control's value for a relative margin only", () => {
		const none = { ...control, value: 0 };
		expect(estimated(nonInferiority(none, { ...treatment, value: 3 }, options)).distance).toBeCloseTo(7, 12);
	});

	it("errs as often as it says at the margin", () => {
		const random = seededRandom(61);
		let [shipped, runs] = [0, 4000];
		const relative = { alpha: 0.05, margin: 0.1, marginScale: "relative", direction: "increase" } as const;
		for (let run = 0; run < runs; run++) {
			// Truth: control 10, treatment 9, exactly as bad as not tolerated; errors 0.8.
			const arm = (mean: number) => ({ value: mean + 0.8 * random.normal(), variance: 0.64, units: 1000 });
			if (estimated(nonInferiority(arm(10), arm(9), relative)).nonInferior) shipped++;
		}
		expect(shipped / runs).toBeGreaterThan(0.038);
		expect(shipped / runs).toBeLessThan(0.063);
	});

	it.each([
		["too-few-units", { ...control, units: 1 }, {}],
		["no-variation", { ...control, variance: 0 }, {}],
		["zero-baseline", { ...control, value: 0 }, { marginScale: "relative" }],
		["non-finite", { ...control, value: 1.7e308 }, { marginScale: "relative", margin: 5 }],
	] as const)("is not estimable: %s", (reason, arm, change) => {
		const other = { ...treatment, variance: arm.variance };
		expect(nonInferiority(arm, other, { ...options, ...change } as NonInferiorityOptions)).toMatchObject({
			kind: "not-estimable",
			reason,
		});
	});

	it.each([
		["INVALID_MARGIN", { margin: -1 }],
		["INVALID_MARGIN", { margin: Number.NaN }],
		["INVALID_ALPHA", { alpha: 0 }],
	])("refuses what makes no sense: %s", (code, change) => {
		expect(() => nonInferiority(control, treatment, { ...options, ...change })).toThrow(
			expect.objectContaining({ code }),
		);
	});
});
