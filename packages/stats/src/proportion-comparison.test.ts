import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalUpperQuantile } from "./normal-tail.ts";
import { proportionComparison, SCORE_INTERVAL_BELOW } from "./proportion-comparison.ts";
import { estimated } from "./test-support/estimated.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

interface ProportionReference {
	readonly control: readonly [units: number, successes: number];
	readonly treatment: readonly [units: number, successes: number];
	readonly wilsonOfTreatment: readonly [number, number];
	readonly newcombe: readonly [number, number];
	readonly miettinenNurminen: readonly [number, number];
	readonly pValue: number;
	readonly pValueYates: number;
}

const references = fixture<{
	proportions: ProportionReference[];
	pooled: Pick<ProportionReference, "control" | "treatment" | "pValue">[];
}>("fixed-horizon");

function compared(
	control: readonly [number, number],
	treatment: readonly [number, number],
	options: Partial<Parameters<typeof proportionComparison>[2]> = {},
) {
	return estimated(
		proportionComparison(
			{ units: control[0], successes: control[1] },
			{ units: treatment[0], successes: treatment[1] },
			{ alpha: 0.05, ...options },
		),
	);
}

describe("proportionComparison", () => {
	it.each(references.proportions)("gives the reference for $control against $treatment", (reference) => {
		const { control, treatment, wilsonOfTreatment, newcombe, miettinenNurminen, pValue, pValueYates } = reference;
		const closed = compared(control, treatment, { method: "newcombe" });
		const score = compared(control, treatment, { method: "miettinen-nurminen", continuityCorrection: true });
		for (const [actual, expected] of [
			[closed.treatment.lower, wilsonOfTreatment[0]],
			[closed.treatment.upper, wilsonOfTreatment[1]],
			[closed.absoluteEffect.lower, newcombe[0]],
			[closed.absoluteEffect.upper, newcombe[1]],
			[score.absoluteEffect.lower, miettinenNurminen[0]],
			[score.absoluteEffect.upper, miettinenNurminen[1]],
			[closed.pValue, pValue],
			[score.pValue, pValueYates],
		] as const) {
			expect(Math.abs(actual - expected)).toBeLessThan(1e-12);
		}
	});

	// Newcombe 1998, table II: 56/70 − 48/80 and so on; methods 9 (Miettinen–Nurminen) and 10 (Newcombe).
	it.each([
		[
			[80, 48],
			[70, 56],
			[0.0528, 0.3382],
			[0.0524, 0.3339],
		],
		[
			[10, 3],
			[10, 9],
			[0.17, 0.8406],
			[0.1705, 0.809],
		],
		[
			[7, 2],
			[7, 6],
			[0.0342, 0.8534],
			[0.0582, 0.8062],
		],
		[
			[29, 0],
			[56, 5],
			[-0.0326, 0.1933],
			[-0.0381, 0.1926],
		],
		[
			[20, 0],
			[10, 10],
			[0.7156, 1],
			[0.6791, 1],
		],
		[
			[10, 0],
			[10, 10],
			[0.6636, 1],
			[0.6075, 1],
		],
	] as const)("gives Newcombe's table for %j and %j", (control, treatment, score, newcombe) => {
		for (const [method, expected] of [
			["miettinen-nurminen", score],
			["newcombe", newcombe],
		] as const) {
			const { lower, upper } = compared(control, treatment, { method }).absoluteEffect;
			expect(lower).toBeCloseTo(expected[0], 4);
			expect(upper).toBeCloseTo(expected[1], 4);
		}
	});

	it("gives the two p-values of tt-proportion-tests that are chi-square tests", () => {
		const { inputs, expected } = statOracle("tt-proportion-tests");
		const counts = ({ n, successes }: { n: number; successes: number }) => [n, successes] as const;
		const { pValue } = compared(counts(inputs.control), counts(inputs.treatment), { continuityCorrection: true });
		expect(pValue).toBeCloseTo(expected.pearson_yates_p, 8);
		expect(pValue).toBeCloseTo(expected.norm_pooled_cc_p, 8);
	});

	it("gives the difference, p-value and unpooled error of sp-chi2-difference", () => {
		const { inputs, expected } = statOracle("sp-chi2-difference");
		const { absoluteEffect, relativeEffect, pValue } = compared(
			[inputs.control.n, inputs.control.successes],
			[inputs.treatment.n, inputs.treatment.successes],
		);
		expect(pValue).toBeCloseTo(expected.p, 5);
		const { value, standardError } = absoluteEffect;
		expect(value).toBeCloseTo(expected.absolute.diff, 5);
		for (const [alpha, [lower, upper]] of [
			[0.05, expected.absolute.ci],
			[0.01, expected.ci99],
			[0.001, expected.ci999],
		] as const) {
			const radius = normalUpperQuantile(alpha / 2) * standardError;
			expect(value - radius).toBeCloseTo(lower, 5);
			expect(value + radius).toBeCloseTo(upper, 5);
		}
		// Its relative interval divides by control's share as if that were known; ours is the wider.
		const { value: lift, lower, upper } = estimated(relativeEffect);
		expect(lift).toBeCloseTo(expected.relative.diff, 5);
		expect(upper - lower).toBeGreaterThan(1.1 * (expected.relative.ci[1] - expected.relative.ci[0]));
	});

	it.each(references.pooled)("keeps nine digits at p = $pValue", ({ control, treatment, pValue }) => {
		expect(relativeError(compared(control, treatment).pValue, pValue)).toBeLessThan(1e-9);
	});

	const arm = fc
		.tuple(fc.integer({ min: 2, max: 400 }), fc.nat())
		.map(([units, any]) => [units, any % (units + 1)] as const);
	const method = fc.constantFrom("newcombe" as const, "miettinen-nurminen" as const);

	it("flips when the arms swap, holds the difference, stays in [−1, 1], never widens for a larger alpha", () => {
		fc.assert(
			fc.property(arm, arm, method, (control, treatment, chosen) => {
				fc.pre(control[1] + treatment[1] > 0 && control[1] + treatment[1] < control[0] + treatment[0]);
				const there = compared(control, treatment, { method: chosen });
				const back = compared(treatment, control, { method: chosen });
				expect(back.pValue).toBeCloseTo(there.pValue, 12);
				expect(back.absoluteEffect.lower).toBeCloseTo(-there.absoluteEffect.upper, 10);
				const { value, lower, upper } = there.absoluteEffect;
				expect(lower).toBeGreaterThanOrEqual(-1 - 1e-12);
				expect(upper).toBeLessThanOrEqual(1 + 1e-12);
				expect(lower - 1e-12 <= value && value <= upper + 1e-12).toBe(true);
				const lenient = compared(control, treatment, { method: chosen, alpha: 0.2 }).absoluteEffect;
				expect(lenient.lower).toBeGreaterThanOrEqual(lower - 1e-10);
				expect(lenient.upper).toBeLessThanOrEqual(upper + 1e-10);
			}),
			{ numRuns: 60 },
		);
	});

	it("has relative bounds that agree with Newcombe's difference, and solve their equation", () => {
		fc.assert(
			fc.property(arm, arm, (control, treatment) => {
				fc.pre(control[1] > 0 && control[1] + treatment[1] < control[0] + treatment[0]);
				const comparison = compared(control, treatment, { method: "newcombe" });
				const { value, lower, upper } = estimated(comparison.relativeEffect);
				const [c, t] = [comparison.control, comparison.treatment];
				expect(value).toBeCloseTo(t.value / c.value - 1, 10);
				expect(lower).toBeGreaterThanOrEqual(-1);
				expect(lower).toBeLessThanOrEqual(value + 1e-12);
				expect(upper).toBeGreaterThanOrEqual(value - 1e-12);
				for (const [bound, boundT, boundC] of [
					[lower + 1, t.lower, c.upper],
					[upper + 1, t.upper, c.lower],
				] as const) {
					const size = (t.value + bound * c.value) ** 2 + 1e-12;
					const missed = (t.value - bound * c.value) ** 2 - (t.value - boundT) ** 2 - (bound * (c.value - boundC)) ** 2;
					expect(Math.abs(missed)).toBeLessThan(1e-8 * size);
				}
				const { absoluteEffect } = comparison;
				if (Math.abs(absoluteEffect.lower) > 1e-9) expect(lower > 0).toBe(absoluteEffect.lower > 0);
				if (Math.abs(absoluteEffect.upper) > 1e-9) expect(upper < 0).toBe(absoluteEffect.upper < 0);
			}),
		);
	});

	it("is not certain of a relative change when nobody in treatment did it", () => {
		const { value, lower, upper } = estimated(compared([50, 10], [50, 0]).relativeEffect);
		expect(value).toBe(-1);
		expect(lower).toBe(-1);
		expect(upper).toBeGreaterThan(-0.7);
		expect(compared([50, 0], [50, 10]).relativeEffect).toMatchObject({ reason: "zero-baseline" });
		expect(estimated(compared([50, 10], [50, 20]).relativeEffect).standardError).toBeCloseTo(
			Math.sqrt(0.24 / 50 + 4 * (0.16 / 50)) / 0.2,
			12,
		);
	});

	it("takes Miettinen and Nurminen's interval for small arms", () => {
		const [small, large] = [SCORE_INTERVAL_BELOW - 1, SCORE_INTERVAL_BELOW];
		expect(compared([small, 9], [5000, 70]).method).toBe("miettinen-nurminen");
		expect(compared([5000, 70], [large, 9]).method).toBe("newcombe");
	});

	it("covers the difference as often as it says, where Wald's interval does not", () => {
		const random = seededRandom(77);
		const runs = 2000;
		const covered = { score: 0, newcombe: 0, wald: 0, ratio: 0 };
		for (let run = 0; run < runs; run++) {
			const control = [40, random.binomial(40, 0.02)] as const;
			const treatment = [40, random.binomial(40, 0.1)] as const;
			if (control[1] + treatment[1] === 0) {
				// Nothing to compare: every interval of [−1, 1] would hold it.
				for (const name of ["score", "newcombe", "wald", "ratio"] as const) covered[name]++;
				continue;
			}
			const score = compared(control, treatment, { method: "miettinen-nurminen" }).absoluteEffect;
			const newcombe = compared(control, treatment, { method: "newcombe" }).absoluteEffect;
			if (score.lower <= 0.08 && score.upper >= 0.08) covered.score++;
			if (newcombe.lower <= 0.08 && newcombe.upper >= 0.08) covered.newcombe++;
			const { relativeEffect } = compared(control, treatment);
			// Without a baseline nothing is claimed.
			if (relativeEffect.kind === "not-estimable" || (relativeEffect.lower <= 4 && relativeEffect.upper >= 4)) {
				covered.ratio++;
			}
			if (Math.abs(score.value - 0.08) <= 1.96 * score.standardError) covered.wald++;
		}
		expect(covered.score / runs).toBeGreaterThan(0.93);
		expect(covered.newcombe / runs).toBeGreaterThan(0.93);
		expect(covered.score / runs).toBeLessThan(0.985);
		expect(covered.ratio / runs).toBeGreaterThan(0.93);
		expect(covered.wald / runs).toBeLessThan(0.93);
	});

	it.each([
		["too-few-units", [1, 0], [10, 2]],
		["too-few-units", [10, 0], [0, 0]],
		["impossible-sums", [10, 11], [10, 2]],
		["no-variation", [10, 0], [20, 0]],
		["no-variation", [10, 10], [20, 20]],
		["non-finite", [10, 0], [20, Number.NaN]],
	] as const)("is not estimable: %s", (reason, control, treatment) => {
		const result = proportionComparison(
			{ units: control[0], successes: control[1] },
			{ units: treatment[0], successes: treatment[1] },
			{ alpha: 0.05 },
		);
		expect(result).toMatchObject({ kind: "not-estimable", reason });
	});

	it("refuses an alpha that makes no sense", () => {
		expect(() => compared([10, 1], [10, 2], { alpha: 2 })).toThrow("invalid alpha: 2");
	});
});
