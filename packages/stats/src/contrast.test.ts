import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { absoluteContrast, contrastOf, relativeContrast } from "./contrast.ts";
import { relativeEffect } from "./relative-effect.ts";
import { estimated } from "./test-support/estimated.ts";

const value = fc.oneof(
	fc.double({ min: 0.1, max: 100, noNaN: true }),
	fc.double({ min: -100, max: -0.1, noNaN: true }),
);
const arm = fc.record({
	value,
	variance: fc.double({ min: 1e-6, max: 10, noNaN: true }),
	units: fc.integer({ min: 2, max: 1000 }),
});

describe("contrastOf", () => {
	it("has Satterthwaite's degrees of freedom, between those of the smaller and of both arms", () => {
		const contrast = estimated(
			contrastOf({ value: 1, variance: 0.4, units: 11 }, { value: 2, variance: 0.1, units: 21 }),
		);
		expect(contrast.degreesOfFreedom).toBeCloseTo(0.25 / (0.16 / 10 + 0.01 / 20), 10);
		expect(contrast).toMatchObject({ difference: 1, variance: 0.5, covarianceWithBaseline: -0.4, controlUnits: 11 });
		fc.assert(
			fc.property(arm, arm, (control, treatment) => {
				const { degreesOfFreedom } = estimated(contrastOf(control, treatment));
				const smaller = Math.min(control.units, treatment.units) - 1;
				expect(degreesOfFreedom).toBeGreaterThanOrEqual(smaller * (1 - 1e-12));
				expect(degreesOfFreedom).toBeLessThanOrEqual((control.units + treatment.units - 2) * (1 + 1e-12));
			}),
		);
	});

	it("does not underflow", () => {
		const tiny = { value: 1, variance: 1e-300, units: 10 };
		expect(estimated(contrastOf(tiny, tiny)).degreesOfFreedom).toBeCloseTo(18, 9);
	});

	it.each([
		["too-few-units", { value: 1, variance: 1, units: 1 }],
		["no-variation", { value: 3, variance: 0, units: 10 }],
		["non-finite", { value: 3, variance: Number.MAX_VALUE, units: 10 }],
	])("is not estimable: %s", (reason, bad) => {
		const other = { ...bad, units: 10 };
		expect(contrastOf(other, bad)).toMatchObject({ kind: "not-estimable", reason });
	});

	it.each([{ value: Number.NaN }, { variance: -1 }, { variance: Number.NaN }, { units: 0 }, { degreesOfFreedom: 0 }])(
		"refuses an estimate that none can be: %j",
		(change) => {
			const good = { value: 1, variance: 1, units: 10 };
			expect(() => contrastOf(good, { ...good, ...change })).toThrow(
				expect.objectContaining({ code: "INVALID_ESTIMATE" }),
			);
		},
	);
});

describe("relativeContrast", () => {
	it("is relativeEffect for independent arms", () => {
		fc.assert(
			fc.property(arm, arm, fc.double({ min: 0.1, max: 5, noNaN: true }), (control, treatment, multiplier) => {
				const here = relativeContrast(estimated(contrastOf(control, treatment)), multiplier);
				const there = relativeEffect(control, treatment, multiplier);
				expect(here.kind).toBe(there.kind);
				if (here.kind !== "estimated" || there.kind !== "estimated") {
					expect(here).toEqual(there);
					return;
				}
				const size = 1 + Math.abs(there.lower) + Math.abs(there.upper);
				for (const key of ["value", "standardError", "lower", "upper"] as const) {
					expect(Math.abs(here[key] - there[key])).toBeLessThanOrEqual(1e-9 * size);
				}
			}),
		);
	});

	it("solves (Δ − L·R)² = c²·Var(Δ − L·R), whatever difference and baseline share", () => {
		const contrast = {
			...estimated(contrastOf({ value: 10, variance: 4, units: 50 }, { value: 12, variance: 3, units: 50 })),
			variance: 2,
			covarianceWithBaseline: 1.5,
		};
		const { lower, upper } = estimated(relativeContrast(contrast, 2));
		for (const change of [lower, upper]) {
			expect((2 - change * 10) ** 2).toBeCloseTo(4 * (2 - 2 * change * 1.5 + change ** 2 * 4), 10);
		}
	});

	it("is not estimable without a baseline", () => {
		const contrast = estimated(contrastOf({ value: 0, variance: 4, units: 50 }, { value: 12, variance: 3, units: 50 }));
		expect(relativeContrast(contrast, 2)).toMatchObject({ reason: "zero-baseline" });
		expect(relativeContrast({ ...contrast, baseline: { value: 3, variance: 4 } }, 2)).toMatchObject({
			reason: "unbounded",
		});
		// Exactly so many standard errors from 0 as are asked for.
		expect(relativeContrast({ ...contrast, baseline: { value: 4, variance: 4 } }, 2)).toMatchObject({
			reason: "unbounded",
		});
		expect(relativeContrast({ ...contrast, baseline: { value: 1e-310, variance: 0 } }, 2)).toMatchObject({
			reason: "non-finite",
		});
	});
});

describe("absoluteContrast", () => {
	const contrast = estimated(contrastOf({ value: 10, variance: 4, units: 50 }, { value: 12, variance: 5, units: 50 }));

	it("is so many standard errors to either side", () => {
		expect(absoluteContrast(contrast, 2)).toEqual({
			kind: "estimated",
			value: 2,
			standardError: 3,
			lower: -4,
			upper: 8,
		});
	});

	it("refuses what is no multiplier, and what overflows", () => {
		expect(() => absoluteContrast(contrast, 0)).toThrow(expect.objectContaining({ code: "INVALID_STATISTIC" }));
		expect(() => relativeContrast(contrast, Number.NaN)).toThrow(
			expect.objectContaining({ code: "INVALID_STATISTIC" }),
		);
		expect(absoluteContrast({ ...contrast, variance: 1e308 }, 1e300)).toMatchObject({ reason: "non-finite" });
	});
});
