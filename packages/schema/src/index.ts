export { Decision } from "./decision.ts";
export { Environment } from "./environment.ts";
export {
	AudienceCondition,
	Experiment,
	ExperimentStatus,
	ExperimentVariant,
	Guardrail,
	UnitType,
} from "./experiment.ts";
export { JsonValue, ModelParameters } from "./json-value.ts";
export { Direction, METRICS, MetricKey } from "./metric.ts";
export { Name, PromptDigest, PromptName, PromptVersion, SemanticVersion } from "./names.ts";
export { PromptFrontMatter } from "./prompt-front-matter.ts";
export {
	Effect,
	ExperimentResults,
	GuardrailResult,
	MetricComparison,
	MetricResult,
	NotEstimable,
	VariantEstimate,
	Verdict,
} from "./results.ts";
export {
	DEFAULT_VARIANT,
	HASH_VERSION,
	RoutingFile,
	RoutingFlag,
	RoutingFlagMetadata,
	RoutingVariant,
} from "./routing-file.ts";
