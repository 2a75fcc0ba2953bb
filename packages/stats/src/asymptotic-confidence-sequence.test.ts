import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	oneSidedLogEValue,
	oneSidedRadiusMultiplier,
	pValueOfLogEValue,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "./asymptotic-confidence-sequence.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

interface SampleSums {
	readonly n: number;
	readonly sum: number;
	readonly sum_squares: number;
}

/** Difference and relative lift of two means with delta-method standard errors, as GrowthBook computes them. */
function effects(control: SampleSums, treatment: SampleSums) {
	const [c, t] = [control, treatment].map(({ n, sum, sum_squares }) => ({
		mean: sum / n,
		variance: (sum_squares - (sum * sum) / n) / (n - 1) / n,
	})) as [{ mean: number; variance: number }, { mean: number; variance: number }];
	return {
		units: control.n + treatment.n,
		difference: t.mean - c.mean,
		differenceError: Math.sqrt(c.variance + t.variance),
		lift: t.mean / c.mean - 1,
		liftError: Math.sqrt(t.variance / c.mean ** 2 + (c.variance * t.mean ** 2) / c.mean ** 4),
	};
}

describe("asymptotic confidence sequence", () => {
	it("gives the two-sided interval of gb-acs-mean", () => {
		const { inputs, expected } = statOracle("gb-acs-mean");
		const { units, lift, liftError } = effects(inputs.control, inputs.treatment);
		const rhoSquared = tuneRhoSquared(inputs.alpha, inputs.n_star);
		const radius = liftError * twoSidedRadiusMultiplier(units, rhoSquared, inputs.alpha);
		expect(lift - radius).toBeCloseTo(expected.ci[0], 5);
		expect(lift + radius).toBeCloseTo(expected.ci[1], 5);
		expect(pValueOfLogEValue(twoSidedLogEValue(lift / liftError, units, rhoSquared))).toBe(expected.p);
	});

	it("gives the multiplier behind gb-acs-cuped", () => {
		const { inputs, expected } = statOracle("gb-acs-cuped");
		const rhoSquared = tuneRhoSquared(inputs.alpha, inputs.n_star);
		const multiplier = twoSidedRadiusMultiplier(inputs.control.n + inputs.treatment.n, rhoSquared, inputs.alpha);
		// The published standard error has five digits.
		expect(Math.abs(multiplier * expected.se - (expected.ci[1] - expected.lift))).toBeLessThan(3e-5);
	});

	it("gives the one-sided bounds and the p-value of gb-acs-one-sided", () => {
		const { inputs, expected } = statOracle("gb-acs-one-sided");
		const { units, difference, differenceError, lift, liftError } = effects(inputs.control, inputs.treatment);
		const rhoSquared = tuneRhoSquared(2 * inputs.alpha, inputs.n_star);
		const multiplier = oneSidedRadiusMultiplier(units, rhoSquared, inputs.alpha);
		expect(lift - multiplier * liftError).toBeCloseTo(expected.relative.ci_lower, 9);
		expect(lift + multiplier * liftError).toBeCloseTo(expected.relative.ci_upper, 9);
		expect(difference - multiplier * differenceError).toBeCloseTo(expected.absolute.ci_lower, 9);
		expect(difference + multiplier * differenceError).toBeCloseTo(expected.absolute.ci_upper, 9);
		const p = pValueOfLogEValue(oneSidedLogEValue(difference / differenceError, units, rhoSquared));
		expect(Math.abs(p - expected.absolute.p_greater)).toBeLessThan(5e-4);
		// The exact root; the published value carries a bisection error.
		expect(p).toBeCloseTo(0.463047, 6);
	});

	it("is Robbins' normal mixture: cs-normal-mixture-two-sided", () => {
		const { inputs, expected } = statOracle("cs-normal-mixture-two-sided");
		const rhoSquared = tuneRhoSquared(inputs.alpha_opt, inputs.v_opt);
		expect(1 / rhoSquared).toBeCloseTo(expected.best_rho, 5);
		const z = inputs.s / Math.sqrt(inputs.v);
		expect(twoSidedLogEValue(z, inputs.v, rhoSquared)).toBeCloseTo(expected.log_mixture, 6);
		const boundary = Math.sqrt(inputs.v) * twoSidedRadiusMultiplier(inputs.v, rhoSquared, inputs.alpha);
		expect(boundary).toBeCloseTo(expected.bound, 4);
	});

	it("stays on the safe side of the exact one-sided mixture: cs-normal-mixture-one-sided", () => {
		const { inputs, expected } = statOracle("cs-normal-mixture-one-sided");
		const rhoSquared = tuneRhoSquared(2 * inputs.alpha, inputs.v_opt);
		const z = inputs.s / Math.sqrt(inputs.v);
		expect(oneSidedLogEValue(z, inputs.v, rhoSquared)).toBeLessThan(expected.log_mixture);
		const bound = Math.sqrt(inputs.v) * oneSidedRadiusMultiplier(inputs.v, rhoSquared, inputs.alpha);
		expect(bound).toBeGreaterThan(expected.bound);
		expect(bound).toBeLessThan(1.01 * expected.bound);
	});

	const alpha = fc.double({ min: 1e-6, max: 0.5, noNaN: true });
	const units = fc.double({ min: 1, max: 1e9, noNaN: true });

	it("rejects exactly when the interval excludes 0", () => {
		fc.assert(
			fc.property(alpha, units, units, (level, seen, tuned) => {
				const rhoSquared = tuneRhoSquared(level, tuned);
				const two = twoSidedRadiusMultiplier(seen, rhoSquared, level);
				const one = oneSidedRadiusMultiplier(seen, rhoSquared, level);
				expect(twoSidedLogEValue(two, seen, rhoSquared)).toBeCloseTo(-Math.log(level), 8);
				expect(twoSidedLogEValue(-two, seen, rhoSquared)).toBeCloseTo(-Math.log(level), 8);
				expect(oneSidedLogEValue(one, seen, rhoSquared)).toBeCloseTo(-Math.log(level), 8);
			}),
		);
	});

	it("never widens for a larger alpha, tuned anew", () => {
		fc.assert(
			fc.property(alpha, alpha, units, units, (first, second, seen, tuned) => {
				const [strict, lenient] = first < second ? [first, second] : [second, first];
				const multiplier = (level: number) => twoSidedRadiusMultiplier(seen, tuneRhoSquared(level, tuned), level);
				expect(multiplier(lenient)).toBeLessThanOrEqual(multiplier(strict) * (1 + 1e-12));
			}),
		);
	});

	it("is narrowest near the units it is tuned for", () => {
		const width = (seen: number) => twoSidedRadiusMultiplier(seen, tuneRhoSquared(0.05, 5000), 0.05);
		// The multiplier falls and rises again, and tuning elsewhere does not beat it by more than a percent.
		expect(width(5000)).toBeLessThan(width(50));
		for (const tuned of [500, 2000, 4000, 7000, 50_000]) {
			expect(width(5000)).toBeLessThan(1.01 * twoSidedRadiusMultiplier(5000, tuneRhoSquared(0.05, tuned), 0.05));
		}
	});

	it("neither overflows nor pretends", () => {
		const rhoSquared = tuneRhoSquared(0.05, 5000);
		expect(twoSidedLogEValue(1e6, 1e9, rhoSquared)).toBeGreaterThan(1e11);
		expect(oneSidedLogEValue(1e6, 1e9, rhoSquared)).toBeGreaterThan(1e11);
		expect(pValueOfLogEValue(1e11)).toBe(0);
		expect(oneSidedLogEValue(-3, 100, rhoSquared)).toBe(Number.NEGATIVE_INFINITY);
		expect(pValueOfLogEValue(Number.NEGATIVE_INFINITY)).toBe(1);
	});

	it("refuses arguments outside its domain", () => {
		expect(() => tuneRhoSquared(1.2, 100)).toThrow("invalid alpha: 1.2; expected a number in (0, 1)");
		expect(() => tuneRhoSquared(0.05, 0)).toThrow(expect.objectContaining({ code: "INVALID_TUNING" }));
		expect(() => twoSidedRadiusMultiplier(0, 1, 0.05)).toThrow(expect.objectContaining({ code: "INVALID_UNITS" }));
		expect(() => twoSidedLogEValue(Number.NaN, 10, 1)).toThrow(expect.objectContaining({ code: "INVALID_STATISTIC" }));
		expect(() => oneSidedRadiusMultiplier(10, 1, Number.NaN)).toThrow(
			expect.objectContaining({ code: "INVALID_ALPHA" }),
		);
	});
});
