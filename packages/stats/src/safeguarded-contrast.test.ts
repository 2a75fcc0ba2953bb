import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRatios } from "./always-valid-comparison.ts";
import { ratioContrast } from "./ratio-contrast.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { safeguardedContrast } from "./safeguarded-contrast.ts";
import { estimated } from "./test-support/estimated.ts";
import { bernoulliSums, exact, ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const spread = (units: number, size: number, shift = 0) =>
	ratioSumsOf(Array.from({ length: units }, (_, unit): UnitTotals => [shift + (unit % 2 === 0 ? size : -size), 1]));

describe("safeguardedContrast", () => {
	it("has the standard error of the always-valid comparison", () => {
		const design = { alpha: 0.05, plannedUnits: 10_000, plannedShare: 0.1 };
		for (const successes of [0, 1, 3, 20]) {
			const [control, treatment] = [bernoulliSums(1800, 18), bernoulliSums(200, successes)];
			const { absoluteEffect } = estimated(compareRatios({ ...design, control, treatment }));
			const { difference, variance } = estimated(safeguardedContrast(control, treatment));
			expect(difference).toBeCloseTo(absoluteEffect.value, 14);
			expect(Math.sqrt(variance)).toBeCloseTo(absoluteEffect.standardError, 14);
		}
	});

	it("pools what a small arm has not met yet, with all units behind it", () => {
		const contrast = estimated(safeguardedContrast(bernoulliSums(9900, 99), bernoulliSums(100, 0)));
		const share = 99 / 10_000;
		expect(contrast.variance).toBeCloseTo(((10_000 * share * (1 - share)) / 9999) * (1 / 9900 + 1 / 100), 15);
		expect(contrast).toMatchObject({
			difference: -0.01,
			degreesOfFreedom: 9998,
			controlUnits: 9900,
			treatmentUnits: 100,
		});
		expect(contrast.covarianceWithBaseline).toBe(-contrast.baseline.variance);
		expect(contrast.variance).toBeGreaterThan(
			20 * estimated(ratioContrast(bernoulliSums(9900, 99), bernoulliSums(100, 0))).variance,
		);
	});

	it("is the plain contrast where the arms' own variances are the larger", () => {
		const [control, treatment] = [spread(1000, 1), spread(100, 3)];
		expect(estimated(safeguardedContrast(control, treatment))).toEqual(estimated(ratioContrast(control, treatment)));
		// Satterthwaite's: the small arm's variance is nearly all of it.
		expect(estimated(safeguardedContrast(control, treatment)).degreesOfFreedom).toBeGreaterThan(99);
		expect(estimated(safeguardedContrast(control, treatment)).degreesOfFreedom).toBeLessThan(105);
	});

	it("hardly differs in equal arms without an effect, and never is narrower", () => {
		const random = seededRandom(5);
		for (let stream = 0; stream < 200; stream++) {
			const arm = () =>
				ratioSumsOf(Array.from({ length: 500 }, (): UnitTotals => [Math.exp(random.normal()), 1 + random.integer(3)]));
			const [control, treatment] = [arm(), arm()];
			const ratio =
				estimated(safeguardedContrast(control, treatment)).variance /
				estimated(ratioContrast(control, treatment)).variance;
			expect(ratio).toBeGreaterThanOrEqual(1);
			expect(ratio).toBeLessThan(1.03);
		}
	});

	it("flips when the arms swap, and is the same of exact sums", () => {
		const arm = fc.record({
			units: fc.integer({ min: 60, max: 5000 }),
			// At least one unit of 60 on either side.
			share: fc.double({ min: 0.01, max: 0.98, noNaN: true }),
		});
		fc.assert(
			fc.property(arm, arm, (c, t) => {
				const [control, treatment] = [c, t].map(({ units, share }) => bernoulliSums(units, Math.ceil(units * share)));
				const [there, back] = [
					estimated(safeguardedContrast(control!, treatment!)),
					estimated(safeguardedContrast(treatment!, control!)),
				];
				expect(back.difference).toBe(-there.difference);
				expect(back.variance / there.variance).toBeCloseTo(1, 12);
				expect(back.degreesOfFreedom / there.degreesOfFreedom).toBeCloseTo(1, 12);
				expect(estimated(safeguardedContrast(exact(control!), exact(treatment!)))).toEqual(there);
			}),
			{ numRuns: 50 },
		);
	});

	it("scales", () => {
		const [control, treatment] = [bernoulliSums(1000, 100), bernoulliSums(100, 13)];
		const [plain, scaled] = [{}, { scale: 1000 }].map((o) => estimated(safeguardedContrast(control, treatment, o)));
		expect(scaled!.difference).toBeCloseTo(plain!.difference / 1000, 15);
		expect(scaled!.variance).toBeCloseTo(plain!.variance / 1e6, 15);
	});

	it("needs 50 units in the smaller arm, or what is asked for", () => {
		const [control, treatment] = [bernoulliSums(1000, 100), bernoulliSums(49, 5)];
		expect(safeguardedContrast(control, treatment)).toMatchObject({ reason: "too-few-units" });
		expect(safeguardedContrast(control, bernoulliSums(50, 5)).kind).toBe("estimated");
		expect(safeguardedContrast(control, treatment, { minimumUnits: 49 }).kind).toBe("estimated");
		expect(() => safeguardedContrast(control, treatment, { minimumUnits: 1 })).toThrow(
			expect.objectContaining({ code: "INVALID_MINIMUM_UNITS" }),
		);
	});

	it("takes rounded sums as they are", () => {
		const [control, treatment] = [spread(100, 0.5, 10.25), spread(100, 0.5, 12.125)];
		expect(estimated(safeguardedContrast(control, treatment)).difference).toBeCloseTo(1.875, 12);
	});

	it("is not estimable when the variance is too large for a number", () => {
		// A variance of 1.6·10³⁰⁸ in each arm, which is a number, but their sum is not.
		const wide = { units: 400, sumY: 0, sumN: 0.5, sumYY: 4e307, sumNN: 0.25, sumYN: 0 };
		expect(safeguardedContrast(wide, wide)).toMatchObject({ kind: "not-estimable", reason: "non-finite" });
	});

	it("is not estimable without variation", () => {
		expect(safeguardedContrast(bernoulliSums(1000, 0), bernoulliSums(100, 0))).toMatchObject({
			reason: "no-variation",
		});
		expect(ratioEstimate(bernoulliSums(100, 0)).kind).toBe("estimated");
	});
});
