export {
	compareRatios,
	DEFAULT_MINIMUM_UNITS,
	type RatioComparison,
	type RatioComparisonOptions,
} from "./always-valid-comparison.ts";
export {
	type AnytimeValidTTest,
	type AnytimeValidTTestOptions,
	anytimeValidTTest,
	tuneAnytimeValidT,
} from "./anytime-valid-t-test.ts";
export type { ArmEstimate } from "./arm-estimate.ts";
export {
	type ArmAgainstControl,
	type ArmsAgainstControl,
	type ArmsAgainstControlOptions,
	armsAgainstControl,
} from "./arms-against-control.ts";
export {
	oneSidedLogEValue,
	oneSidedRadiusMultiplier,
	pValueOfLogEValue,
	tuneRhoSquared,
	twoSidedLogEValue,
	twoSidedRadiusMultiplier,
} from "./asymptotic-confidence-sequence.ts";
export { type BayesianDisplay, type BayesianDisplayOptions, bayesianDisplay } from "./bayesian-display.ts";
export { benjaminiHochberg } from "./benjamini-hochberg.ts";
export {
	type BernoulliConfidenceSequenceOptions,
	bernoulliConfidenceSequence,
	type MeanInterval,
} from "./bernoulli-confidence-sequence.ts";
export { type BestArmClaim, type BestArmClaimOptions, bestArmClaim, type LeadOverArm } from "./best-arm-claim.ts";
export { type BetaBinomialDesign, betaBinomialLogEValue } from "./beta-binomial-mixture.ts";
export { bettingConfidenceSequence, bettingDifference, bettingLogEValue } from "./betting-confidence-sequence.ts";
export {
	type BoundaryCrossing,
	type BoundedLook,
	boundaryCrossing,
	naivePeekingErrorRate,
} from "./boundary-crossing.ts";
export { absoluteContrast, type Contrast, contrastOf, relativeContrast } from "./contrast.ts";
export {
	type CovariateSums,
	covariateSumsOfMean,
	type MeanCovariateSums,
	mergeCovariateSums,
} from "./covariate-sums.ts";
export { type CupedContrast, type CupedOptions, cupedContrast } from "./cuped-contrast.ts";
export { type DesignEffect, designEffect } from "./design-effect.ts";
export type { DisplayOnly } from "./display-only.ts";
export {
	type BelowGrid,
	type DistributionFreeQuantileTest,
	type DistributionFreeQuantileTestOptions,
	distributionFreeQuantileTest,
} from "./distribution-free-quantile-test.ts";
export { eBenjaminiHochberg } from "./e-benjamini-hochberg.ts";
export { combineEValues, type LedgerEntry } from "./e-value-ledger.ts";
export { empiricalBernsteinConfidenceSequence } from "./empirical-bernstein-confidence-sequence.ts";
export { type Equivalence, type EquivalenceEstimate, type EquivalenceOptions, equivalence } from "./equivalence.ts";
export {
	type EValue,
	type FirstViolationDesign,
	type FirstViolations,
	firstViolationEProcess,
} from "./first-violation-e-process.ts";
export { type GammaExponentialDesign, gammaExponentialLogEValue, tuneMixture } from "./gamma-exponential-mixture.ts";
export { type GridQuantileEvidence, gridQuantileEstimate } from "./grid-quantile-estimate.ts";
export {
	type FutilityDesign,
	type GroupSequentialBoundary,
	type GroupSequentialBoundaryOptions,
	type GroupSequentialDesign,
	type GroupSequentialLook,
	groupSequentialBoundary,
	UNREACHABLE_BOUND,
} from "./group-sequential-boundary.ts";
export {
	type GroupSequentialComparisonOptions,
	groupSequentialComparison,
} from "./group-sequential-comparison.ts";
export {
	type GroupSequentialOutcome,
	type GroupSequentialPlan,
	type GroupSequentialPlanOptions,
	groupSequentialOutcomes,
	planGroupSequential,
} from "./group-sequential-plan.ts";
export {
	type GroupSequentialResult,
	type GroupSequentialTestOptions,
	groupSequentialTest,
} from "./group-sequential-test.ts";
export { type GuardrailHalts, guardrailHalts } from "./guardrail-halts.ts";
export { type GuardrailEvidence, type GuardrailStatus, guardrailStatus } from "./guardrail-status.ts";
export { holm } from "./holm.ts";
export { type HybridComparison, type HybridComparisonOptions, hybridComparison } from "./hybrid-comparison.ts";
export { type IntersectionUnion, intersectionUnion } from "./intersection-union.ts";
export { type MeanSums, meanEstimate, mergeMeanSums, ratioSumsOfMean } from "./mean-estimate.ts";
export {
	type MinimumDetectableEffect,
	type MinimumDetectableEffectOptions,
	minimumDetectableEffect,
} from "./minimum-detectable-effect.ts";
export { type NonInferiority, type NonInferiorityOptions, nonInferiority } from "./non-inferiority.ts";
export { type NotEstimable, type NotEstimableReason, notEstimable } from "./not-estimable.ts";
export {
	compareOneSided,
	type HarmMargin,
	type OneSidedComparison,
	type OneSidedComparisonOptions,
} from "./one-sided-comparison.ts";
export type { ArmUnits } from "./places-in-chain.ts";
export { type PlannedDuration, type PlannedDurationOptions, plannedDuration } from "./planned-duration.ts";
export {
	type PlannedEffect,
	type PlannedMetric,
	plannedMean,
	plannedProportion,
	plannedQuantile,
} from "./planned-metric.ts";
export {
	type ComparisonPlan,
	DEFAULT_PLANNED_LOOKS,
	type PlannedInference,
	type PlannedPower,
	plannedPower,
} from "./planned-power.ts";
export { type PooledLevel, pooledLevel } from "./pooled-level.ts";
export {
	type PostStratifiedArms,
	postStratifiedArms,
	postStratifiedContrast,
	type Stratum,
	type StratumContrast,
} from "./post-stratification.ts";
export {
	type ProportionComparison,
	type ProportionComparisonOptions,
	proportionComparison,
	SCORE_INTERVAL_BELOW,
} from "./proportion-comparison.ts";
export {
	type ProportionCounts,
	type ProportionEstimate,
	type ProportionEstimateOptions,
	proportionEstimate,
} from "./proportion-estimate.ts";
export { type QuantileComparison, quantileComparison } from "./quantile-comparison.ts";
export {
	type QuantileEstimate,
	type QuantileEvidence,
	type QuantileRanks,
	quantileEstimate,
	quantileRanks,
} from "./quantile-estimate.ts";
export { ratioContrast } from "./ratio-contrast.ts";
export { type RatioEstimate, type RatioEstimateOptions, ratioEstimate } from "./ratio-estimate.ts";
export { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
export { type EffectEstimate, relativeEffect, type ValueWithVariance } from "./relative-effect.ts";
export { type RepeatedPValueOptions, repeatedPValue } from "./repeated-p-value.ts";
export { type RequiredUnits, requiredUnits } from "./required-units.ts";
export {
	DEFAULT_RESTART_SCALES,
	type Restart,
	type RestartScale,
	type RestartScheduleOptions,
	restartSchedule,
} from "./restart-schedule.ts";
export {
	type ComparisonSinceStart,
	DEFAULT_RESTART_MINIMUM_UNITS,
	type RestartingComparison,
	type RestartingComparisonOptions,
	restartingComparison,
	type SumsSinceStart,
} from "./restarting-comparison.ts";
export {
	type RestartingEProcess,
	type RestartingEProcessOptions,
	restartingEProcess,
	type StartEvidence,
	type ViolationsSinceStart,
} from "./restarting-e-process.ts";
export { type SafeguardedContrastOptions, safeguardedContrast } from "./safeguarded-contrast.ts";
export { type SafeguardedCupedOptions, safeguardedCupedContrast } from "./safeguarded-cuped-contrast.ts";
export {
	DEFAULT_MISMATCH_THRESHOLD,
	type SampleRatioMismatch,
	type SampleRatioMismatchOptions,
	sampleRatioMismatch,
} from "./sample-ratio-mismatch.ts";
export {
	compareProportionsSequentially,
	type SequentialProportionComparison,
	type SequentialProportionComparisonOptions,
} from "./sequential-proportion-comparison.ts";
export {
	compareQuantilesSequentially,
	type SequentialQuantileComparison,
	type SequentialQuantileComparisonOptions,
} from "./sequential-quantile-comparison.ts";
export {
	type SequentialSampleRatioMismatch,
	type SequentialSampleRatioMismatchOptions,
	sequentialSampleRatioMismatch,
} from "./sequential-sample-ratio-mismatch.ts";
export { type SpendingFunction, spentError } from "./spending-function.ts";
export { StatsError, type StatsErrorCode, type StatsErrorDetails } from "./stats-error.ts";
export { type TopTwoThompsonOptions, topTwoThompsonAllocation } from "./top-two-thompson-sampling.ts";
export {
	type Allocation,
	type AllocationOptions,
	type ArmMoments,
	type HeuristicStop,
	heuristicBestArmStop,
	trackAndStopAllocation,
} from "./track-and-stop.ts";
export { type UnitMeanBesideRatio, type UnitMeanEvidence, unitMeanBesideRatio } from "./unit-mean.ts";
export {
	EXCLUDED_SHARE_ALARM,
	type Verdict,
	type VerdictEvidence,
	type VerdictKind,
	type VerdictReason,
	verdict,
} from "./verdict.ts";
export {
	type FixedComparison,
	type FixedComparisonOptions,
	fixedComparison,
	welchComparison,
} from "./welch-comparison.ts";
export { mergeWinsorizedSums, type WinsorizedMean, type WinsorizedSums, winsorizedMean } from "./winsorized-mean.ts";
