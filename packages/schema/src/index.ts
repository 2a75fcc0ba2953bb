export { BUILT_IN_METRICS, findMetric, METRICS } from "./built-in-metrics.ts";
export { Decision } from "./decision.ts";
export { Environment, Override } from "./environment.ts";
export {
	Allocation,
	AttributeName,
	AudienceCondition,
	Experiment,
	ExperimentStatus,
	ExperimentVariant,
	Guardrail,
	ITERATION_FIELDS,
	UnitType,
} from "./experiment.ts";
export { UnitForgetting, UnitForgotten } from "./forgotten-unit.ts";
export { JsonValue, ModelParameters } from "./json-value.ts";
export {
	Direction,
	METRIC_COLUMNS,
	METRIC_QUANTITIES,
	MetricCondition,
	MetricDefinition,
	MetricKey,
	MetricQuantity,
	MetricSource,
	metricScale,
	metricUnit,
	readsQuantity,
} from "./metric.ts";
export { Name, PromptDigest, PromptName, PromptVersion, SemanticVersion } from "./names.ts";
export { InferencePlan, MetricList, PowerPlan, SqlAnswer, SqlQuestion } from "./power.ts";
export { PromptFrontMatter } from "./prompt-front-matter.ts";
export { type MappedPrompt, PromptMapping } from "./prompt-mapping.ts";
export {
	CacheAdjustedComparison,
	Effect,
	ExperimentResults,
	GuardrailResult,
	HealthWarning,
	MetricComparison,
	MetricDay,
	MetricDesignEffect,
	MetricResult,
	NotEstimable,
	PlannedLook,
	SegmentComparison,
	SegmentResult,
	TestedLook,
	TreatmentVerdict,
	VariantEstimate,
	Verdict,
	VerdictReason,
	VersionComparison,
} from "./results.ts";
export {
	DEFAULT_VARIANT,
	HASH_VERSION,
	RollbackRecord,
	type RoutedExperiment,
	type RoutedStatus,
	RoutingFile,
	RoutingFlag,
	RoutingFlagMetadata,
	RoutingShadow,
	RoutingVariant,
	routedExperiments,
	routedSegments,
} from "./routing-file.ts";
export { SeenUnits } from "./seen-units.ts";
export {
	isSqlPlaceholder,
	SQL_PLACEHOLDERS,
	type SqlPlaceholder,
	sqlPlaceholders,
	withSqlPlaceholders,
} from "./sql-placeholders.ts";
export { StartupReport } from "./startup-report.ts";
