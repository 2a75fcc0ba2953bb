import { describe, expect, it } from "vitest";
import { compareRatios } from "./always-valid-comparison.ts";
import { anytimeValidTTest } from "./anytime-valid-t-test.ts";
import { bernoulliConfidenceSequence } from "./bernoulli-confidence-sequence.ts";
import { bestArmClaim } from "./best-arm-claim.ts";
import { bettingConfidenceSequence, bettingLogEValue } from "./betting-confidence-sequence.ts";
import { covariateSumsOfMean } from "./covariate-sums.ts";
import { adjustedArm } from "./cuped-contrast.ts";
import { designEffect } from "./design-effect.ts";
import { distributionFreeQuantileTest } from "./distribution-free-quantile-test.ts";
import { combineEValues } from "./e-value-ledger.ts";
import { empiricalBernsteinConfidenceSequence } from "./empirical-bernstein-confidence-sequence.ts";
import { equivalence } from "./equivalence.ts";
import { gridQuantileEstimate } from "./grid-quantile-estimate.ts";
import { intersectionUnion } from "./intersection-union.ts";
import { nonInferiority } from "./non-inferiority.ts";
import { notEstimable } from "./not-estimable.ts";
import { compareOneSided } from "./one-sided-comparison.ts";
import { postStratifiedArms } from "./post-stratification.ts";
import { proportionComparison } from "./proportion-comparison.ts";
import { proportionEstimate } from "./proportion-estimate.ts";
import { quantileComparison } from "./quantile-comparison.ts";
import { quantileEstimate } from "./quantile-estimate.ts";
import { relativeEffect } from "./relative-effect.ts";
import { restartingComparison } from "./restarting-comparison.ts";
import { sampleRatioMismatch } from "./sample-ratio-mismatch.ts";
import { compareProportionsSequentially } from "./sequential-proportion-comparison.ts";
import { compareQuantilesSequentially } from "./sequential-quantile-comparison.ts";
import { sequentialSampleRatioMismatch } from "./sequential-sample-ratio-mismatch.ts";
import { bernoulliSums } from "./test-support/ratio-sums-of.ts";
import { topTwoThompsonAllocation } from "./top-two-thompson-sampling.ts";
import { heuristicBestArmStop, trackAndStopAllocation } from "./track-and-stop.ts";
import { welchComparison } from "./welch-comparison.ts";

const sums = bernoulliSums(1000, 400);
const arm = { value: 4, variance: 1, units: 100 };
const watched = { alpha: 0.05, plannedUnits: 2000, plannedShare: 0.5 };
const history = { unitsWithHistory: 1000, sumYWithHistory: 400, sumX: 400, sumXX: 400, sumYX: 200 };
const covariates = covariateSumsOfMean({ units: 1000, sumY: 400, sumYY: 400, ...history });
const newcomers = { unitsWithHistory: 0, sumYWithHistory: 0, sumX: 0, sumXX: 0, sumYX: 0 };
const moments = [
	{ units: 100, mean: 1, variance: 1 },
	{ units: 100, mean: 2, variance: 1 },
];
const quantile = {
	kind: "estimated",
	value: 100,
	logVariance: 0.01,
	variance: 100,
	units: 1000,
	observations: 2000,
	designEffect: 1,
} as const;
const counts = { units: 400, successes: 100 };
const split = { a: 100, b: 110 };
const even = { a: 1, b: 1 };

/** Every result that a caller has to tell from "not estimable" by its `kind`. */
const ESTIMATED: readonly (readonly [string, () => { readonly kind: string }])[] = [
	["compareRatios", () => compareRatios({ control: sums, treatment: sums, ...watched })],
	["compareOneSided", () => compareOneSided({ control: sums, treatment: sums, direction: "increase", ...watched })],
	[
		"restartingComparison",
		() =>
			restartingComparison({
				starts: [{ start: 1, weight: 1, control: sums, treatment: sums }],
				direction: "increase",
				...watched,
			}),
	],
	[
		"compareProportionsSequentially",
		() => compareProportionsSequentially({ control: counts, treatment: counts, ...watched }),
	],
	[
		"compareQuantilesSequentially",
		() => compareQuantilesSequentially({ control: quantile, treatment: quantile, ...watched }),
	],
	[
		"anytimeValidTTest",
		() =>
			anytimeValidTTest({ value: 1, standardError: 1, observations: 99, coefficients: 2, alpha: 0.05, precision: 1 }),
	],
	[
		"bernoulliConfidenceSequence",
		() => bernoulliConfidenceSequence({ successes: 3, trials: 9, alpha: 0.05, tunedTrials: 9 }),
	],
	[
		"bestArmClaim",
		() => bestArmClaim({ epochs: [[sums, sums]], direction: "increase", alpha: 0.05, plannedUnits: 2000 }),
	],
	["bettingLogEValue", () => bettingLogEValue([0.5], 0.5, 0.05)],
	["bettingConfidenceSequence", () => bettingConfidenceSequence([0.5], 0.05)],
	["empiricalBernsteinConfidenceSequence", () => empiricalBernsteinConfidenceSequence([0.5], 0.05)],
	["adjustedArm", () => adjustedArm(covariates, "control", {})],
	[
		"adjustedArm without history",
		() => adjustedArm(covariateSumsOfMean({ units: 9, sumY: 4, sumYY: 4, ...newcomers }), "control", {}),
	],
	["designEffect", () => designEffect(sums, 500)],
	[
		"distributionFreeQuantileTest",
		() =>
			distributionFreeQuantileTest({
				control: [sums],
				treatment: [sums],
				level: 0.5,
				alpha: 0.05,
				plannedUnitsPerArm: 500,
			}),
	],
	["combineEValues", () => combineEValues([{ iteration: 1, logEValue: 1 }])],
	["equivalence", () => equivalence({ value: 0, standardError: 1 }, { alpha: 0.05, low: -1, high: 1 })],
	[
		"gridQuantileEstimate",
		() => gridQuantileEstimate({ grid: [1, 2], below: [bernoulliSums(1000, 100), bernoulliSums(1000, 900)] }, 0.5),
	],
	["intersectionUnion", () => intersectionUnion({ a: { kind: "estimated", pValue: 0.01 } }, 0.05)],
	[
		"nonInferiority",
		() => nonInferiority(arm, arm, { alpha: 0.05, margin: 0.1, marginScale: "absolute", direction: "increase" }),
	],
	["postStratifiedArms", () => postStratifiedArms([{ key: "a", control: arm, treatment: arm }])],
	["proportionEstimate", () => proportionEstimate(counts, { alpha: 0.05 })],
	["proportionComparison", () => proportionComparison(counts, counts, { alpha: 0.05 })],
	["quantileComparison", () => quantileComparison(quantile, quantile, 2)],
	[
		"quantileEstimate",
		() => quantileEstimate({ orderStatistics: { lower: 1, at: 2, upper: 3 }, below: bernoulliSums(1000, 510) }, 0.5),
	],
	["relativeEffect", () => relativeEffect(arm, arm, 2)],
	["relativeEffect below 0", () => relativeEffect({ ...arm, value: -4 }, arm, 2)],
	["sampleRatioMismatch", () => sampleRatioMismatch({ observed: split, allocation: even })],
	[
		"sampleRatioMismatch of an unplanned arm",
		() => sampleRatioMismatch({ observed: split, allocation: { a: 1, b: 0 } }),
	],
	["sequentialSampleRatioMismatch", () => sequentialSampleRatioMismatch(split, even)],
	["sequentialSampleRatioMismatch of an unplanned arm", () => sequentialSampleRatioMismatch(split, { a: 1, b: 0 })],
	[
		"topTwoThompsonAllocation",
		() => topTwoThompsonAllocation({ arms: moments, direction: "increase", random: () => 0.5, draws: 100 }),
	],
	["trackAndStopAllocation", () => trackAndStopAllocation({ arms: moments, direction: "increase" })],
	["heuristicBestArmStop", () => heuristicBestArmStop(moments, "increase", 0.05)],
	["welchComparison", () => welchComparison(arm, arm, { alpha: 0.05 })],
];

describe("notEstimable", () => {
	it("is a reason for programs and a sentence for people", () => {
		expect(notEstimable("single-arm", "Only one.")).toEqual({
			kind: "not-estimable",
			reason: "single-arm",
			message: "Only one.",
		});
	});

	it.each(ESTIMATED.map(([name, call]) => ({ name, call })))(
		"is told by its kind from what $name estimates",
		({ call }) => {
			const result = call();
			expect(result.kind).toBe("estimated");
			// Effects in a result are such results again.
			for (const part of Object.values<unknown>({ ...result })) {
				if (part !== null && typeof part === "object" && "kind" in part) expect(part.kind).toBe("estimated");
			}
		},
	);
});
