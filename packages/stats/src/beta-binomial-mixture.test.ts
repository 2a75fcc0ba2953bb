import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { betaBinomialLogEValue } from "./beta-binomial-mixture.ts";
import { tuneMixture } from "./gamma-exponential-mixture.ts";
import { monotoneRoot } from "./monotone-root.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { betaBinomial } = JSON.parse(readFileSync(new URL("../fixtures/mixtures.json", import.meta.url), "utf8")) as {
	betaBinomial: { successes: number; trials: number; mean: number; tunedTrials: number; expected: number }[];
};

describe("betaBinomialLogEValue", () => {
	it.each(betaBinomial)("agrees with 60 digits: $successes of $trials against $mean", (reference) => {
		const { successes, trials, mean, tunedTrials, expected } = reference;
		const logEValue = betaBinomialLogEValue(successes, trials, { mean, tunedTrials });
		expect(Math.abs(logEValue - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)));
	});

	it.each([1, 2] as const)("gives cs-beta-binomial with %d side(s)", (sides) => {
		const { inputs, expected, tolerance } = statOracle("cs-beta-binomial");
		const { v_opt, g, h, s, v, alpha } = inputs;
		// confseq's terms: increments are −g or h with mean 0, intrinsic variance g·h each.
		const trials = v / (g * h);
		const design = { mean: g / (g + h), tunedTrials: v_opt / (g * h), sides };
		const logEValue = (sum: number) => betaBinomialLogEValue((sum + v / h) / (g + h), trials, design);
		const published = sides === 1 ? expected.one_sided : expected.two_sided;
		expect(Math.abs(logEValue(s) - published.log_mixture)).toBeLessThan(tolerance);
		const bound = monotoneRoot((sum) => logEValue(sum) + Math.log(alpha), 0, 100);
		expect(Math.abs(bound - published.bound)).toBeLessThan(tolerance);
	});

	it("averages 1 over the binomial distribution: a likelihood ratio", () => {
		fc.assert(
			fc.property(
				fc.double({ min: 0.05, max: 0.95, noNaN: true }),
				fc.integer({ min: 1, max: 30 }),
				fc.constantFrom(1 as const, 2 as const),
				(mean, trials, sides) => {
					let [average, probability] = [0, (1 - mean) ** trials];
					for (let successes = 0; successes <= trials; successes++) {
						average +=
							probability * Math.exp(betaBinomialLogEValue(successes, trials, { mean, tunedTrials: 20, sides }));
						probability *= ((trials - successes) / (successes + 1)) * (mean / (1 - mean));
					}
					expect(average).toBeCloseTo(1, 9);
				},
			),
		);
	});

	it.each([
		[0.5, 1e-3],
		[5, 1e-3],
		[40, tuneMixture(0.05, 40) - 1],
	])("starts, tuned for %d trials, from a Beta prior of strength %d", (tunedTrials, strength) => {
		const design = { mean: 0.3, tunedTrials };
		expect(betaBinomialLogEValue(1, 1, design)).toBeCloseTo(0, 12);
		// E θ² / p² for θ ~ Beta(k·p, k·(1 − p)).
		expect(betaBinomialLogEValue(2, 2, design)).toBeCloseTo(Math.log((0.3 * strength + 1) / (strength + 1) / 0.3), 9);
	});

	it("mirrors", () => {
		const design = { mean: 0.3, tunedTrials: 40 };
		expect(betaBinomialLogEValue(12, 50, design)).toBeCloseTo(
			betaBinomialLogEValue(38, 50, { ...design, mean: 0.7 }),
			10,
		);
	});

	it("keeps its error rate for values between 0 and 1", () => {
		const streams = 1000;
		let rejected = 0;
		for (let seed = 0; seed < streams; seed++) {
			const random = seededRandom(8000 + seed);
			let sum = 0;
			for (let n = 1; n <= 200; n++) {
				sum += random.bernoulli(0.1) ? 0.5 + random.uniform() / 2 : 0.1;
				if (betaBinomialLogEValue(sum, n, { mean: 0.165, tunedTrials: 50 }) >= -Math.log(0.05)) {
					rejected++;
					break;
				}
			}
		}
		expect(rejected / streams).toBeLessThan(0.05);
	});

	it.each([
		["INVALID_SHARE", 1, 2, { mean: 0, tunedTrials: 5 }],
		["INVALID_COUNT", 3, 2, { mean: 0.5, tunedTrials: 5 }],
		["INVALID_COUNT", Number.NaN, 2, { mean: 0.5, tunedTrials: 5 }],
		["INVALID_COUNT", 0, -1, { mean: 0.5, tunedTrials: 5 }],
		["INVALID_TUNING", 1, 2, { mean: 0.5, tunedTrials: 0 }],
		["INVALID_ALPHA", 1, 2, { mean: 0.5, tunedTrials: 5, tunedAlpha: 2 }],
		["INVALID_SIDES", 1, 2, { mean: 0.5, tunedTrials: 5, sides: 0 as 1 }],
	])("refuses %s", (code, successes, trials, design) => {
		expect(() => betaBinomialLogEValue(successes, trials, design)).toThrow(expect.objectContaining({ code }));
	});
});
