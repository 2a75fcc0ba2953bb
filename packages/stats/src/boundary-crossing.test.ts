import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundaryCrossing, naivePeekingErrorRate } from "./boundary-crossing.ts";
import { monotoneRoot } from "./monotone-root.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { crossings } = JSON.parse(
	readFileSync(new URL("../fixtures/group-sequential.json", import.meta.url), "utf8"),
) as {
	crossings: {
		information: number[];
		lower: (number | null)[];
		upper: number[];
		drift: number;
		expected: { above: number[]; below: number[] };
	}[];
};

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

describe("boundaryCrossing", () => {
	it.each(crossings)("agrees with quadrature of the score process: $information", (reference) => {
		const looks = reference.information.map((information, look) => ({
			information,
			lower: reference.lower[look] ?? Number.NEGATIVE_INFINITY,
			upper: reference.upper[look]!,
		}));
		const { upper, lower } = boundaryCrossing(looks, reference.drift);
		upper.forEach((probability, look) => {
			expect(Math.abs(probability - reference.expected.above[look]!)).toBeLessThan(2e-8);
		});
		lower.forEach((probability, look) => {
			expect(Math.abs(probability - reference.expected.below[look]!)).toBeLessThan(2e-8);
		});
	});

	it("gives the bounds of gsd-obf-bounds: classical O'Brien–Fleming", () => {
		const { inputs, expected, tolerance } = statOracle("gsd-obf-bounds");
		const design = (count: number, beta: number) => {
			const looks = (scale: number) =>
				Array.from({ length: count }, (_, look) => {
					const bound = scale * Math.sqrt(count / (look + 1));
					return { information: (look + 1) / count, lower: -bound, upper: bound };
				});
			const scale = monotoneRoot((tried) => 2 * total(boundaryCrossing(looks(tried), 0).upper) - 0.05, 1.9, 2.5);
			const drift = monotoneRoot((tried) => total(boundaryCrossing(looks(scale), tried).upper) - (1 - beta), 1, 6);
			const fixedDrift = 1.959963984540054 + (beta === 0.2 ? 0.8416212335729143 : 1.2815515655446004);
			const maximum = (drift / fixedDrift) ** 2;
			const { upper, lower } = boundaryCrossing(looks(scale), 0);
			const saved = total(upper.map((probability, look) => (probability + lower[look]!) * (1 - (look + 1) / count)));
			return {
				bounds: looks(scale).map(({ upper: bound }) => bound),
				max_n_pct: 100 * maximum,
				EN_H0_pct: 100 * maximum * (1 - saved),
			};
		};
		design(4, inputs.k4.beta).bounds.forEach((bound, look) => {
			expect(Math.abs(bound - expected.k4_bounds[look])).toBeLessThanOrEqual(tolerance.bounds);
		});
		for (const [count, beta, published] of [
			[5, inputs.k5.beta, expected.k5],
			[20, inputs.k20.beta, expected.k20],
		]) {
			const { max_n_pct, EN_H0_pct } = design(count, beta);
			expect(Math.abs(max_n_pct - published.max_n_pct)).toBeLessThanOrEqual(tolerance.pct);
			expect(Math.abs(EN_H0_pct - published.EN_H0_pct)).toBeLessThanOrEqual(tolerance.pct);
		}
	});

	it("has probabilities that sum to at most 1, and mirrors with the drift", () => {
		const bound = fc.double({ min: 0.1, max: 5, noNaN: true });
		const look = fc.tuple(fc.double({ min: 0.001, max: 1, noNaN: true }), bound, bound);
		fc.assert(
			fc.property(
				fc.array(look, { minLength: 1, maxLength: 8 }),
				fc.double({ min: -3, max: 3, noNaN: true }),
				(steps, drift) => {
					let information = 0;
					const looks = steps.map(([step, lower, upper]) => {
						information += step;
						return { information, lower: -lower, upper };
					});
					const there = boundaryCrossing(looks, drift);
					const back = boundaryCrossing(
						looks.map((each) => ({ ...each, lower: -each.upper, upper: -each.lower })),
						-drift,
					);
					expect(total(there.upper) + total(there.lower)).toBeLessThanOrEqual(1 + 1e-9);
					there.upper.forEach((probability, index) => {
						expect(probability).toBeCloseTo(back.lower[index]!, 10);
					});
				},
			),
			{ numRuns: 60 },
		);
	});

	it("loses nothing over a thousand looks", () => {
		const looks = Array.from({ length: 1000 }, (_, look) => ({
			information: (look + 1) / 1000,
			lower: -1,
			upper: look === 999 ? -1 : 8,
		}));
		const { upper, lower } = boundaryCrossing(looks, 0.5);
		expect(total(upper) + total(lower)).toBeCloseTo(1, 7);
	});

	it("is what a simulation sees", () => {
		const looks = [0.3, 0.5, 1].map((information) => ({ information, lower: -1, upper: 1.8 }));
		const random = seededRandom(77);
		const stops = [0, 0, 0];
		const streams = 40_000;
		for (let stream = 0; stream < streams; stream++) {
			let [score, before] = [0, 0];
			for (const [index, { information, lower, upper }] of looks.entries()) {
				score += 1.2 * (information - before) + Math.sqrt(information - before) * random.normal();
				before = information;
				const z = score / Math.sqrt(information);
				if (z > upper) stops[index] = stops[index]! + 1;
				if (z > upper || z < lower) break;
			}
		}
		boundaryCrossing(looks, 1.2).upper.forEach((probability, look) => {
			// Four standard errors.
			expect(Math.abs(stops[look]! / streams - probability)).toBeLessThan(0.008);
		});
	});

	it.each([
		["INVALID_INFORMATION", [{ information: 0, lower: -1, upper: 1 }], 0],
		[
			"INVALID_INFORMATION",
			[
				{ information: 1, lower: -1, upper: 1 },
				{ information: 1, lower: -1, upper: 1 },
			],
			0,
		],
		["INVALID_BOUNDS", [{ information: 1, lower: 2, upper: 1 }], 0],
		["INVALID_BOUNDS", [{ information: 1, lower: Number.NaN, upper: 1 }], 0],
		["INVALID_STATISTIC", [{ information: 1, lower: -1, upper: 1 }], Number.NaN],
	])("refuses %s", (code, looks, drift) => {
		expect(() => boundaryCrossing(looks, drift)).toThrow(expect.objectContaining({ code }));
	});
});

describe("naivePeekingErrorRate", () => {
	it("gives gsd-naive-peeking", () => {
		const { inputs, expected, tolerance } = statOracle("gsd-naive-peeking");
		inputs.k.forEach((looks: number, index: number) => {
			const rate = naivePeekingErrorRate(looks, 0.05);
			expect(Math.abs(rate / 2 - expected.upper_crossing[index])).toBeLessThanOrEqual(tolerance);
			expect(Math.abs(rate - expected.two_sided_recomputed[index])).toBeLessThanOrEqual(tolerance);
		});
	});

	it("is alpha for a single look and rises with every other", () => {
		const rates = [1, 2, 3, 10, 100].map((looks) => naivePeekingErrorRate(looks, 0.05));
		expect(rates[0]).toBeCloseTo(0.05, 12);
		expect(rates).toEqual(rates.toSorted((a, b) => a - b));
		expect(rates[4]).toBeCloseTo(0.374, 3);
	});

	it.each([0, 1.5, 1001, Number.NaN])("refuses %d looks", (looks) => {
		expect(() => naivePeekingErrorRate(looks, 0.05)).toThrow(expect.objectContaining({ code: "INVALID_LOOKS" }));
	});
});
