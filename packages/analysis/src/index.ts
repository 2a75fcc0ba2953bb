export { AnalysisError, type AnalysisErrorCode, type AnalysisErrorDetails } from "./analysis-error.ts";
export {
	type AnalyzeExperimentOptions,
	analyzeExperiment,
	iterationStart,
	routedAfterHalt,
} from "./analyze-experiment.ts";
export { type CompareVersionsOptions, compareVersions } from "./compare-versions.ts";
export { type ExperimentMetric, experimentMetrics, metricOf } from "./experiment-metrics.ts";
export {
	type CheckGuardrailsOptions,
	checkGuardrails,
	type GuardrailCheck,
	GuardrailInputs,
	guardrailStatistic,
	replayDecision,
} from "./guardrail-check.ts";
export {
	closingDecision,
	type DecisionContext,
	endDecision,
	guardrailDecision,
	metricGuardrailDecision,
	startDecision,
} from "./guardrail-decision.ts";
export { intervalLevel } from "./interval-level.ts";
export { changedFields, type IterationDesign, recordedDesign } from "./iteration-design.ts";
export {
	type CheckMetricGuardrailsOptions,
	checkMetricGuardrails,
	type MetricGuardrailCheck,
	MetricGuardrailInputs,
	metricGuardrailStatistic,
} from "./metric-guardrail-check.ts";
export { type MetricHistory, type MetricHistoryOptions, metricHistory } from "./metric-history.ts";
export { planInThread } from "./plan-in-thread.ts";
export { type PlannedDesign, type PowerPlanOptions, powerPlan } from "./power-plan.ts";
