import { describe, expect, it } from "vitest";
import { type GridQuantileEvidence, gridQuantileEstimate } from "./grid-quantile-estimate.ts";
import { quantileEstimate } from "./quantile-estimate.ts";
import { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
import { estimated } from "./test-support/estimated.ts";
import { latencies, quantileEvidenceOf } from "./test-support/quantile-evidence-of.ts";
import { bernoulliSums, exact, ratioSumsOf } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

/** From 1 ms to 100 s, 2 % apart. */
const GRID = Array.from({ length: 583 }, (_, step) => 1.02 ** step);

function gridEvidenceOf(units: readonly (readonly number[])[], grid: readonly number[] = GRID) {
	const below = grid.map((value) =>
		ratioSumsOf(units.map((calls) => [calls.filter((call) => call <= value).length, calls.length])),
	);
	return { grid, below } satisfies GridQuantileEvidence;
}

describe("gridQuantileEstimate", () => {
	it.each([0.5, 0.95])("agrees with the order statistics at %d", (level) => {
		const data = latencies(seededRandom(12), 1500, 0.3, () => 5);
		const onGrid = estimated(gridQuantileEstimate(gridEvidenceOf(data), level));
		const sorted = estimated(quantileEstimate(quantileEvidenceOf(data, level), level));
		expect(Math.abs(Math.log(onGrid.value / sorted.value))).toBeLessThan(0.01);
		expect(onGrid.designEffect / sorted.designEffect).toBeCloseTo(1, 1);
		expect(Math.sqrt(onGrid.logVariance / sorted.logVariance)).toBeGreaterThan(0.8);
		expect(Math.sqrt(onGrid.logVariance / sorted.logVariance)).toBeLessThan(1.2);
		expect(onGrid.variance).toBeCloseTo(onGrid.value ** 2 * onGrid.logVariance, 8);
		expect(onGrid).toMatchObject({ units: 1500, observations: 7500 });
	});

	it("interpolates on the log scale", () => {
		// Ten of a hundred at 1.5, eighty at 3, ten at 6; one observation a unit.
		const units = [...Array(10).fill([1.5]), ...Array(80).fill([3]), ...Array(10).fill([6])];
		const { value, logVariance, designEffect } = estimated(
			gridQuantileEstimate(gridEvidenceOf(units, [1, 2, 4, 8]), 0.5),
		);
		expect(value).toBeCloseTo(2 * Math.SQRT2, 12);
		// Nothing depends on grid values beyond the neighbouring ones.
		expect(estimated(gridQuantileEstimate(gridEvidenceOf(units, [2, 4]), 0.5)).value).toBe(value);
		// Unclustered, but for K/(K−1); F̂ rises by 0.8 over a doubling.
		expect(designEffect).toBeCloseTo(100 / 99, 12);
		expect(logVariance).toBeCloseTo((Math.LN2 * (0.05 / 0.8)) ** 2 * (100 / 99), 12);
	});

	it("has the design effect of the neighbour that has one, where all or none is at or below the other", () => {
		// Both observations of a unit are the same: twice the variance of independent ones, but for K/(K−1).
		const units = [...Array(60).fill([1.5, 1.5]), ...Array(40).fill([3, 3])];
		for (const [level, grid] of [
			[0.5, [1, 2, 4]],
			[0.8, [1, 2, 4]],
			[0.5, [1, 2]],
		] as const) {
			const { designEffect } = estimated(gridQuantileEstimate(gridEvidenceOf(units, grid), level));
			expect(designEffect).toBeCloseTo((2 * 100) / 99, 12);
		}
		expect(gridQuantileEstimate(gridEvidenceOf(units, [1, 4]), 0.5)).toMatchObject({ reason: "outside-grid" });
	});

	it("interpolates the design effect between grid values", () => {
		// At or below 2: units wholly; at or below 4: one observation of half of the units that are left.
		const units = [...Array(40).fill([1.5, 1.5]), ...Array(40).fill([3, 6]), ...Array(20).fill([6, 6])];
		const { designEffect } = estimated(gridQuantileEstimate(gridEvidenceOf(units, [1, 2, 4, 8]), 0.5));
		// F̂ = .4 and .6; squared deviations of unit sums from 2F̂, over those of independent observations.
		const at2 = (40 * 1.2 ** 2 + 60 * 0.8 ** 2) / 99 / (2 * 0.4 * 0.6);
		const at4 = (40 * 0.8 ** 2 + 40 * 0.2 ** 2 + 20 * 1.2 ** 2) / 99 / (2 * 0.6 * 0.4);
		expect(designEffect).toBeCloseTo((at2 + at4) / 2, 12);
	});

	it("adds up over parts in any order, as numbers and as integers", () => {
		const data = latencies(seededRandom(13), 300, 0.3, () => 4);
		const grid = GRID.filter((_, step) => step % 10 === 0);
		const [first, second] = [gridEvidenceOf(data.slice(0, 90), grid), gridEvidenceOf(data.slice(90), grid)];
		const merged = grid.map((_, value) =>
			mergeRatioSums(second.below[value]! as RatioSums<number>, first.below[value]! as RatioSums<number>),
		);
		const whole = gridQuantileEstimate(gridEvidenceOf(data, grid), 0.9);
		expect(gridQuantileEstimate({ grid, below: merged }, 0.9)).toEqual(whole);
		expect(gridQuantileEstimate({ grid, below: merged.map(exact) }, 0.9)).toEqual(whole);
	});

	it("covers the true quantile as often as it says, when users come back", () => {
		const grid = GRID.filter((value) => value > 20 && value < 3000);
		const truth = Math.exp(5 + 1.2815516);
		const runs = 150;
		let covered = 0;
		for (let run = 0; run < runs; run++) {
			const random = seededRandom(90_000 + run);
			const data = latencies(random, 100, 0.5, () => 1 + random.integer(9));
			const { value, logVariance } = estimated(gridQuantileEstimate(gridEvidenceOf(data, grid), 0.9));
			if (Math.abs(Math.log(value / truth)) < 1.96 * Math.sqrt(logVariance)) covered++;
		}
		expect(covered / runs).toBeGreaterThan(0.88);
		expect(covered / runs).toBeLessThan(0.995);
	});

	const data = latencies(seededRandom(14), 200, 0.3, () => 4);
	const wide = gridEvidenceOf(data, [1, 50, 100, 150, 200, 400, 800, 1e5]);

	it.each([
		["outside-grid", gridEvidenceOf(data, [200, 400]), 0.5],
		["outside-grid", gridEvidenceOf(data, [1, 1e9]), 0.5],
		["outside-grid", gridEvidenceOf(data, [1, 50, 100]), 0.9],
		// The quantile is on the grid, but its interval reaches below or above.
		["outside-grid", gridEvidenceOf(data, [149, 400, 1e5]), 0.5],
		["outside-grid", gridEvidenceOf(data, [1, 50, 149]), 0.5],
		// Two neighbouring doubles: the logarithms of what lies between them are the same.
		[
			"no-variation",
			{ grid: [100, 100 * (1 + Number.EPSILON)], below: [bernoulliSums(1000, 100), bernoulliSums(1000, 900)] },
			0.5,
		],
		["non-finite", { ...wide, grid: wide.grid.map((value) => value * 1e200) }, 0.5],
		["too-few-observations", wide, 0.99],
		["too-few-units", gridEvidenceOf([Array(100).fill(3)], [1, 2, 4]), 0.5],
		["impossible-sums", { grid: wide.grid, below: [...wide.below].reverse() }, 0.5],
		["impossible-sums", { grid: [1, 2], below: [wide.below[0]!, gridEvidenceOf(data.slice(1), [50]).below[0]!] }, 0.5],
		["impossible-sums", { grid: [1, 2], below: [wide.below[0]!, { ...wide.below[5]!, units: 199 }] }, 0.5],
		["impossible-sums", { grid: [1, 2], below: [wide.below[0]!, { ...wide.below[5]!, sumN: 801 }] }, 0.5],
		["impossible-sums", { grid: [1, 2], below: [wide.below[0]!, { ...wide.below[7]!, sumY: 801 }] }, 0.5],
		["non-finite", { grid: [1, 2], below: [wide.below[0]!, { ...wide.below[1]!, sumY: Number.NaN }] }, 0.5],
	])("is not estimable: %s", (reason, evidence, level) => {
		expect(gridQuantileEstimate(evidence, level)).toMatchObject({ kind: "not-estimable", reason });
	});

	it.each([
		["INVALID_GRID", { grid: [1], below: [wide.below[0]!] }, 0.5],
		["INVALID_GRID", { ...wide, grid: [1, 2] }, 0.5],
		["INVALID_GRID", { grid: [2, 2], below: wide.below.slice(0, 2) }, 0.5],
		["INVALID_GRID", { grid: [0, 2], below: wide.below.slice(0, 2) }, 0.5],
		["INVALID_LEVEL", wide, 1],
	])("refuses what makes no sense: %s", (code, evidence, level) => {
		expect(() => gridQuantileEstimate(evidence, level)).toThrow(expect.objectContaining({ code }));
	});
});
