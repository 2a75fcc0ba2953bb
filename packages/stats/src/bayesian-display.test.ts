import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BayesianDisplay, bayesianDisplay, expectedShortfall } from "./bayesian-display.ts";
import { relativeContrast } from "./contrast.ts";
import { ratioContrast } from "./ratio-contrast.ts";
import { estimated } from "./test-support/estimated.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";
import { bernoulliSums } from "./test-support/ratio-sums-of.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

interface Shown extends Record<Exclude<keyof BayesianDisplay, "kind" | "credibleInterval">, number> {
	readonly credibleInterval: { readonly lower: number; readonly upper: number };
}

/** What a page would show. */
function shown(effect: { value: number; variance: number }, options: Parameters<typeof bayesianDisplay>[1]) {
	const display = estimated(bayesianDisplay(effect, options));
	return JSON.parse(JSON.stringify(display)) as Shown;
}

const increase = { direction: "increase" } as const;

describe("bayesianDisplay", () => {
	it("gives gb-bayes-binomial", () => {
		const { inputs, expected } = statOracle("gb-bayes-binomial");
		const { control, treatment } = inputs;
		// That test divides by n, not n − 1.
		const [c, t] = [control.successes / control.n, treatment.successes / treatment.n];
		const variance = (t * (1 - t)) / treatment.n / c ** 2 + ((c * (1 - c)) / control.n) * (t ** 2 / c ** 4);
		const display = shown({ value: t / c - 1, variance }, increase);
		expect(display.mean).toBeCloseTo(expected.mean, 5);
		expect(display.standardDeviation).toBeCloseTo(expected.sd, 5);
		expect(display.credibleInterval.lower).toBeCloseTo(expected.ci[0], 5);
		expect(display.credibleInterval.upper).toBeCloseTo(expected.ci[1], 5);
		expect(display.chanceToWin).toBeCloseTo(expected.chance_to_win, 5);
		expect(display.expectedLossOfControl).toBeCloseTo(expected.risk[0], 5);
		expect(display.expectedLossOfTreatment).toBeCloseTo(expected.risk[1], 5);
	});

	it("gives the posterior of gb-ratio-relative", () => {
		const { inputs, expected } = statOracle("gb-ratio-relative");
		const [control, treatment] = [inputs.control, inputs.treatment].map((arm) => ({
			units: arm.n_units,
			sumY: arm.num_sum,
			sumN: arm.den_sum,
			sumYY: arm.num_sumsq,
			sumNN: arm.den_sumsq,
			sumYN: arm.num_den_sumprod,
		}));
		const { value, standardError } = estimated(relativeContrast(estimated(ratioContrast(control!, treatment!)), 1.96));
		const display = shown({ value, variance: standardError ** 2 }, increase);
		expect(display.chanceToWin).toBeCloseTo(expected.chance_to_win, 8);
		expect(display.expectedLossOfTreatment).toBeCloseTo(expected.risk_treatment, 8);
	});

	it("gives gb-bayes-risk", () => {
		const { inputs, expected } = statOracle("gb-bayes-risk");
		inputs.cases.forEach(({ mu, sd }: { mu: number; sd: number }, i: number) => {
			expect(expectedShortfall(-mu, sd)).toBeCloseTo(expected[i][0], 10);
			expect(expectedShortfall(mu, sd)).toBeCloseTo(expected[i][1], 10);
		});
	});

	it.each(fixture<{ mean: number; deviation: number; shortfall: number }[]>("expected-shortfall"))(
		"keeps the digits of the loss at $mean ± $deviation",
		({ mean, deviation, shortfall }) => {
			expect(relativeError(expectedShortfall(mean, deviation), shortfall)).toBeLessThan(1e-9);
		},
	);

	it("weighs the estimate against the prior", () => {
		const display = shown({ value: 0.3, variance: 0.04 }, { ...increase, priorStandardDeviation: 0.1 });
		expect(display.mean).toBeCloseTo(0.3 / 5, 12);
		expect(display.standardDeviation).toBeCloseTo(Math.sqrt(1 / (1 / 0.04 + 1 / 0.01)), 12);
		const wide = shown({ value: 0.3, variance: 0.04 }, { ...increase, priorStandardDeviation: 1e9 });
		expect(wide.mean).toBeCloseTo(0.3, 12);
	});

	it("turns with the direction, and the losses differ by the mean", () => {
		const value = fc.double({ min: -10, max: 10, noNaN: true });
		const variance = fc.double({ min: 1e-4, max: 10, noNaN: true });
		fc.assert(
			fc.property(value, variance, (effect, spread) => {
				const up = shown({ value: effect, variance: spread }, increase);
				const down = shown({ value: effect, variance: spread }, { direction: "decrease" });
				expect(up.chanceToWin + down.chanceToWin).toBeCloseTo(1, 12);
				expect(down.expectedLossOfTreatment).toBeCloseTo(up.expectedLossOfControl, 12);
				expect(up.expectedLossOfControl - up.expectedLossOfTreatment).toBeCloseTo(effect, 10);
				expect(down.mean).toBe(up.mean);
			}),
		);
	});

	it("narrows with alpha", () => {
		const effect = { value: 1, variance: 1 };
		const [wide, narrow] = [shown(effect, increase), shown(effect, { ...increase, alpha: 0.32 })];
		expect(wide.credibleInterval.upper).toBeCloseTo(2.95996, 5);
		expect(narrow.credibleInterval.lower).toBeGreaterThan(wide.credibleInterval.lower);
	});

	it("is not estimable without a variance, or outside the numbers", () => {
		expect(bayesianDisplay({ value: 1, variance: 0 }, increase)).toMatchObject({ reason: "no-variation" });
		expect(bayesianDisplay({ value: 1e308, variance: 1e308 }, increase)).toMatchObject({ kind: "estimated" });
		expect(bayesianDisplay({ value: 1.7e308, variance: 1e-300 }, increase)).toMatchObject({ reason: "non-finite" });
		expect(bayesianDisplay({ value: 1, variance: 1 }, { ...increase, priorStandardDeviation: 1e-200 })).toMatchObject({
			reason: "non-finite",
		});
	});

	it.each([
		["INVALID_PRIOR", {}, { priorStandardDeviation: 0 }],
		["INVALID_ALPHA", {}, { alpha: 0 }],
		["INVALID_ESTIMATE", { value: Number.NaN }, {}],
		["INVALID_ESTIMATE", { variance: -1 }, {}],
	])("refuses what makes no sense: %s", (code, effect, options) => {
		expect(() => bayesianDisplay({ value: 1, variance: 1, ...effect }, { ...increase, ...options })).toThrow(
			expect.objectContaining({ code }),
		);
	});

	it("is no stop rule: not for the compiler, not at run time", () => {
		const comparison = estimated(ratioContrast(bernoulliSums(100, 40), bernoulliSums(100, 60)));
		const { chanceToWin } = estimated(
			bayesianDisplay({ value: comparison.difference, variance: comparison.variance }, increase),
		);
		// @ts-expect-error a displayed number does not compare
		expect(() => chanceToWin > 0.95).toThrow(expect.objectContaining({ code: "DISPLAY_ONLY" }));
		// @ts-expect-error nor does it calculate
		expect(() => chanceToWin * 1).toThrow("it decides nothing");
		// @ts-expect-error and it is no number to hand on
		expect(() => Math.max(chanceToWin, 0)).toThrow(expect.objectContaining({ code: "DISPLAY_ONLY" }));
		expect(chanceToWin.toPercent(1)).toBe("99.8 %");
		expect(chanceToWin.toFixed(3)).toBe("0.998");
		expect(`${chanceToWin}`).toBe(String(JSON.parse(JSON.stringify(chanceToWin))));
	});
});
