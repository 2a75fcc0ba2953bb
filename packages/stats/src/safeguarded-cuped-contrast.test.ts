import { describe, expect, it } from "vitest";
import { type CovariateSums, covariateSumsOfMean } from "./covariate-sums.ts";
import { cupedContrast } from "./cuped-contrast.ts";
import { safeguardedContrast } from "./safeguarded-contrast.ts";
import { safeguardedCupedContrast } from "./safeguarded-cuped-contrast.ts";
import { estimated } from "./test-support/estimated.ts";
import { type SeededRandom, seededRandom } from "./test-support/seeded-random.ts";

type Unit = readonly [y: number, x: number];

function draw(random: SeededRandom, units: number, spread = 1): Unit[] {
	return Array.from({ length: units }, () => {
		const x = random.normal();
		return [0.7 * x + spread * Math.sqrt(0.51) * random.normal(), x];
	});
}

function sumsOf(units: readonly Unit[]): CovariateSums<number> {
	const sum = (of: (unit: Unit) => number) => units.reduce((total, unit) => total + of(unit), 0);
	return covariateSumsOfMean({
		units: units.length,
		sumY: sum(([y]) => y),
		sumYY: sum(([y]) => y * y),
		unitsWithHistory: units.length,
		sumYWithHistory: sum(([y]) => y),
		sumX: sum(([, x]) => x),
		sumXX: sum(([, x]) => x * x),
		sumYX: sum(([y, x]) => y * x),
	});
}

/** Sample variance. */
function varianceOf(values: readonly number[]): number {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

describe("safeguardedCupedContrast", () => {
	it("pools the adjusted residuals of both arms where a small arm looks more even than it is", () => {
		const random = seededRandom(8);
		const [control, treatment] = [draw(random, 2000), draw(random, 60, 0.3)];
		const arms = [sumsOf(control), sumsOf(treatment)] as const;
		const own = estimated(cupedContrast(...arms));
		const contrast = estimated(safeguardedCupedContrast(...arms));
		const residuals = [...control, ...treatment].map(([y, x]) => y - own.theta * x);
		const pooled = varianceOf(residuals) * (1 / 2000 + 1 / 60);
		expect(contrast.variance / pooled).toBeCloseTo(1, 12);
		expect(contrast.variance).toBeGreaterThan(1.5 * own.variance);
		expect(contrast).toMatchObject({
			difference: own.difference,
			theta: own.theta,
			degreesOfFreedom: 2058,
			controlUnits: 2000,
			treatmentUnits: 60,
		});
		const unadjusted = varianceOf([...control, ...treatment].map(([y]) => y)) / 2000;
		expect(contrast.baseline.variance / unadjusted).toBeCloseTo(1, 12);
		// Cov(Δ, R_C) = −Var(R_C) + θ·Cov(P_C, R_C), of pooled units.
		const both = [...control, ...treatment];
		const covariance = (varianceOf(both.map(([y, x]) => y + x)) - varianceOf(both.map(([y, x]) => y - x))) / 4 / 2000;
		expect(contrast.covarianceWithBaseline / (own.theta * covariance - unadjusted)).toBeCloseTo(1, 9);
		expect(contrast.varianceReduction).toBeCloseTo(1 - varianceOf(residuals) / varianceOf(both.map(([y]) => y)), 12);
	});

	it("is the plain one where that is the wider, and hardly differs in equal arms", () => {
		const random = seededRandom(9);
		const wide = [sumsOf(draw(random, 2000)), sumsOf(draw(random, 60, 3))] as const;
		expect(safeguardedCupedContrast(...wide)).toEqual(cupedContrast(...wide));
		const equal = [sumsOf(draw(random, 1000)), sumsOf(draw(random, 1000))] as const;
		const ratio = estimated(safeguardedCupedContrast(...equal)).variance / estimated(cupedContrast(...equal)).variance;
		expect(ratio).toBeGreaterThanOrEqual(1);
		expect(ratio).toBeLessThan(1.01);
	});

	it("is the safeguarded contrast with θ = 0", () => {
		const random = seededRandom(10);
		const arms = [sumsOf(draw(random, 900)), sumsOf(draw(random, 70, 0.2))] as const;
		const contrast = estimated(safeguardedCupedContrast(...arms, { theta: 0 }));
		const plain = estimated(safeguardedContrast(...arms));
		expect(contrast).toMatchObject({ degreesOfFreedom: plain.degreesOfFreedom, varianceReduction: 0 });
		expect(contrast.variance / plain.variance).toBeCloseTo(1, 12);
		expect(contrast.covarianceWithBaseline / plain.covarianceWithBaseline).toBeCloseTo(1, 12);
	});

	it("needs 50 units in the smaller arm, or what is asked for, and passes on what is not estimable", () => {
		const random = seededRandom(11);
		const [control, treatment] = [sumsOf(draw(random, 200)), sumsOf(draw(random, 49))];
		expect(safeguardedCupedContrast(control, treatment)).toMatchObject({ reason: "too-few-units" });
		expect(safeguardedCupedContrast(control, treatment, { minimumUnits: 49 }).kind).toBe("estimated");
		const broken = { ...treatment, sumYX: Number.NaN };
		expect(safeguardedCupedContrast(control, broken, { minimumUnits: 2 })).toMatchObject({ reason: "non-finite" });
		expect(() => safeguardedCupedContrast(control, treatment, { minimumUnits: 0 })).toThrow(
			expect.objectContaining({ code: "INVALID_MINIMUM_UNITS" }),
		);
	});
});
