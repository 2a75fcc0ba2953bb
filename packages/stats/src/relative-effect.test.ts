import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { relativeEffect } from "./relative-effect.ts";

function estimated(...parameters: Parameters<typeof relativeEffect>) {
	const effect = relativeEffect(...parameters);
	if (effect.kind !== "estimated") throw new Error(effect.message);
	return effect;
}

describe("relativeEffect", () => {
	it("counts the uncertainty of control, by the delta method", () => {
		const effect = estimated({ value: 10, variance: 0.01 }, { value: 12, variance: 0.04 }, 2);
		const standardError = Math.sqrt(0.04 / 100 + (0.01 * 144) / 10_000);
		expect(effect.value).toBeCloseTo(0.2, 12);
		expect(effect.standardError).toBeCloseTo(standardError, 12);
		expect(effect.lower).toBeCloseTo(0.2 - 2 * standardError, 12);
		expect(effect.upper).toBeCloseTo(0.2 + 2 * standardError, 12);
	});

	it("is Fieller's set for a control that is not well known: its ends solve (R_T − ρR_C)² = c²(V_T + ρ²V_C)", () => {
		const [control, treatment, multiplier] = [{ value: 10, variance: 4 }, { value: 12, variance: 3 }, 3] as const;
		const effect = estimated(control, treatment, multiplier);
		for (const bound of [effect.lower, effect.upper]) {
			const ratio = bound + 1;
			expect((treatment.value - ratio * control.value) ** 2).toBeCloseTo(
				multiplier ** 2 * (treatment.variance + ratio ** 2 * control.variance),
				8,
			);
		}
		// It reaches further up than down.
		expect(effect.upper - effect.value).toBeGreaterThan(effect.value - effect.lower);
	});

	it("changes over from g = 0.05 on", () => {
		const upper = (variance: number) => estimated({ value: 1, variance }, { value: 1.1, variance: 0.01 }, 1).upper;
		expect(upper(0.0499)).toBeCloseTo(0.1 + Math.sqrt(0.01 + 1.21 * 0.0499), 12);
		expect(upper(0.0501)).toBeCloseTo((1.1 + Math.sqrt(0.01 + 1.21 * 0.0501 - 0.0501 * 0.01)) / (1 - 0.0501) - 1, 12);
	});

	it("takes an increase from a negative baseline as an increase", () => {
		const effect = estimated({ value: -10, variance: 0.01 }, { value: -8, variance: 0.01 }, 2);
		expect(effect.value).toBeCloseTo(0.2, 12);
		// Mirrored: what (10 → 8) loses, (−10 → −8) gains.
		const mirrored = estimated({ value: 10, variance: 0.01 }, { value: 8, variance: 0.01 }, 2);
		expect(effect.lower).toBeCloseTo(-mirrored.upper, 12);
		expect(effect.upper).toBeCloseTo(-mirrored.lower, 12);
		expect(effect.lower).toBeLessThan(effect.value);
		expect(effect.upper).toBeGreaterThan(effect.value);
	});

	it.each([
		["zero-baseline", { value: 0, variance: 1 }],
		["unbounded", { value: 1, variance: 1 }],
		// Exactly as many standard errors from 0 as are asked for.
		["unbounded", { value: 2, variance: 1 }],
		["non-finite", { value: 1e-310, variance: 0 }],
	])("is not estimable: %s", (reason, control) => {
		expect(relativeEffect(control, { value: 2, variance: 0.1 }, 2)).toMatchObject({ kind: "not-estimable", reason });
	});

	it("plays no favourites with the unit of measurement", () => {
		const value = fc.double({ min: 0.1, max: 100, noNaN: true });
		const variance = fc.double({ min: 0, max: 1e-3, noNaN: true });
		fc.assert(
			fc.property(value, value, variance, variance, value, (control, treatment, first, second, scale) => {
				const plain = estimated({ value: control, variance: first }, { value: treatment, variance: second }, 2);
				const scaled = estimated(
					{ value: control * scale, variance: first * scale * scale },
					{ value: treatment * scale, variance: second * scale * scale },
					2,
				);
				expect(Math.abs(scaled.lower - plain.lower)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(plain.lower)));
				expect(Math.abs(scaled.upper - plain.upper)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(plain.upper)));
			}),
		);
	});
});
