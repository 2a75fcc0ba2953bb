import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type GammaExponentialDesign, gammaExponentialLogEValue, tuneMixture } from "./gamma-exponential-mixture.ts";
import { monotoneRoot } from "./monotone-root.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { gammaExponential } = JSON.parse(
	readFileSync(new URL("../fixtures/mixtures.json", import.meta.url), "utf8"),
) as {
	gammaExponential: { sum: number; variance: number; rho: number; scale: number; expected: number }[];
};

describe("gammaExponentialLogEValue", () => {
	it.each(gammaExponential)("agrees with 60 digits: sum $sum, variance $variance", (reference) => {
		const { sum, variance, rho, scale, expected } = reference;
		const logEValue = gammaExponentialLogEValue(sum, variance, { rho, scale });
		expect(Math.abs(logEValue - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)));
	});

	it("gives cs-gamma-exponential", () => {
		const { inputs, expected, tolerance } = statOracle("cs-gamma-exponential");
		const { v_opt, c, s, v, alpha } = inputs;
		const design: GammaExponentialDesign = { rho: tuneMixture(2 * alpha, v_opt), scale: c };
		expect(Math.abs(gammaExponentialLogEValue(s, v, design) - expected.log_mixture)).toBeLessThan(tolerance);
		const bound = monotoneRoot((sum) => gammaExponentialLogEValue(sum, v, design) + Math.log(alpha), 0, 1000);
		expect(Math.abs(bound - expected.bound)).toBeLessThan(tolerance);
	});

	it("tunes as cs-normal-mixture-two-sided does", () => {
		const { inputs, expected } = statOracle("cs-normal-mixture-two-sided");
		expect(tuneMixture(inputs.alpha_opt, inputs.v_opt)).toBeCloseTo(expected.best_rho, 5);
	});

	it("starts at 0 and rises with the sum", () => {
		const positive = fc.double({ min: 0.01, max: 1e4, noNaN: true });
		fc.assert(
			fc.property(positive, positive, fc.integer({ min: -100, max: 1000 }), (rho, scale, sum) => {
				const design = { rho, scale };
				expect(gammaExponentialLogEValue(0, 0, design)).toBeCloseTo(0, 9);
				expect(gammaExponentialLogEValue(sum + 1, 100, design)).toBeGreaterThanOrEqual(
					gammaExponentialLogEValue(sum, 100, design) - 1e-7,
				);
			}),
		);
	});

	it("is continuous where its integral begins to fall", () => {
		// scale·sum + variance + ρ = 0
		const [at, above] = [-3, -3 + 1e-9].map((sum) => gammaExponentialLogEValue(sum, 1, { rho: 2, scale: 1 }));
		expect(at).toBeCloseTo(above!, 8);
	});

	it("is continuous where its two computations meet, and finite far below", () => {
		const design = { rho: 10, scale: 1 };
		// shape = 110, x = sum + 110: they meet at x = 111.
		const around = [0.999, 1.001].map((sum) => gammaExponentialLogEValue(sum, 100, design));
		expect(Math.abs(around[1]! - around[0]!)).toBeLessThan(2e-3);
		expect(Number.isFinite(gammaExponentialLogEValue(-1e6, 100, design))).toBe(true);
		expect(gammaExponentialLogEValue(-1e6, 100, design)).toBeLessThan(0);
	});

	it("keeps its error rate for bounded, skewed data, and finds a mean that is too large", () => {
		const rejections = (hypothesis: number, streams: number) => {
			let rejected = 0;
			for (let seed = 0; seed < streams; seed++) {
				const random = seededRandom(3000 + seed);
				let [sum, variance, total] = [0, 0, 0];
				for (let n = 0; n < 200; n++) {
					// Mean 1/5, between 0 and 1.
					const value = random.uniform() ** 4;
					variance += (value - (n === 0 ? 0 : total / n)) ** 2;
					total += value;
					sum += value - hypothesis;
					if (gammaExponentialLogEValue(sum, variance, { rho: tuneMixture(0.1, 10), scale: 1 }) >= -Math.log(0.05)) {
						rejected++;
						break;
					}
				}
			}
			return rejected / streams;
		};
		expect(rejections(0.2, 1000)).toBeLessThan(0.05);
		expect(rejections(0.1, 100)).toBeGreaterThan(0.8);
	});

	it.each([
		["INVALID_STATISTIC", Number.NaN, 1, { rho: 1, scale: 1 }],
		["INVALID_STATISTIC", 1, -1, { rho: 1, scale: 1 }],
		["INVALID_TUNING", 1, 1, { rho: 0, scale: 1 }],
		["INVALID_TUNING", 1, 1, { rho: 1, scale: Number.POSITIVE_INFINITY }],
	])("refuses %s", (code, sum, variance, design) => {
		expect(() => gammaExponentialLogEValue(sum, variance, design)).toThrow(expect.objectContaining({ code }));
	});

	it("refuses a tuning without a level or a variance", () => {
		expect(() => tuneMixture(1, 10)).toThrow(expect.objectContaining({ code: "INVALID_ALPHA" }));
		expect(() => tuneMixture(0.05, 0)).toThrow(expect.objectContaining({ code: "INVALID_TUNING" }));
	});
});
