/**
 * Attribute keys and event names, in one place.
 *
 * Standard keys follow OpenTelemetry semantic conventions for generative AI
 * (semantic-conventions-genai, schema 1.42) and for feature flags (core 1.44, release candidate).
 * Keys for which no convention exists live under `armspan.`.
 */

/** Prompt identity on every LLM span of a routed call (semantic-conventions-genai #179). */
export const GEN_AI_PROMPT_NAME = "gen_ai.prompt.name";
export const GEN_AI_PROMPT_VERSION = "gen_ai.prompt.version";

export const GEN_AI_OPERATION_NAME = "gen_ai.operation.name";
export const GEN_AI_PROVIDER_NAME = "gen_ai.provider.name";
export const GEN_AI_REQUEST_MODEL = "gen_ai.request.model";
export const GEN_AI_REQUEST_STREAM = "gen_ai.request.stream";
export const GEN_AI_RESPONSE_ID = "gen_ai.response.id";
export const GEN_AI_RESPONSE_MODEL = "gen_ai.response.model";
export const GEN_AI_RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons";
/** Seconds, double. */
export const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk";
export const GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens";
export const GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
export const GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens";
export const GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens";
export const ERROR_TYPE = "error.type";

export const GEN_AI_EVALUATION_NAME = "gen_ai.evaluation.name";
export const GEN_AI_EVALUATION_SCORE_VALUE = "gen_ai.evaluation.score.value";
export const GEN_AI_EVALUATION_SCORE_LABEL = "gen_ai.evaluation.score.label";
export const GEN_AI_EVALUATION_EXPLANATION = "gen_ai.evaluation.explanation";

export const FEATURE_FLAG_KEY = "feature_flag.key";
export const FEATURE_FLAG_RESULT_VARIANT = "feature_flag.result.variant";
export const FEATURE_FLAG_RESULT_REASON = "feature_flag.result.reason";
export const FEATURE_FLAG_CONTEXT_ID = "feature_flag.context.id";
export const FEATURE_FLAG_PROVIDER_NAME = "feature_flag.provider.name";
export const FEATURE_FLAG_SET_ID = "feature_flag.set.id";
export const FEATURE_FLAG_VERSION = "feature_flag.version";

/** Key of the experiment in which the unit is enrolled; absent when it is not enrolled. */
export const ARMSPAN_EXPERIMENT = "armspan.experiment";
/** Iteration of that experiment, integer ≥ 1. */
export const ARMSPAN_ITERATION = "armspan.iteration";
export const ARMSPAN_ENROLLED = "armspan.enrolled";
export const ARMSPAN_UNIT_TYPE = "armspan.unit.type";
export const ARMSPAN_UNIT_ID = "armspan.unit.id";
/** sha256 of the prompt file's bytes, 64 hex digits; of a prompt in code, its fingerprint. */
export const ARMSPAN_PROMPT_DIGEST = "armspan.prompt.digest";
export const ARMSPAN_ROUTING_REVISION = "armspan.routing.revision";
export const ARMSPAN_SHADOW = "armspan.shadow";
export const ARMSPAN_FALLBACK_REASON = "armspan.fallback.reason";
/** Begins the attributes that name a unit's segments on its exposure, such as `armspan.segment.plan`. */
export const ARMSPAN_SEGMENT_PREFIX = "armspan.segment.";
/** Identity of an event, for deduplication. */
export const ARMSPAN_EVENT_ID = "armspan.event.id";
/** `feedback`, `score` or `conversion`. */
export const ARMSPAN_EVALUATION_KIND = "armspan.evaluation.kind";
/** Cost of one call in US dollars, double. No convention is merged yet (semantic-conventions-genai #443). */
export const ARMSPAN_COST_USD = "armspan.cost.usd";
/** `provider` when the provider stated the cost, `price-table` when it was computed from usage. */
export const ARMSPAN_COST_SOURCE = "armspan.cost.source";

export const EVENT_FEATURE_FLAG_EVALUATION = "feature_flag.evaluation";
export const EVENT_GEN_AI_EVALUATION_RESULT = "gen_ai.evaluation.result";

/** Leaf operations: the spans that are calls. Agent, step and tool spans wrap them and are not counted. */
export const LEAF_OPERATIONS = ["chat", "text_completion", "generate_content", "embeddings"] as const;

/** Revision of the routing bundle in force; gauge, `{revision}`. */
export const METRIC_ARMSPAN_ROUTING_REVISION = "armspan.routing.revision";
/** 1 while the bundle in force may not be the newest, else 0; gauge. */
export const METRIC_ARMSPAN_ROUTING_STALE = "armspan.routing.stale";
/** Why it is stale: a code of `RouterError`, `FROM_CACHE` or `INTERNAL`. */
export const ARMSPAN_ROUTING_STALE_REASON = "armspan.routing.stale.reason";
/** Since the source last confirmed the bundle in force; gauge, seconds. */
export const METRIC_ARMSPAN_ROUTING_AGE = "armspan.routing.age";
/** Bundles refused, by `error.type`; counter, `{refusal}`. */
export const METRIC_ARMSPAN_ROUTING_REFUSED = "armspan.routing.refused";
