import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bernoulliConfidenceSequence } from "./bernoulli-confidence-sequence.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

function interval(successes: number, trials: number, alpha = 0.05, tunedTrials = 50) {
	const result = bernoulliConfidenceSequence({ successes, trials, alpha, tunedTrials });
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

const counts = fc
	.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 500 }))
	.map(([successes, more]) => [successes, successes + more] as const);
const level = fc.double({ min: 1e-6, max: 0.5, noNaN: true });

describe("bernoulliConfidenceSequence", () => {
	it("gives cs-bernoulli-cs", () => {
		const { inputs, expected, tolerance } = statOracle("cs-bernoulli-cs");
		inputs.rows.forEach(([successes, trials, alpha, tuned]: number[], row: number) => {
			const { lower, upper } = interval(successes!, trials!, alpha!, tuned!);
			expect(Math.abs(lower - expected[row][0])).toBeLessThan(tolerance);
			expect(Math.abs(upper - expected[row][1])).toBeLessThan(tolerance);
		});
	});

	it("contains its value, mirrors, and never widens with alpha", () => {
		fc.assert(
			fc.property(counts, level, level, ([successes, trials], one, other) => {
				const strict = interval(successes, trials, Math.min(one, other));
				const lenient = interval(successes, trials, Math.max(one, other));
				expect(strict.lower).toBeLessThanOrEqual(lenient.lower + 1e-9);
				expect(strict.upper).toBeGreaterThanOrEqual(lenient.upper - 1e-9);
				expect(lenient.lower).toBeLessThanOrEqual(lenient.value);
				expect(lenient.upper).toBeGreaterThanOrEqual(lenient.value);
				expect(interval(trials - successes, trials, Math.min(one, other)).lower).toBeCloseTo(1 - strict.upper, 8);
			}),
			{ numRuns: 60 },
		);
	});

	it("has an upper bound below 1 after many failures and none after few", () => {
		expect(interval(0, 1000)).toMatchObject({ value: 0, lower: 0 });
		expect(interval(0, 1000).upper).toBeLessThan(0.02);
		expect(interval(1000, 1000)).toMatchObject({ upper: 1 });
	});

	it("is not estimable without a trial", () => {
		expect(bernoulliConfidenceSequence({ successes: 0, trials: 0, alpha: 0.05, tunedTrials: 5 })).toMatchObject({
			reason: "no-observations",
		});
	});

	it.each([
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_COUNT", { successes: 11 }],
		["INVALID_COUNT", { trials: Number.NaN }],
		["INVALID_TUNING", { tunedTrials: -1 }],
	])("refuses %s %j", (code, change) => {
		const valid = { successes: 1, trials: 10, alpha: 0.05, tunedTrials: 5 };
		expect(() => bernoulliConfidenceSequence({ ...valid, ...change })).toThrow(expect.objectContaining({ code }));
	});
});
