import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { empiricalBernsteinConfidenceSequence } from "./empirical-bernstein-confidence-sequence.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const golden = Array.from({ length: 200 }, (_, i) => ((i + 1) * ((Math.sqrt(5) - 1) / 2)) % 1);

function interval(observations: readonly number[], alpha = 0.05) {
	const result = empiricalBernsteinConfidenceSequence(observations, alpha);
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

describe("empiricalBernsteinConfidenceSequence", () => {
	it("gives cs-empirical-bernstein-ref", () => {
		const { inputs, expected, tolerance } = statOracle("cs-empirical-bernstein-ref");
		for (const [at, [lower, upper]] of Object.entries(expected) as [string, [number, number]][]) {
			const got = interval(golden.slice(0, Number(at.slice(1))), inputs.alpha);
			expect(Math.abs(got.lower - lower)).toBeLessThan(tolerance);
			expect(Math.abs(got.upper - upper)).toBeLessThan(tolerance);
		}
	});

	it("mirrors, lies in [0, 1], and never widens with alpha", () => {
		const values = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 });
		const level = fc.double({ min: 1e-6, max: 0.5, noNaN: true });
		fc.assert(
			fc.property(values, level, (observations, alpha) => {
				const plain = interval(observations, alpha);
				const mirrored = interval(
					observations.map((value) => 1 - value),
					alpha,
				);
				expect(mirrored.lower).toBeCloseTo(1 - plain.upper, 10);
				expect(mirrored.value).toBeCloseTo(1 - plain.value, 10);
				expect(plain.lower).toBeGreaterThanOrEqual(0);
				expect(plain.upper).toBeLessThanOrEqual(1);
			}),
		);
		expect(interval(golden, 0.2).lower).toBeGreaterThan(interval(golden, 0.01).lower);
	});

	it("covers rare values, always", () => {
		const streams = 400;
		let missed = 0;
		for (let seed = 0; seed < streams; seed++) {
			const random = seededRandom(100 + seed);
			const observations: number[] = [];
			for (let n = 1; n <= 120; n++) {
				observations.push(random.bernoulli(0.95) ? 1 : 0);
				const { lower, upper } = interval(observations);
				if (lower > 0.95 || upper < 0.95) {
					missed++;
					break;
				}
			}
		}
		expect(missed / streams).toBeLessThan(0.05);
	});

	it.each([
		["no-observations", []],
		["out-of-range", [0.5, 1.01]],
		["out-of-range", [-0.01]],
		["out-of-range", [Number.NaN]],
	])("is not estimable: %s", (reason, observations) => {
		expect(empiricalBernsteinConfidenceSequence(observations, 0.05)).toMatchObject({ kind: "not-estimable", reason });
	});

	it("refuses an alpha that is none", () => {
		expect(() => empiricalBernsteinConfidenceSequence([1], 0)).toThrow(
			expect.objectContaining({ code: "INVALID_ALPHA" }),
		);
	});
});
