import { describe, expect, it } from "vitest";
import { compareRatios } from "./always-valid-comparison.ts";
import { anytimeValidTTest, tuneAnytimeValidT } from "./anytime-valid-t-test.ts";
import { armsAgainstControl } from "./arms-against-control.ts";
import {
	oneSidedLogEValue,
	oneSidedRadiusMultiplier,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "./asymptotic-confidence-sequence.ts";
import { bayesianDisplay } from "./bayesian-display.ts";
import { benjaminiHochberg } from "./benjamini-hochberg.ts";
import { bernoulliConfidenceSequence } from "./bernoulli-confidence-sequence.ts";
import { bestArmClaim } from "./best-arm-claim.ts";
import { betaBinomialLogEValue } from "./beta-binomial-mixture.ts";
import { bettingConfidenceSequence, bettingDifference, bettingLogEValue } from "./betting-confidence-sequence.ts";
import { boundaryCrossing, naivePeekingErrorRate } from "./boundary-crossing.ts";
import { absoluteContrast, contrastOf, relativeContrast } from "./contrast.ts";
import { covariateSumsOfMean } from "./covariate-sums.ts";
import { cupedContrast } from "./cuped-contrast.ts";
import { designEffect } from "./design-effect.ts";
import { distributionFreeQuantileTest } from "./distribution-free-quantile-test.ts";
import { eBenjaminiHochberg } from "./e-benjamini-hochberg.ts";
import { combineEValues } from "./e-value-ledger.ts";
import { empiricalBernsteinConfidenceSequence } from "./empirical-bernstein-confidence-sequence.ts";
import { equivalence } from "./equivalence.ts";
import { firstViolationEProcess } from "./first-violation-e-process.ts";
import { gammaExponentialLogEValue, tuneMixture } from "./gamma-exponential-mixture.ts";
import { gridQuantileEstimate } from "./grid-quantile-estimate.ts";
import {
	type FutilityDesign,
	type GroupSequentialDesign,
	groupSequentialBoundary,
} from "./group-sequential-boundary.ts";
import { groupSequentialOutcomes, planGroupSequential } from "./group-sequential-plan.ts";
import { groupSequentialTest } from "./group-sequential-test.ts";
import { guardrailHalts } from "./guardrail-halts.ts";
import { guardrailStatus } from "./guardrail-status.ts";
import { holm } from "./holm.ts";
import { hybridComparison } from "./hybrid-comparison.ts";
import { intersectionUnion } from "./intersection-union.ts";
import { mergeMeanSums } from "./mean-estimate.ts";
import { minimumDetectableEffect } from "./minimum-detectable-effect.ts";
import { nonInferiority } from "./non-inferiority.ts";
import { notEstimable } from "./not-estimable.ts";
import { compareOneSided } from "./one-sided-comparison.ts";
import { plannedDuration } from "./planned-duration.ts";
import { plannedMean, plannedProportion } from "./planned-metric.ts";
import { type ComparisonPlan, plannedPower } from "./planned-power.ts";
import { postStratifiedArms } from "./post-stratification.ts";
import { proportionComparison } from "./proportion-comparison.ts";
import { proportionEstimate } from "./proportion-estimate.ts";
import { quantileComparison } from "./quantile-comparison.ts";
import { type QuantileEstimate, quantileRanks } from "./quantile-estimate.ts";
import { ratioContrast } from "./ratio-contrast.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { requiredUnits } from "./required-units.ts";
import { restartSchedule } from "./restart-schedule.ts";
import { restartingComparison } from "./restarting-comparison.ts";
import { restartingEProcess } from "./restarting-e-process.ts";
import { safeguardedContrast } from "./safeguarded-contrast.ts";
import { safeguardedCupedContrast } from "./safeguarded-cuped-contrast.ts";
import { sampleRatioMismatch } from "./sample-ratio-mismatch.ts";
import { compareProportionsSequentially } from "./sequential-proportion-comparison.ts";
import { compareQuantilesSequentially } from "./sequential-quantile-comparison.ts";
import { sequentialSampleRatioMismatch } from "./sequential-sample-ratio-mismatch.ts";
import { spentError } from "./spending-function.ts";
import { StatsError, type StatsErrorCode } from "./stats-error.ts";
import { bernoulliSums } from "./test-support/ratio-sums-of.ts";
import { topTwoThompsonAllocation } from "./top-two-thompson-sampling.ts";
import { heuristicBestArmStop, trackAndStopAllocation } from "./track-and-stop.ts";
import { verdict } from "./verdict.ts";
import { fixedComparison, welchComparison } from "./welch-comparison.ts";
import { mergeWinsorizedSums, winsorizedMean } from "./winsorized-mean.ts";

const { NaN: nan, POSITIVE_INFINITY: infinite, MIN_VALUE: least } = Number;
const below1 = 1 - Number.EPSILON / 2;

/** A call that is in the domain, with one argument of it replaced. */
type Call = (change: object) => unknown;
type Numbers = { readonly [Argument in string]?: number };

const sums = bernoulliSums(1000, 400);
const arm = { value: 4, variance: 1, units: 100 };
const watched = { alpha: 0.05, plannedUnits: 2000, plannedShare: 0.5 };
const unmeasured = notEstimable("no-observations", "Nothing yet.");
const shown = { kind: "estimated", pValue: 0.01 } as const;
const contrast = contrastOf(arm, arm);
if (contrast.kind === "not-estimable") throw new Error(contrast.message);
const quantile: QuantileEstimate = {
	kind: "estimated",
	value: 100,
	logVariance: 0.01,
	variance: 100,
	units: 1000,
	observations: 2000,
	designEffect: 1,
};
const history = { unitsWithHistory: 1000, sumYWithHistory: 400, sumX: 400, sumXX: 400, sumYX: 200 };
const covariates = covariateSumsOfMean({ units: 1000, sumY: 400, sumYY: 400, ...history });
const moments = { units: 100, mean: 1, variance: 1 };

const compareRatiosCall: Call = (change) => compareRatios({ control: sums, treatment: sums, ...watched, ...change });
const compareOneSidedCall: Call = (change) =>
	compareOneSided({ control: sums, treatment: sums, direction: "increase", ...watched, ...change });
const restartingComparisonCall: Call = (change) =>
	restartingComparison({
		starts: [{ start: 1, weight: 1, control: sums, treatment: sums }],
		direction: "increase",
		...watched,
		...change,
	});
const restartingEProcessCall: Call = (change) =>
	restartingEProcess({
		alpha: 0.05,
		treatmentShare: 0.5,
		violations: [{ start: 1, weight: 1, treatment: 3, control: 2 }],
		...change,
	});
const firstViolationCall: Call = ({ treatment = 3, control = 2, ...change }: Numbers) =>
	firstViolationEProcess({ treatment, control }, { treatmentShare: 0.5, ...change });
const proportionsCall: Call = (change) =>
	compareProportionsSequentially({
		control: { units: 1000, successes: 400 },
		treatment: { units: 1000, successes: 400 },
		...watched,
		...change,
	});
const quantilesCall: Call = (change) =>
	compareQuantilesSequentially({ control: quantile, treatment: quantile, ...watched, ...change });
const bestArmCall: Call = (change) =>
	bestArmClaim({ epochs: [[sums, sums]], direction: "increase", alpha: 0.05, plannedUnits: 2000, ...change });
const thompsonCall: Call = (change) =>
	topTwoThompsonAllocation({
		arms: [moments, moments],
		direction: "increase",
		random: () => 0.5,
		draws: 100,
		...change,
	});
const trackCall: Call = (change) =>
	trackAndStopAllocation({ arms: [moments, moments], direction: "increase", ...change });
const tTestCall: Call = (change) =>
	anytimeValidTTest({
		value: 1,
		standardError: 1,
		observations: 100,
		coefficients: 2,
		alpha: 0.05,
		precision: 1,
		...change,
	});
const scheduleCall: Call = (change) => restartSchedule({ iterationStartedAtMs: 0, nowMs: 60_000, ...change });
const scale = { intervalMs: 1000, keptStarts: 3, share: 0.5 };
const quantileTestCall: Call = (change) =>
	distributionFreeQuantileTest({
		control: [sums],
		treatment: [sums],
		level: 0.5,
		alpha: 0.05,
		plannedUnitsPerArm: 500,
		...change,
	});
const equivalenceCall: Call = ({ value = 0, standardError = 1, degreesOfFreedom = 9, ...change }: Numbers) =>
	equivalence({ value, standardError, degreesOfFreedom }, { alpha: 0.05, low: -1, high: 1, ...change });
const bayesCall: Call = ({ value = 1, variance = 1, ...change }: Numbers) =>
	bayesianDisplay({ value, variance }, { direction: "increase", ...change });
const nonInferiorityCall: Call = (change) =>
	nonInferiority(arm, arm, { alpha: 0.05, margin: 0.1, marginScale: "absolute", direction: "increase", ...change });
const armCall: Call = (change) => contrastOf(arm, { ...arm, ...change });
const winsorized = { cap: 5, capped: sums, uncappedSum: 400, cappedObservations: 0 };
const winsorizedCall: Call = (change) => winsorizedMean({ ...winsorized, ...change });
const verdictCall: Call = (change) =>
	verdict({
		alpha: 0.05,
		moreToCome: true,
		sampleRatio: unmeasured,
		excludedShare: 0,
		primary: unmeasured,
		guardrails: {},
		...change,
	});
const weighted = (weight: number) => [{ key: "a", control: arm, treatment: arm, weight }];
const spendCall: Call = ({ errorRate = 0.05, information = 0.5 }: Numbers) =>
	spentError({ kind: "pocock" }, errorRate, information);

const boundaryCall: Call = (change) =>
	groupSequentialBoundary({ design: watchedOnce, pastLooks: [], informationFraction: 0.5, ...change });
const pastLook = { spendingTime: 0.2, informationFraction: 0.2, units: null, level: null, basis: "joint" };
const watchedOnce: GroupSequentialDesign = { alpha: 0.05, sides: 1, spending: { kind: "pocock" } };
const futility: FutilityDesign = { beta: 0.2, spending: { kind: "pocock" }, drift: 3 };
const boundaryDesignCall: Call = (change) => boundaryCall({ design: { ...watchedOnce, ...change } });
const groupPlanCall: Call = (change) =>
	planGroupSequential({ ...watchedOnce, power: 0.8, informationFractions: [0.5, 1], ...change });
const proportionPlan: ComparisonPlan = {
	metric: { kind: "proportion", baseline: 0.2 },
	inference: { kind: "fixed" },
	alpha: 0.05,
};
const powerCall: Call = ({ units = 2000, value = 0.1, ...change }: Numbers) =>
	plannedPower({ ...proportionPlan, ...change }, { scale: "relative", value }, units);
const planCall: Call = (change) =>
	plannedPower({ ...proportionPlan, ...change }, { scale: "relative", value: 0.1 }, 2000);
const inferenceCall: Call = (change) => planCall({ inference: { kind: "always-valid", ...change } });
const durationCall: Call = (change) => plannedDuration({ units: 100, newUnitsPerDay: [10], ...change });

const REFUSED: readonly (readonly [string, () => unknown, StatsErrorCode, string])[] = [
	["compareRatios", () => compareRatiosCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["compareRatios", () => compareRatiosCall({ alpha: 1 }), "INVALID_ALPHA", "alpha"],
	["compareRatios", () => compareRatiosCall({ alpha: nan }), "INVALID_ALPHA", "alpha"],
	["compareRatios", () => compareRatiosCall({ plannedUnits: 0 }), "INVALID_PLANNED_UNITS", "plannedUnits"],
	["compareRatios", () => compareRatiosCall({ plannedUnits: infinite }), "INVALID_PLANNED_UNITS", "plannedUnits"],
	["compareRatios", () => compareRatiosCall({ plannedShare: 0 }), "INVALID_SHARE", "plannedShare"],
	["compareRatios", () => compareRatiosCall({ plannedShare: 0.51 }), "INVALID_SHARE", "plannedShare"],
	["compareRatios", () => compareRatiosCall({ minimumUnits: 1 }), "INVALID_MINIMUM_UNITS", "minimumUnits"],
	["compareRatios", () => compareRatiosCall({ minimumUnits: 2.5 }), "INVALID_MINIMUM_UNITS", "minimumUnits"],
	["compareRatios", () => compareRatiosCall({ scale: 0 }), "INVALID_SCALE", "scale"],
	["compareOneSided", () => compareOneSidedCall({ alpha: 0.5 }), "INVALID_ALPHA", "alpha"],
	["compareOneSided", () => compareOneSidedCall({ margin: -least }), "INVALID_MARGIN", "margin"],
	["compareOneSided", () => compareOneSidedCall({ margin: infinite }), "INVALID_MARGIN", "margin"],
	["compareOneSided", () => compareOneSidedCall({ plannedUnits: -1 }), "INVALID_PLANNED_UNITS", "plannedUnits"],
	["compareProportionsSequentially", () => proportionsCall({ alpha: 2 }), "INVALID_ALPHA", "alpha"],
	[
		"compareProportionsSequentially",
		() => proportionsCall({ control: { units: -1, successes: 0 } }),
		"INVALID_COUNT",
		"control.units",
	],
	[
		"compareProportionsSequentially",
		() => proportionsCall({ treatment: { units: 0.5, successes: 0 } }),
		"INVALID_COUNT",
		"treatment.units",
	],
	[
		"compareProportionsSequentially",
		() => proportionsCall({ control: { units: 5, successes: 6 } }),
		"INVALID_COUNT",
		"control.successes",
	],
	[
		"compareProportionsSequentially",
		() => proportionsCall({ treatment: { units: 5, successes: -1 } }),
		"INVALID_COUNT",
		"treatment.successes",
	],
	[
		"compareProportionsSequentially",
		() => proportionsCall({ treatment: { units: 5, successes: 1.5 } }),
		"INVALID_COUNT",
		"treatment.successes",
	],
	["compareQuantilesSequentially", () => quantilesCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["compareQuantilesSequentially", () => quantilesCall({ minimumUnits: 0 }), "INVALID_MINIMUM_UNITS", "minimumUnits"],
	["tuneRhoSquared", () => tuneRhoSquared(0.05, 0), "INVALID_TUNING", "tunedUnits"],
	["tuneRhoSquared", () => tuneRhoSquared(0.05, infinite), "INVALID_TUNING", "tunedUnits"],
	["tuneRhoSquared", () => tuneRhoSquared(1, 9), "INVALID_ALPHA", "alpha"],
	["twoSidedRadiusMultiplier", () => twoSidedRadiusMultiplier(0, 1, 0.05), "INVALID_UNITS", "units"],
	["twoSidedRadiusMultiplier", () => twoSidedRadiusMultiplier(infinite, 1, 0.05), "INVALID_UNITS", "units"],
	["twoSidedRadiusMultiplier", () => twoSidedRadiusMultiplier(9, 0, 0.05), "INVALID_TUNING", "rhoSquared"],
	["twoSidedRadiusMultiplier", () => twoSidedRadiusMultiplier(9, infinite, 0.05), "INVALID_TUNING", "rhoSquared"],
	["twoSidedRadiusMultiplier", () => twoSidedRadiusMultiplier(9, 1, 1), "INVALID_ALPHA", "alpha"],
	["oneSidedRadiusMultiplier", () => oneSidedRadiusMultiplier(9, 1, 0), "INVALID_ALPHA", "alpha"],
	["twoSidedLogEValue", () => twoSidedLogEValue(nan, 9, 1), "INVALID_STATISTIC", "z"],
	["oneSidedLogEValue", () => oneSidedLogEValue(infinite, 9, 1), "INVALID_STATISTIC", "z"],
	["oneSidedLogEValue", () => oneSidedLogEValue(-1, 9, 0), "INVALID_TUNING", "rhoSquared"],
	["anytimeValidTTest", () => tTestCall({ alpha: 1 }), "INVALID_ALPHA", "alpha"],
	["anytimeValidTTest", () => tTestCall({ observations: 0 }), "INVALID_COUNT", "observations"],
	["anytimeValidTTest", () => tTestCall({ observations: 9.5 }), "INVALID_COUNT", "observations"],
	["anytimeValidTTest", () => tTestCall({ coefficients: 0 }), "INVALID_COUNT", "coefficients"],
	["anytimeValidTTest", () => tTestCall({ coefficients: 1.5 }), "INVALID_COUNT", "coefficients"],
	["anytimeValidTTest", () => tTestCall({ precision: 0 }), "INVALID_TUNING", "precision"],
	["anytimeValidTTest", () => tTestCall({ precision: infinite }), "INVALID_TUNING", "precision"],
	["tuneAnytimeValidT", () => tuneAnytimeValidT(3, 3, 0.05), "INVALID_COUNT", "observations"],
	["tuneAnytimeValidT", () => tuneAnytimeValidT(3, 1, 0), "INVALID_ALPHA", "alpha"],
	["tuneAnytimeValidT", () => tuneAnytimeValidT(3, 0, 0.05), "INVALID_COUNT", "coefficients"],
	["armsAgainstControl", () => armsAgainstControl({ a: shown }, { alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["armsAgainstControl", () => armsAgainstControl({}, { alpha: 0.05 }), "INVALID_COUNT", "comparisons"],
	["bayesianDisplay", () => bayesCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["bayesianDisplay", () => bayesCall({ value: nan }), "INVALID_ESTIMATE", "value"],
	["bayesianDisplay", () => bayesCall({ variance: -1 }), "INVALID_ESTIMATE", "variance"],
	["bayesianDisplay", () => bayesCall({ variance: infinite }), "INVALID_ESTIMATE", "variance"],
	["bayesianDisplay", () => bayesCall({ priorStandardDeviation: 0 }), "INVALID_PRIOR", "priorStandardDeviation"],
	["bayesianDisplay", () => bayesCall({ priorStandardDeviation: infinite }), "INVALID_PRIOR", "priorStandardDeviation"],
	["benjaminiHochberg", () => benjaminiHochberg([0.5, 1.5]), "INVALID_P_VALUE", "pValues[1]"],
	["holm", () => holm([-0.1]), "INVALID_P_VALUE", "pValues[0]"],
	["holm", () => holm([0, nan]), "INVALID_P_VALUE", "pValues[1]"],
	["eBenjaminiHochberg", () => eBenjaminiHochberg([0], 1), "INVALID_ALPHA", "alpha"],
	["eBenjaminiHochberg", () => eBenjaminiHochberg([0, nan], 0.05), "INVALID_STATISTIC", "logEValues[1]"],
	[
		"bernoulliConfidenceSequence",
		() => bernoulliConfidenceSequence({ successes: 3, trials: 2, alpha: 0.05, tunedTrials: 9 }),
		"INVALID_COUNT",
		"successes",
	],
	[
		"bernoulliConfidenceSequence",
		() => bernoulliConfidenceSequence({ successes: 3, trials: 9, alpha: 0, tunedTrials: 9 }),
		"INVALID_ALPHA",
		"alpha",
	],
	["bestArmClaim", () => bestArmCall({ alpha: 0.5 }), "INVALID_ALPHA", "alpha"],
	["bestArmClaim", () => bestArmCall({ plannedUnits: 0 }), "INVALID_PLANNED_UNITS", "plannedUnits"],
	["bestArmClaim", () => bestArmCall({ epochs: [[sums]] }), "INVALID_ARMS", "arms"],
	[
		"bestArmClaim",
		() =>
			bestArmCall({
				epochs: [
					[sums, sums],
					[sums, sums, sums],
				],
			}),
		"INVALID_ARMS",
		"epochs",
	],
	["betaBinomialLogEValue", () => betaBinomialLogEValue(1, 2, { mean: 0, tunedTrials: 9 }), "INVALID_SHARE", "mean"],
	["betaBinomialLogEValue", () => betaBinomialLogEValue(1, 2, { mean: 1, tunedTrials: 9 }), "INVALID_SHARE", "mean"],
	[
		"betaBinomialLogEValue",
		() => betaBinomialLogEValue(1, 2, { mean: 0.5, tunedTrials: 9, sides: 3 as 2 }),
		"INVALID_SIDES",
		"sides",
	],
	[
		"betaBinomialLogEValue",
		() => betaBinomialLogEValue(-1, 2, { mean: 0.5, tunedTrials: 9 }),
		"INVALID_COUNT",
		"successes",
	],
	[
		"betaBinomialLogEValue",
		() => betaBinomialLogEValue(0, -1, { mean: 0.5, tunedTrials: 9 }),
		"INVALID_COUNT",
		"trials",
	],
	[
		"betaBinomialLogEValue",
		() => betaBinomialLogEValue(0, 2e12, { mean: 0.5, tunedTrials: 9 }),
		"INVALID_COUNT",
		"trials",
	],
	["bettingLogEValue", () => bettingLogEValue([0.5], 1.1, 0.05), "INVALID_SHARE", "mean"],
	["bettingLogEValue", () => bettingLogEValue([0.5], -0.1, 0.05), "INVALID_SHARE", "mean"],
	["bettingLogEValue", () => bettingLogEValue([0.5], 0.5, 1), "INVALID_ALPHA", "alpha"],
	["bettingConfidenceSequence", () => bettingConfidenceSequence([0.5], 0), "INVALID_ALPHA", "alpha"],
	["bettingDifference", () => bettingDifference([0.5], [0.5], 1), "INVALID_ALPHA", "alpha"],
	[
		"empiricalBernsteinConfidenceSequence",
		() => empiricalBernsteinConfidenceSequence([0.5], 1),
		"INVALID_ALPHA",
		"alpha",
	],
	[
		"boundaryCrossing",
		() => boundaryCrossing([{ information: 1, lower: 0, upper: 1 }], nan),
		"INVALID_STATISTIC",
		"drift",
	],
	["boundaryCrossing", () => boundaryCrossing([{ information: 1, lower: 2, upper: 1 }], 0), "INVALID_BOUNDS", "lower"],
	[
		"boundaryCrossing",
		() => boundaryCrossing([{ information: 0, lower: 0, upper: 1 }], 0),
		"INVALID_INFORMATION",
		"information",
	],
	[
		"boundaryCrossing",
		() => boundaryCrossing([{ information: infinite, lower: 0, upper: 1 }], 0),
		"INVALID_INFORMATION",
		"information",
	],
	["naivePeekingErrorRate", () => naivePeekingErrorRate(0, 0.05), "INVALID_LOOKS", "looks"],
	["naivePeekingErrorRate", () => naivePeekingErrorRate(1001, 0.05), "INVALID_LOOKS", "looks"],
	["naivePeekingErrorRate", () => naivePeekingErrorRate(1.5, 0.05), "INVALID_LOOKS", "looks"],
	["naivePeekingErrorRate", () => naivePeekingErrorRate(1, 1), "INVALID_ALPHA", "alpha"],
	["contrastOf", () => armCall({ value: infinite }), "INVALID_ESTIMATE", "treatment.value"],
	["contrastOf", () => armCall({ variance: -1 }), "INVALID_ESTIMATE", "treatment.variance"],
	["contrastOf", () => armCall({ variance: infinite }), "INVALID_ESTIMATE", "treatment.variance"],
	["contrastOf", () => armCall({ units: 0 }), "INVALID_ESTIMATE", "treatment.units"],
	["contrastOf", () => armCall({ units: infinite }), "INVALID_ESTIMATE", "treatment.units"],
	["contrastOf", () => armCall({ degreesOfFreedom: 0 }), "INVALID_ESTIMATE", "treatment.degreesOfFreedom"],
	["contrastOf", () => armCall({ degreesOfFreedom: infinite }), "INVALID_ESTIMATE", "treatment.degreesOfFreedom"],
	["contrastOf", () => contrastOf({ ...arm, value: nan }, arm), "INVALID_ESTIMATE", "control.value"],
	["absoluteContrast", () => absoluteContrast(contrast, 0), "INVALID_STATISTIC", "multiplier"],
	["absoluteContrast", () => absoluteContrast(contrast, infinite), "INVALID_STATISTIC", "multiplier"],
	["relativeContrast", () => relativeContrast(contrast, nan), "INVALID_STATISTIC", "multiplier"],
	["welchComparison", () => welchComparison(arm, { ...arm, units: 1 }, { alpha: 1 }), "INVALID_ALPHA", "alpha"],
	["fixedComparison", () => fixedComparison(contrast, { alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["cupedContrast", () => cupedContrast(covariates, covariates, { theta: nan }), "INVALID_WEIGHT", "theta"],
	[
		"cupedContrast",
		() => cupedContrast(covariates, { ...covariates, sumXW: 400n } as unknown as typeof covariates),
		"MIXED_QUANTITIES",
		"treatment.sumXW",
	],
	[
		"cupedContrast",
		() => cupedContrast({ ...covariates, sumYX: 200n } as unknown as typeof covariates, covariates),
		"MIXED_QUANTITIES",
		"control.sumYX",
	],
	["designEffect", () => designEffect(sums, 400n as unknown as number), "MIXED_QUANTITIES", "sums.sumOfSquares"],
	["ratioEstimate", () => ratioEstimate({ ...sums, sumNN: 1n }), "MIXED_QUANTITIES", "sums.sumNN"],
	["ratioEstimate", () => ratioEstimate(sums, { scale: -1 }), "INVALID_SCALE", "scale"],
	["ratioEstimate", () => ratioEstimate(sums, { scale: infinite }), "INVALID_SCALE", "scale"],
	["ratioContrast", () => ratioContrast(sums, sums, { scale: 0 }), "INVALID_SCALE", "scale"],
	[
		"mergeMeanSums",
		() => mergeMeanSums({ units: 1, sumY: 1, sumYY: 1 }, { units: 1, sumY: 1n as unknown as number, sumYY: 1 }),
		"MIXED_QUANTITIES",
		"sumY",
	],
	[
		"mergeMeanSums",
		() => mergeMeanSums({ units: 1n, sumY: 1n, sumYY: 1n }, { units: 1 as unknown as bigint, sumY: 1n, sumYY: 1n }),
		"MIXED_QUANTITIES",
		"units",
	],
	["distributionFreeQuantileTest", () => quantileTestCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["distributionFreeQuantileTest", () => quantileTestCall({ level: 0 }), "INVALID_LEVEL", "level"],
	["distributionFreeQuantileTest", () => quantileTestCall({ level: 1 }), "INVALID_LEVEL", "level"],
	[
		"distributionFreeQuantileTest",
		() => quantileTestCall({ plannedUnitsPerArm: 0 }),
		"INVALID_PLANNED_UNITS",
		"plannedUnitsPerArm",
	],
	[
		"distributionFreeQuantileTest",
		() => quantileTestCall({ plannedUnitsPerArm: infinite }),
		"INVALID_PLANNED_UNITS",
		"plannedUnitsPerArm",
	],
	["distributionFreeQuantileTest", () => quantileTestCall({ treatment: [sums, sums] }), "INVALID_GRID", "treatment"],
	["distributionFreeQuantileTest", () => quantileTestCall({ control: [], treatment: [] }), "INVALID_GRID", "treatment"],
	["combineEValues", () => combineEValues([{ iteration: 0.5, logEValue: 0 }]), "INVALID_LEDGER", "iteration"],
	["combineEValues", () => combineEValues([{ iteration: -1, logEValue: 0 }]), "INVALID_LEDGER", "iteration"],
	["combineEValues", () => combineEValues([{ iteration: 0, logEValue: nan }]), "INVALID_LEDGER", "logEValue"],
	["equivalence", () => equivalenceCall({ alpha: 0.5 }), "INVALID_ALPHA", "alpha"],
	["equivalence", () => equivalenceCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["equivalence", () => equivalenceCall({ low: 1 }), "INVALID_BOUNDS", "low, high"],
	["equivalence", () => equivalenceCall({ low: -infinite }), "INVALID_BOUNDS", "low, high"],
	["equivalence", () => equivalenceCall({ high: infinite }), "INVALID_BOUNDS", "low, high"],
	["equivalence", () => equivalenceCall({ value: nan }), "INVALID_ESTIMATE", "value"],
	["equivalence", () => equivalenceCall({ standardError: -1 }), "INVALID_ESTIMATE", "standardError"],
	["equivalence", () => equivalenceCall({ standardError: infinite }), "INVALID_ESTIMATE", "standardError"],
	["equivalence", () => equivalenceCall({ degreesOfFreedom: 0 }), "INVALID_ESTIMATE", "degreesOfFreedom"],
	["firstViolationEProcess", () => firstViolationCall({ treatment: 2e12 }), "INVALID_COUNT", "violations.treatment"],
	["firstViolationEProcess", () => firstViolationCall({ control: 2e12 }), "INVALID_COUNT", "violations.control"],
	["firstViolationEProcess", () => firstViolationCall({ control: -1 }), "INVALID_COUNT", "violations.control"],
	["firstViolationEProcess", () => firstViolationCall({ treatmentShare: 9e-7 }), "INVALID_SHARE", "treatmentShare"],
	["firstViolationEProcess", () => firstViolationCall({ treatmentShare: 1 - 9e-7 }), "INVALID_SHARE", "treatmentShare"],
	[
		"firstViolationEProcess",
		() => firstViolationCall({ rateRatioMargin: below1 }),
		"INVALID_MARGIN",
		"rateRatioMargin",
	],
	["firstViolationEProcess", () => firstViolationCall({ rateRatioMargin: 1001 }), "INVALID_MARGIN", "rateRatioMargin"],
	["firstViolationEProcess", () => firstViolationCall({ priorStrength: 0.009 }), "INVALID_PRIOR", "priorStrength"],
	["firstViolationEProcess", () => firstViolationCall({ priorStrength: 1.1e6 }), "INVALID_PRIOR", "priorStrength"],
	["tuneMixture", () => tuneMixture(0, 1), "INVALID_ALPHA", "alpha"],
	["tuneMixture", () => tuneMixture(1, 1), "INVALID_ALPHA", "alpha"],
	["tuneMixture", () => tuneMixture(0.05, 0), "INVALID_TUNING", "variance"],
	["tuneMixture", () => tuneMixture(0.05, infinite), "INVALID_TUNING", "variance"],
	[
		"gammaExponentialLogEValue",
		() => gammaExponentialLogEValue(nan, 1, { rho: 1, scale: 1 }),
		"INVALID_STATISTIC",
		"sum",
	],
	[
		"gammaExponentialLogEValue",
		() => gammaExponentialLogEValue(1, -1, { rho: 1, scale: 1 }),
		"INVALID_STATISTIC",
		"variance",
	],
	[
		"gammaExponentialLogEValue",
		() => gammaExponentialLogEValue(1, infinite, { rho: 1, scale: 1 }),
		"INVALID_STATISTIC",
		"variance",
	],
	["gammaExponentialLogEValue", () => gammaExponentialLogEValue(1, 1, { rho: 0, scale: 1 }), "INVALID_TUNING", "rho"],
	[
		"gammaExponentialLogEValue",
		() => gammaExponentialLogEValue(1, 1, { rho: infinite, scale: 1 }),
		"INVALID_TUNING",
		"rho",
	],
	["gammaExponentialLogEValue", () => gammaExponentialLogEValue(1, 1, { rho: 1, scale: 0 }), "INVALID_TUNING", "scale"],
	[
		"gammaExponentialLogEValue",
		() => gammaExponentialLogEValue(1, 1, { rho: 1, scale: infinite }),
		"INVALID_TUNING",
		"scale",
	],
	["gridQuantileEstimate", () => gridQuantileEstimate({ grid: [1], below: [sums] }, 0.5), "INVALID_GRID", "grid"],
	["gridQuantileEstimate", () => gridQuantileEstimate({ grid: [1, 2], below: [sums] }, 0.5), "INVALID_GRID", "below"],
	[
		"gridQuantileEstimate",
		() => gridQuantileEstimate({ grid: [0, 2], below: [sums, sums] }, 0.5),
		"INVALID_GRID",
		"grid[0]",
	],
	[
		"gridQuantileEstimate",
		() => gridQuantileEstimate({ grid: [2, 2], below: [sums, sums] }, 0.5),
		"INVALID_GRID",
		"grid[1]",
	],
	[
		"gridQuantileEstimate",
		() => gridQuantileEstimate({ grid: [2, infinite], below: [sums, sums] }, 0.5),
		"INVALID_GRID",
		"grid[1]",
	],
	["guardrailHalts", () => guardrailHalts({}, 0.05), "INVALID_COUNT", "guardrails"],
	["guardrailHalts", () => guardrailHalts({ a: unmeasured }, 1), "INVALID_ALPHA", "alpha"],
	[
		"guardrailHalts",
		() => guardrailHalts({ a: { kind: "estimated", logEValue: nan } }, 0.05),
		"INVALID_STATISTIC",
		"guardrails.a",
	],
	[
		"guardrailStatus",
		() => guardrailStatus({ harm: unmeasured, nonInferiority: unmeasured }, 0),
		"INVALID_ALPHA",
		"alpha",
	],
	[
		"guardrailStatus",
		() =>
			guardrailStatus({ harm: { kind: "estimated", logEValue: nan, logThreshold: 3 }, nonInferiority: shown }, 0.05),
		"INVALID_STATISTIC",
		"harm.logEValue",
	],
	[
		"guardrailStatus",
		() =>
			guardrailStatus({ harm: { kind: "estimated", logEValue: 1, logThreshold: nan }, nonInferiority: shown }, 0.05),
		"INVALID_STATISTIC",
		"harm.logThreshold",
	],
	[
		"guardrailStatus",
		() => guardrailStatus({ harm: unmeasured, nonInferiority: { kind: "estimated", pValue: 2 } }, 0.05),
		"INVALID_P_VALUE",
		"pValues[0]",
	],
	["intersectionUnion", () => intersectionUnion({}, 0.05), "INVALID_COUNT", "requirements"],
	["intersectionUnion", () => intersectionUnion({ a: shown }, 0), "INVALID_ALPHA", "alpha"],
	[
		"intersectionUnion",
		() => intersectionUnion({ a: shown, b: { kind: "estimated", pValue: -1 } }, 0.05),
		"INVALID_P_VALUE",
		"pValues[1]",
	],
	["nonInferiority", () => nonInferiorityCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["nonInferiority", () => nonInferiorityCall({ margin: -0.1 }), "INVALID_MARGIN", "margin"],
	["nonInferiority", () => nonInferiorityCall({ margin: infinite }), "INVALID_MARGIN", "margin"],
	[
		"nonInferiority",
		() =>
			nonInferiority({ ...arm, units: 0 }, arm, {
				alpha: 0.05,
				margin: 0,
				marginScale: "absolute",
				direction: "increase",
			}),
		"INVALID_ESTIMATE",
		"control.units",
	],
	[
		"nonInferiority",
		() =>
			nonInferiority(
				arm,
				{ ...arm, units: 0 },
				{ alpha: 0.05, margin: 0, marginScale: "absolute", direction: "increase" },
			),
		"INVALID_ESTIMATE",
		"treatment.units",
	],
	["postStratifiedArms", () => postStratifiedArms([]), "INVALID_ALLOCATION", "strata"],
	["postStratifiedArms", () => postStratifiedArms(weighted(-1)), "INVALID_WEIGHT", "strata.a.weight"],
	["postStratifiedArms", () => postStratifiedArms(weighted(infinite)), "INVALID_WEIGHT", "strata.a.weight"],
	[
		"postStratifiedArms",
		() => postStratifiedArms([{ key: "a", control: arm, treatment: { ...arm, value: nan } }]),
		"INVALID_ESTIMATE",
		"a.treatment.value",
	],
	[
		"postStratifiedArms",
		() => postStratifiedArms([{ key: "a", control: { ...arm, value: nan }, treatment: arm }]),
		"INVALID_ESTIMATE",
		"a.control.value",
	],
	[
		"proportionComparison",
		() => proportionComparison({ units: 9, successes: 3 }, { units: 9, successes: 3 }, { alpha: 1 }),
		"INVALID_ALPHA",
		"alpha",
	],
	["proportionEstimate", () => proportionEstimate({ units: 9, successes: 3 }, { alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["quantileComparison", () => quantileComparison(quantile, quantile, 0), "INVALID_STATISTIC", "multiplier"],
	["quantileRanks", () => quantileRanks(100, 0), "INVALID_LEVEL", "level"],
	["quantileRanks", () => quantileRanks(100, 1), "INVALID_LEVEL", "level"],
	["quantileRanks", () => quantileRanks(-1, 0.5), "INVALID_COUNT", "observations"],
	["quantileRanks", () => quantileRanks(1.5, 0.5), "INVALID_COUNT", "observations"],
	["restartSchedule", () => scheduleCall({ iterationStartedAtMs: nan }), "INVALID_SCHEDULE", "iterationStartedAtMs"],
	["restartSchedule", () => scheduleCall({ nowMs: infinite }), "INVALID_SCHEDULE", "nowMs"],
	["restartSchedule", () => scheduleCall({ scales: [] }), "INVALID_SCHEDULE", "scales"],
	["restartSchedule", () => scheduleCall({ scales: [{ ...scale, intervalMs: 0 }] }), "INVALID_SCHEDULE", "intervalMs"],
	[
		"restartSchedule",
		() => scheduleCall({ scales: [{ ...scale, intervalMs: infinite }] }),
		"INVALID_SCHEDULE",
		"intervalMs",
	],
	[
		"restartSchedule",
		() => scheduleCall({ scales: [scale, { ...scale, intervalMs: 1500 }] }),
		"INVALID_SCHEDULE",
		"intervalMs",
	],
	["restartSchedule", () => scheduleCall({ scales: [{ ...scale, keptStarts: 0 }] }), "INVALID_SCHEDULE", "keptStarts"],
	[
		"restartSchedule",
		() => scheduleCall({ scales: [{ ...scale, keptStarts: 1.5 }] }),
		"INVALID_SCHEDULE",
		"keptStarts",
	],
	["restartSchedule", () => scheduleCall({ scales: [{ ...scale, share: 0 }] }), "INVALID_SCHEDULE", "share"],
	["restartSchedule", () => scheduleCall({ scales: [{ ...scale, share: 1.01 }] }), "INVALID_SCHEDULE", "share"],
	[
		"restartSchedule",
		() => scheduleCall({ scales: [scale, { ...scale, intervalMs: 2000, share: 0.51 }] }),
		"INVALID_SCHEDULE",
		"shares",
	],
	["restartingComparison", () => restartingComparisonCall({ alpha: 0.5 }), "INVALID_ALPHA", "alpha"],
	["restartingComparison", () => restartingComparisonCall({ plannedShare: 0 }), "INVALID_SHARE", "plannedShare"],
	["restartingComparison", () => restartingComparisonCall({ starts: [] }), "INVALID_SCHEDULE", "starts"],
	...[0, 1.5].map(
		(start) =>
			[
				"restartingComparison",
				() => restartingComparisonCall({ starts: [{ start, weight: 1, control: sums, treatment: sums }] }),
				"INVALID_SCHEDULE",
				"start",
			] as const,
	),
	...[0, 1.01].map(
		(weight) =>
			[
				"restartingComparison",
				() => restartingComparisonCall({ starts: [{ start: 1, weight, control: sums, treatment: sums }] }),
				"INVALID_SCHEDULE",
				"weight",
			] as const,
	),
	[
		"restartingComparison",
		() => {
			const since = { start: 1, weight: 0.1, control: sums, treatment: sums };
			restartingComparisonCall({ starts: [since, { ...since, start: 2 }, since] });
		},
		"INVALID_SCHEDULE",
		"start",
	],
	[
		"restartingComparison",
		() => {
			const since = { start: 1, weight: 0.6, control: sums, treatment: sums };
			restartingComparisonCall({ starts: [since, { ...since, start: 2 }] });
		},
		"INVALID_SCHEDULE",
		"weights",
	],
	["restartingEProcess", () => restartingEProcessCall({ alpha: 1 }), "INVALID_ALPHA", "alpha"],
	["restartingEProcess", () => restartingEProcessCall({ violations: [] }), "INVALID_SCHEDULE", "violations"],
	...[0, 1.5].map(
		(start) =>
			[
				"restartingEProcess",
				() => restartingEProcessCall({ violations: [{ start, weight: 1, treatment: 1, control: 1 }] }),
				"INVALID_SCHEDULE",
				"start",
			] as const,
	),
	...[0, 1.01].map(
		(weight) =>
			[
				"restartingEProcess",
				() => restartingEProcessCall({ violations: [{ start: 1, weight, treatment: 1, control: 1 }] }),
				"INVALID_SCHEDULE",
				"weight",
			] as const,
	),
	[
		"restartingEProcess",
		() => {
			const since = { start: 1, weight: 0.1, treatment: 1, control: 1 };
			restartingEProcessCall({ violations: [since, { ...since, start: 2 }, since] });
		},
		"INVALID_SCHEDULE",
		"start",
	],
	[
		"restartingEProcess",
		() => {
			const since = { start: 1, weight: 0.6, treatment: 1, control: 1 };
			restartingEProcessCall({ violations: [since, { ...since, start: 2 }] });
		},
		"INVALID_SCHEDULE",
		"weights",
	],
	["restartingEProcess", () => restartingEProcessCall({ treatmentShare: 0 }), "INVALID_SHARE", "treatmentShare"],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 1, b: 1 }, allocation: { a: 1, b: 1 }, threshold: 1 }),
		"INVALID_ALPHA",
		"threshold",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 1, b: 1 }, allocation: { a: 1, b: 1 }, threshold: 0 }),
		"INVALID_ALPHA",
		"threshold",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: -1 }, allocation: { a: 1 } }),
		"INVALID_COUNT",
		"observed.a",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 0.5 }, allocation: { a: 1 } }),
		"INVALID_COUNT",
		"observed.a",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 1 }, allocation: { a: -1 } }),
		"INVALID_ALLOCATION",
		"allocation.a",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 1 }, allocation: { a: infinite } }),
		"INVALID_ALLOCATION",
		"allocation.a",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 1 }, allocation: { a: 0 } }),
		"INVALID_ALLOCATION",
		"allocation",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 1 }, allocation: { b: 1 } }),
		"ARMS_DIFFER",
		"observed",
	],
	[
		"sampleRatioMismatch",
		() => sampleRatioMismatch({ observed: { a: 1 }, allocation: { a: 1, b: 1 } }),
		"ARMS_DIFFER",
		"observed",
	],
	[
		"sequentialSampleRatioMismatch",
		() => sequentialSampleRatioMismatch({ a: 1, b: 1 }, { a: 1, b: 1 }, { prior: [1] }),
		"INVALID_PRIOR",
		"prior",
	],
	[
		"sequentialSampleRatioMismatch",
		() => sequentialSampleRatioMismatch({ a: 1, b: 1 }, { a: 1, b: 1 }, { prior: [1, 0] }),
		"INVALID_PRIOR",
		"prior",
	],
	[
		"sequentialSampleRatioMismatch",
		() => sequentialSampleRatioMismatch({ a: 1, b: 1 }, { a: 1, b: 1 }, { priorStrength: infinite }),
		"INVALID_PRIOR",
		"prior",
	],
	["spentError", () => spendCall({ errorRate: 1 }), "INVALID_ALPHA", "alpha"],
	["spentError", () => spendCall({ information: -0.1 }), "INVALID_INFORMATION", "informationFraction"],
	["spentError", () => spendCall({ information: nan }), "INVALID_INFORMATION", "informationFraction"],
	[
		"spentError",
		() => spentError({ kind: "hwang-shih-decani", gamma: -41 }, 0.05, 0.5),
		"INVALID_SPENDING",
		"spending",
	],
	["topTwoThompsonAllocation", () => thompsonCall({ arms: [moments] }), "INVALID_ARMS", "arms"],
	["topTwoThompsonAllocation", () => thompsonCall({ floor: -0.1 }), "INVALID_SHARE", "floor"],
	["topTwoThompsonAllocation", () => thompsonCall({ floor: 0.51 }), "INVALID_SHARE", "floor"],
	["topTwoThompsonAllocation", () => thompsonCall({ leaderProbability: 0 }), "INVALID_SHARE", "leaderProbability"],
	["topTwoThompsonAllocation", () => thompsonCall({ leaderProbability: 1 }), "INVALID_SHARE", "leaderProbability"],
	["topTwoThompsonAllocation", () => thompsonCall({ draws: 99 }), "INVALID_DRAWS", "draws"],
	["topTwoThompsonAllocation", () => thompsonCall({ draws: 1_000_001 }), "INVALID_DRAWS", "draws"],
	["topTwoThompsonAllocation", () => thompsonCall({ draws: 100.5 }), "INVALID_DRAWS", "draws"],
	["topTwoThompsonAllocation", () => thompsonCall({ random: () => 0 }), "INVALID_RANDOM", "random"],
	["topTwoThompsonAllocation", () => thompsonCall({ random: () => 1 }), "INVALID_RANDOM", "random"],
	["trackAndStopAllocation", () => trackCall({ arms: [moments] }), "INVALID_ARMS", "arms"],
	["trackAndStopAllocation", () => trackCall({ floor: -0.1 }), "INVALID_SHARE", "floor"],
	["trackAndStopAllocation", () => trackCall({ floor: 0.51 }), "INVALID_SHARE", "floor"],
	["heuristicBestArmStop", () => heuristicBestArmStop([moments], "increase", 0.05), "INVALID_ARMS", "arms"],
	["heuristicBestArmStop", () => heuristicBestArmStop([moments, moments], "increase", 0), "INVALID_ALPHA", "delta"],
	["heuristicBestArmStop", () => heuristicBestArmStop([moments, moments], "increase", 1), "INVALID_ALPHA", "delta"],
	["verdict", () => verdictCall({ alpha: 1 }), "INVALID_ALPHA", "alpha"],
	["verdict", () => verdictCall({ excludedShare: -0.1 }), "INVALID_SHARE", "excludedShare"],
	["verdict", () => verdictCall({ excludedShare: 1.1 }), "INVALID_SHARE", "excludedShare"],
	[
		"verdict",
		() => verdictCall({ sampleRatio: { kind: "estimated", pValue: 2, mismatch: false } }),
		"INVALID_P_VALUE",
		"pValues[0]",
	],
	[
		"verdict",
		() => verdictCall({ primary: { kind: "estimated", betterPValue: 0.1, worsePValue: 2 } }),
		"INVALID_P_VALUE",
		"pValues[1]",
	],
	["winsorizedMean", () => winsorizedCall({ cap: 0 }), "INVALID_CAP", "cap"],
	["winsorizedMean", () => winsorizedCall({ cap: infinite }), "INVALID_CAP", "cap"],
	["winsorizedMean", () => winsorizedCall({ cap: 5n }), "MIXED_QUANTITIES", "sums.cap"],
	["winsorizedMean", () => winsorizedCall({ uncappedSum: 400n }), "MIXED_QUANTITIES", "sums.uncappedSum"],
	["winsorizedMean", () => winsorizedCall({ cappedObservations: 0n }), "MIXED_QUANTITIES", "sums.cappedObservations"],
	["mergeWinsorizedSums", () => mergeWinsorizedSums(winsorized, { ...winsorized, cap: 6 }), "INVALID_CAP", "cap"],
	[
		"groupSequentialBoundary",
		() => boundaryCall({ informationFraction: 0 }),
		"INVALID_INFORMATION",
		"informationFraction",
	],
	[
		"groupSequentialBoundary",
		() => boundaryCall({ informationFraction: infinite }),
		"INVALID_INFORMATION",
		"informationFraction",
	],
	["groupSequentialBoundary", () => boundaryDesignCall({ alpha: 1 }), "INVALID_ALPHA", "alpha"],
	["groupSequentialBoundary", () => boundaryDesignCall({ sides: 3 }), "INVALID_SIDES", "sides"],
	[
		"groupSequentialBoundary",
		() => boundaryDesignCall({ spending: { kind: "linear" } }),
		"INVALID_SPENDING",
		"spending",
	],
	["groupSequentialBoundary", () => boundaryDesignCall({ sides: 2, futility }), "INVALID_SIDES", "sides"],
	...[0, 1].map(
		(beta) =>
			[
				"groupSequentialBoundary",
				() => boundaryDesignCall({ futility: { ...futility, beta } }),
				"INVALID_POWER",
				"futility.beta",
			] as const,
	),
	...[0, infinite].map(
		(drift) =>
			[
				"groupSequentialBoundary",
				() => boundaryDesignCall({ futility: { ...futility, drift } }),
				"INVALID_STATISTIC",
				"futility.drift",
			] as const,
	),
	[
		"groupSequentialBoundary",
		() => boundaryDesignCall({ futility: { ...futility, spending: { kind: "linear" } } }),
		"INVALID_SPENDING",
		"spending",
	],
	...[
		{ ...pastLook, efficacyBound: infinite, futilityBound: null },
		{ ...pastLook, efficacyBound: 1, futilityBound: 1.1 },
	].map(
		(look) =>
			[
				"groupSequentialBoundary",
				() => boundaryCall({ pastLooks: [look] }),
				"INVALID_BOUNDS",
				"efficacyBound",
			] as const,
	),
	["groupSequentialBoundary", () => boundaryCall({ spendingTime: 1.5 }), "INVALID_INFORMATION", "spendingTime"],
	[
		"groupSequentialBoundary",
		() => boundaryCall({ units: { control: 10, treatment: -1 } }),
		"INVALID_INFORMATION",
		"units.treatment",
	],
	[
		"groupSequentialBoundary",
		() => boundaryCall({ pastLooks: [{ ...pastLook, informationFraction: 0, efficacyBound: 3, futilityBound: null }] }),
		"INVALID_INFORMATION",
		"information",
	],
	...[0, infinite].map(
		(plannedVariance) =>
			[
				"groupSequentialTest",
				() =>
					groupSequentialTest({
						design: watchedOnce,
						pastLooks: [],
						effect: { value: 1, variance: 1 },
						plannedVariance,
					}),
				"INVALID_PLANNED_VARIANCE",
				"plannedVariance",
			] as const,
	),
	...[0.05, 1].map(
		(power) => ["planGroupSequential", () => groupPlanCall({ power }), "INVALID_POWER", "power"] as const,
	),
	["planGroupSequential", () => groupPlanCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	[
		"planGroupSequential",
		() => groupPlanCall({ sides: 2, futilitySpending: futility.spending }),
		"INVALID_SIDES",
		"sides",
	],
	[
		"planGroupSequential",
		() => groupPlanCall({ futilitySpending: { kind: "linear" } }),
		"INVALID_SPENDING",
		"spending",
	],
	["planGroupSequential", () => groupPlanCall({ informationFractions: [] }), "INVALID_LOOKS", "informationFractions"],
	[
		"planGroupSequential",
		() => groupPlanCall({ informationFractions: Array.from({ length: 1001 }, (_, look) => (look + 1) / 1001) }),
		"INVALID_LOOKS",
		"informationFractions",
	],
	[
		"planGroupSequential",
		() => groupPlanCall({ informationFractions: [0.5, 0.9] }),
		"INVALID_INFORMATION",
		"informationFractions",
	],
	["planGroupSequential", () => groupPlanCall({ informationFractions: [1, 1] }), "INVALID_INFORMATION", "information"],
	[
		"groupSequentialOutcomes",
		() =>
			groupSequentialOutcomes(planGroupSequential({ ...watchedOnce, power: 0.8, informationFractions: [0.5, 1] }), [
				nan,
			]),
		"INVALID_STATISTIC",
		"effectRatio",
	],
	[
		"hybridComparison",
		() => hybridComparison({ control: sums, treatment: sums, ...watched, alpha: 1, final: true }),
		"INVALID_ALPHA",
		"alpha",
	],
	[
		"hybridComparison",
		() => hybridComparison({ control: sums, treatment: sums, ...watched, plannedUnits: 0, final: true }),
		"INVALID_PLANNED_UNITS",
		"plannedUnits",
	],
	[
		"safeguardedContrast",
		() => safeguardedContrast(sums, sums, { minimumUnits: 1 }),
		"INVALID_MINIMUM_UNITS",
		"minimumUnits",
	],
	[
		"safeguardedCupedContrast",
		() => safeguardedCupedContrast(covariates, covariates, { minimumUnits: 1.5 }),
		"INVALID_MINIMUM_UNITS",
		"minimumUnits",
	],
	["plannedPower", () => powerCall({ alpha: 0 }), "INVALID_ALPHA", "alpha"],
	["plannedPower", () => powerCall({ units: 0 }), "INVALID_UNITS", "units"],
	["plannedPower", () => powerCall({ units: infinite }), "INVALID_UNITS", "units"],
	["plannedPower", () => powerCall({ value: 0 }), "INVALID_EFFECT", "effect.value"],
	["plannedPower", () => powerCall({ value: infinite }), "INVALID_EFFECT", "effect.value"],
	["plannedPower", () => powerCall({ sides: 3 }), "INVALID_SIDES", "sides"],
	["plannedPower", () => powerCall({ controlShare: 0 }), "INVALID_SHARE", "controlShare"],
	["plannedPower", () => powerCall({ controlShare: 1 }), "INVALID_SHARE", "controlShare"],
	["plannedPower", () => powerCall({ treatmentShare: 0 }), "INVALID_SHARE", "treatmentShare"],
	["plannedPower", () => powerCall({ treatmentShare: 0.6 }), "INVALID_SHARE", "controlShare + treatmentShare"],
	["plannedPower", () => powerCall({ varianceReduction: -0.1 }), "INVALID_WEIGHT", "varianceReduction"],
	["plannedPower", () => powerCall({ varianceReduction: 1 }), "INVALID_WEIGHT", "varianceReduction"],
	...[0.9, infinite].map(
		(inflationFactor) =>
			[
				"plannedPower",
				() => planCall({ inference: { kind: "group-sequential", inflationFactor } }),
				"INVALID_INFLATION",
				"inference.inflationFactor",
			] as const,
	),
	...[0, 1.5, 1001].map(
		(looks) => ["plannedPower", () => inferenceCall({ looks }), "INVALID_LOOKS", "inference.looks"] as const,
	),
	...[0, infinite].map(
		(tunedUnits) =>
			["plannedPower", () => inferenceCall({ tunedUnits }), "INVALID_TUNING", "inference.tunedUnits"] as const,
	),
	["plannedPower", () => planCall({ inference: { kind: "hybrid" }, sides: 1 }), "INVALID_SIDES", "sides"],
	[
		"plannedPower",
		() => planCall({ inference: { kind: "always-valid" }, sides: 1, alpha: 0.5 }),
		"INVALID_ALPHA",
		"alpha",
	],
	...[0, 1].map(
		(baseline) =>
			[
				"plannedPower",
				() => planCall({ metric: { kind: "proportion", baseline } }),
				"INVALID_ESTIMATE",
				"metric.baseline",
			] as const,
	),
	...[0, infinite].map(
		(baseline) =>
			[
				"plannedPower",
				() => planCall({ metric: { kind: "quantile", baseline, logVariancePerUnit: 1 } }),
				"INVALID_ESTIMATE",
				"metric.baseline",
			] as const,
	),
	[
		"plannedPower",
		() => planCall({ metric: { kind: "mean", baseline: nan, variancePerUnit: 1 } }),
		"INVALID_ESTIMATE",
		"metric.baseline",
	],
	...[0, infinite].flatMap((variance) => [
		[
			"plannedPower",
			() => planCall({ metric: { kind: "mean", baseline: 1, variancePerUnit: variance } }),
			"INVALID_ESTIMATE",
			"metric.variancePerUnit",
		] as const,
		[
			"plannedPower",
			() => planCall({ metric: { kind: "quantile", baseline: 1, logVariancePerUnit: variance } }),
			"INVALID_ESTIMATE",
			"metric.logVariancePerUnit",
		] as const,
	]),
	["plannedMean", () => plannedMean({ ...arm, variance: -1 }), "INVALID_ESTIMATE", "history.variance"],
	...[-0.1, 1.1].map(
		(value) => ["plannedProportion", () => plannedProportion({ value }), "INVALID_ESTIMATE", "history.value"] as const,
	),
	...[0.05, 1].flatMap((power) => [
		[
			"requiredUnits",
			() => requiredUnits(proportionPlan, { scale: "relative", value: 0.1 }, power),
			"INVALID_POWER",
			"power",
		] as const,
		[
			"minimumDetectableEffect",
			() => minimumDetectableEffect(proportionPlan, { units: 2000, power, scale: "relative" }),
			"INVALID_POWER",
			"power",
		] as const,
	]),
	["plannedDuration", () => durationCall({ units: 0 }), "INVALID_UNITS", "units"],
	["plannedDuration", () => durationCall({ units: infinite }), "INVALID_UNITS", "units"],
	["plannedDuration", () => durationCall({ enrolledShare: 0 }), "INVALID_SHARE", "enrolledShare"],
	["plannedDuration", () => durationCall({ enrolledShare: 1.1 }), "INVALID_SHARE", "enrolledShare"],
	["plannedDuration", () => durationCall({ maturationDays: -1 }), "INVALID_TRAFFIC", "maturationDays"],
	["plannedDuration", () => durationCall({ maturationDays: 0.5 }), "INVALID_TRAFFIC", "maturationDays"],
	["plannedDuration", () => durationCall({ newUnitsPerDay: [] }), "INVALID_TRAFFIC", "newUnitsPerDay"],
	["plannedDuration", () => durationCall({ newUnitsPerDay: [1, -1] }), "INVALID_TRAFFIC", "newUnitsPerDay[1]"],
	["plannedDuration", () => durationCall({ newUnitsPerDay: [infinite] }), "INVALID_TRAFFIC", "newUnitsPerDay[0]"],
];

/** The ends of a domain that belong to it. */
const ACCEPTED: readonly (readonly [string, () => unknown])[] = [
	["an alpha near 0", () => compareRatiosCall({ alpha: least })],
	["an alpha near 1", () => compareRatiosCall({ alpha: below1 })],
	["the shortest and the longest plan", () => [1, 1e15].map((plannedUnits) => compareRatiosCall({ plannedUnits }))],
	["two units as the minimum", () => compareRatiosCall({ minimumUnits: 2 })],
	["a one-sided alpha near 0.5", () => compareOneSidedCall({ alpha: 0.4999 })],
	["no margin", () => compareOneSidedCall({ margin: 0 })],
	["counts of 0", () => proportionsCall({ control: { units: 0, successes: 0 } })],
	["a success in every unit", () => proportionsCall({ control: { units: 100, successes: 100 } })],
	["one coefficient, one observation", () => tTestCall({ observations: 1, coefficients: 1 })],
	["an effect without variance", () => bayesCall({ variance: 0 })],
	["p-values 0 and 1", () => holm([0, 1])],
	["e-values 0 and infinite", () => eBenjaminiHochberg([-infinite, infinite], 0.05)],
	["no trial", () => betaBinomialLogEValue(0, 0, { mean: 0.5, tunedTrials: 9 })],
	["10¹² trials, all successes", () => betaBinomialLogEValue(1e12, 1e12, { mean: 0.5, tunedTrials: 9 })],
	["the means 0 and 1", () => [bettingLogEValue([0.5], 0, 0.05), bettingLogEValue([0.5], 1, 0.05)]],
	["bounds that meet", () => boundaryCrossing([{ information: 1, lower: 1, upper: 1 }], 0)],
	["one look", () => naivePeekingErrorRate(1, 0.05)],
	["an arm without variance", () => armCall({ variance: 0 })],
	["one unit without degrees of freedom", () => armCall({ units: 1 })],
	["a grid of one value", () => quantileTestCall({})],
	["iteration 0", () => combineEValues([{ iteration: 0, logEValue: 0 }])],
	["an estimate without error", () => equivalenceCall({ standardError: 0 })],
	["the most violations", () => firstViolationCall({ treatment: 1e12, control: 1e12 })],
	["no violation", () => firstViolationCall({ treatment: 0, control: 0 })],
	["the smallest share", () => firstViolationCall({ treatmentShare: 1e-6 })],
	["the margins 1 and 1000", () => [1, 1000].map((rateRatioMargin) => firstViolationCall({ rateRatioMargin }))],
	["the priors 0.01 and 10⁶", () => [0.01, 1e6].map((priorStrength) => firstViolationCall({ priorStrength }))],
	["no intrinsic time", () => gammaExponentialLogEValue(0, 0, { rho: 1, scale: 1 })],
	["no non-inferiority margin", () => nonInferiorityCall({ margin: 0 })],
	["a stratum without weight beside one with", () => postStratifiedArms([...weighted(0), ...weighted(1)])],
	["no observations", () => quantileRanks(0, 0.5)],
	["one start kept, and a whole share", () => scheduleCall({ scales: [{ ...scale, keptStarts: 1, share: 1 }] })],
	["shares that sum to 1", () => scheduleCall({ scales: [scale, { ...scale, intervalMs: 2000 }] })],
	["no information", () => spendCall({ information: 0 })],
	["gamma 40 and −40", () => [40, -40].map((gamma) => spentError({ kind: "hwang-shih-decani", gamma }, 0.05, 0.5))],
	["floors that leave no freedom", () => [thompsonCall({ floor: 0.5 }), trackCall({ floor: 0.5 })]],
	["no floor", () => [thompsonCall({ floor: 0 }), trackCall({ floor: 0 })]],
	["the fewest draws", () => thompsonCall({ draws: 100 })],
	["excluded shares 0 and 1", () => [0, 1].map((excludedShare) => verdictCall({ excludedShare }))],
	[
		"an arm that has neither weight nor units",
		() => sampleRatioMismatch({ observed: { a: 0, b: 0 }, allocation: { a: 1, b: 0 } }),
	],
	["no variance reduction, one look", () => inferenceCall({ looks: 1, varianceReduction: 0 })],
	["shares that leave a third arm its own", () => powerCall({ controlShare: 0.3, treatmentShare: 0.3 })],
	["an inflation of 1", () => planCall({ inference: { kind: "group-sequential", inflationFactor: 1 } })],
	["one look", () => groupPlanCall({ informationFractions: [1] })],
	["every unit enrolled, none on a day", () => durationCall({ enrolledShare: 1, newUnitsPerDay: [0, 100] })],
	["shares of 0 and 1 in history", () => [0, 1].map((value) => plannedProportion({ value }))],
	["bounds that meet", () => boundaryCall({ pastLooks: [{ ...pastLook, efficacyBound: 2, futilityBound: 2 }] })],
];

describe("StatsError", () => {
	it.each(REFUSED.map(([name, call, code, field]) => ({ name, call, code, field })))(
		"of $name: $code for $field",
		({ call, code, field }) => {
			let thrown: unknown;
			try {
				call();
			} catch (error) {
				thrown = error;
			}
			expect(thrown).toBeInstanceOf(StatsError);
			expect(thrown).toMatchObject({ name: "StatsError", code, details: { field } });
			// People read the same name, and what would have been right.
			if (code !== "ARMS_DIFFER") expect((thrown as StatsError).message).toContain(`invalid ${field}: `);
			expect((thrown as StatsError).message).toMatch(/; expected \S/);
		},
	);

	it.each(ACCEPTED.map(([name, call]) => ({ name, call })))("is not thrown for $name", ({ call }) => {
		expect(call).not.toThrow();
	});

	it("carries what caused it", () => {
		const cause = new Error("first");
		expect(new StatsError("INVALID_ALPHA", "later", { field: "alpha", value: 2 }, cause).cause).toBe(cause);
		expect(new StatsError("INVALID_ALPHA", "alone", { field: "alpha", value: 2 })).not.toHaveProperty("cause");
	});
});
