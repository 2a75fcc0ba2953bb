import { describe, expect, it } from "vitest";
import { tuneRhoSquared, twoSidedLogEValue } from "./asymptotic-confidence-sequence.ts";
import { betaBinomialLogEValue } from "./beta-binomial-mixture.ts";
import {
	type DistributionFreeQuantileTestOptions,
	distributionFreeQuantileTest,
} from "./distribution-free-quantile-test.ts";
import { latencies } from "./test-support/quantile-evidence-of.ts";
import { bernoulliSums, ratioSumsOf } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const counts = (units: number, below: readonly number[]) => below.map((each) => bernoulliSums(units, each));
const design = { level: 0.5, alpha: 0.05, plannedUnitsPerArm: 400 };

function tested(options: Omit<DistributionFreeQuantileTestOptions, keyof typeof design>, change = {}) {
	const result = distributionFreeQuantileTest({ ...design, ...options, ...change });
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

const againstHalf = (below: number) => betaBinomialLogEValue(below, 200, { mean: 0.5, tunedTrials: 200 });

describe("distributionFreeQuantileTest", () => {
	it("takes the common value that both arms contradict least", () => {
		// Medians beyond the second and before the first grid value: every x between is contradicted by both or one.
		const control = counts(200, [20, 60, 180]);
		const treatment = counts(200, [130, 160, 190]);
		const { logEValue, basis } = tested({ control, treatment });
		expect(basis).toBe("exact");
		const least = againstHalf(100);
		// Gaps: below the first, first to second, second to third, above the third.
		const gaps = [
			againstHalf(20) + least,
			Math.min(againstHalf(20), againstHalf(60)) + Math.min(againstHalf(130), againstHalf(160)),
			least + Math.min(againstHalf(160), againstHalf(190)),
			againstHalf(180) + againstHalf(190),
		];
		expect(logEValue).toBeCloseTo(Math.min(...gaps), 10);
	});

	it("has no evidence for equal arms, and much for arms whose grids do not meet", () => {
		const control = counts(200, [20, 100, 180]);
		expect(tested({ control, treatment: control }).pValue).toBe(1);
		const early = counts(200, [180, 190, 195, 199]);
		const late = counts(200, [1, 5, 10, 20]);
		expect(tested({ control: early, treatment: late }).pValue).toBeLessThan(1e-6);
		expect(tested({ control: late, treatment: early }).logEValue).toBeCloseTo(
			tested({ control: early, treatment: late }).logEValue,
			12,
		);
	});

	it("loses evidence, never gains it, on a coarser grid", () => {
		const fine = { control: counts(300, [30, 90, 150, 270]), treatment: counts(300, [150, 210, 260, 290]) };
		const coarse = { control: counts(300, [30, 270]), treatment: counts(300, [150, 290]) };
		expect(tested(coarse).logEValue).toBeLessThanOrEqual(tested(fine).logEValue);
	});

	it("counts an arm that is all on one side as if one observation were not", () => {
		const twice = (units: number, below: number) => ({
			...bernoulliSums(units, below),
			sumN: 2 * units,
			sumNN: 4 * units,
			sumY: 2 * below,
			sumYY: 4 * below,
			sumYN: 4 * below,
		});
		const { logEValue, basis } = tested({ control: [twice(400, 0)], treatment: [twice(400, 400)] });
		expect(basis).toBe("clustered");
		const rhoSquared = tuneRhoSquared(0.05, 200);
		// All of control is above the grid value and all of treatment below: whatever x is common, one of them is as far
		// from the level as can be, and the other may be at it.
		const far = twoSidedLogEValue(0.5 / Math.sqrt(0.25 / 400), 400, rhoSquared);
		expect(logEValue).toBeCloseTo(far + twoSidedLogEValue(0, 400, rhoSquared), 10);
		expect(distributionFreeQuantileTest({ ...design, control: [twice(50, 0)], treatment: [twice(50, 50)] }).kind).toBe(
			"estimated",
		);
	});

	it.each([
		["exact", bernoulliSums(100, 40)],
		["clustered", { ...bernoulliSums(100, 40), sumNN: 200 }],
		["clustered", { ...bernoulliSums(100, 40), sumN: 90 }],
	])("is %s when and only when every unit has one observation", (basis, sums) => {
		const control = [sums];
		expect(tested({ control, treatment: control }).basis).toBe(basis);
		expect(tested({ control, treatment: counts(100, [40]) }).basis).toBe(basis);
		expect(tested({ control: counts(100, [40]), treatment: control }).basis).toBe(basis);
	});

	it("works on clustered sums", () => {
		const grid = [100, 150, 200, 300];
		const below = (units: readonly (readonly number[])[]) =>
			grid.map((value) => ratioSumsOf(units.map((calls) => [calls.filter((ms) => ms <= value).length, calls.length])));
		let [rejected, seen] = [0, 0];
		for (let stream = 0; stream < 60; stream++) {
			const random = seededRandom(900 + stream);
			const arm = (factor: number) =>
				latencies(random, 400, 0.3, () => 5).map((calls) => calls.map((ms) => factor * ms));
			const [control, same, slower] = [arm(1), arm(1), arm(1.6)];
			const compare = (treatment: typeof control, units: number) => {
				const result = tested({ control: below(control.slice(0, units)), treatment: below(treatment.slice(0, units)) });
				expect(result.basis).toBe("clustered");
				return result.pValue <= 0.05;
			};
			if ([100, 200, 300, 400].some((units) => compare(same, units))) rejected++;
			if ([100, 200, 300, 400].some((units) => compare(slower, units))) seen++;
		}
		expect(rejected).toBeLessThanOrEqual(2);
		expect(seen).toBeGreaterThan(40);
	});

	it.each([
		["too-few-units", [{ ...bernoulliSums(40, 3), sumN: 80, sumNN: 160 }]],
		["impossible-sums", counts(200, [50, 20])],
		["impossible-sums", [bernoulliSums(200, 20), bernoulliSums(300, 50)]],
		["impossible-sums", [bernoulliSums(200, -1)]],
		["impossible-sums", [{ ...bernoulliSums(200, 201), sumYY: 203 }]],
		["non-finite", [{ ...bernoulliSums(200, 1), sumY: Number.NaN }]],
	])("is not estimable: %s", (reason, control) => {
		const treatment = counts(
			200,
			control.map(() => 100),
		);
		expect(distributionFreeQuantileTest({ ...design, control, treatment })).toMatchObject({ reason });
		expect(distributionFreeQuantileTest({ ...design, control: treatment, treatment: control })).toMatchObject({
			reason,
		});
	});

	it.each([
		["INVALID_LEVEL", { level: 1 }],
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_PLANNED_UNITS", { plannedUnitsPerArm: 0 }],
		["INVALID_GRID", { control: [] }],
		["INVALID_GRID", { control: counts(200, [1]) }],
	])("refuses %s", (code, change) => {
		const sums = { control: counts(200, [1, 2]), treatment: counts(200, [1, 2]) };
		expect(() => tested(sums, change)).toThrow(expect.objectContaining({ code }));
	});
});
