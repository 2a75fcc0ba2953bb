-- Evidence: narrow, typed, without prompt text, one row per identity once merged (read with FINAL).
-- The unit comes before the identity in the sorting key, because every statistic is grouped by unit.
-- No partitions: a partition key of time would make a batch with many odd days be refused or explode into parts,
-- and duplicates in two partitions would never meet.
-- Quantities are integers; what cannot be (NaN, infinite, negative, above 1e15, not a number) is NULL and sets `quarantined`.

{{#superseded}}CREATE TABLE IF NOT EXISTS llm_calls{{local}}{{on_cluster}}
(
    experiment LowCardinality(String),
    iteration UInt32,
    unit_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    variant LowCardinality(String),
    enrolled Bool,
    shadow Bool,
    routing_revision UInt64,
    is_error Bool,
    quarantined Bool,
    started_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    latency_us Nullable(Int64) CODEC(ZSTD(1)),
    time_to_first_chunk_us Nullable(Int64) CODEC(ZSTD(1)),
    cost_nano_usd Nullable(Int64) CODEC(ZSTD(1)),
    input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    output_tokens Nullable(Int64) CODEC(ZSTD(1)),
    cached_tokens Nullable(Int64) CODEC(ZSTD(1)),
    reasoning_tokens Nullable(Int64) CODEC(ZSTD(1)),
    unit_type LowCardinality(String),
    service LowCardinality(String),
    operation LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    prompt_digest LowCardinality(String),
    error_type LowCardinality(String),
    finish_reason LowCardinality(String),
    fallback_reason LowCardinality(String),
    response_id String CODEC(ZSTD(1))
)
ENGINE = {{replicated}}ReplacingMergeTree{{replica}}
ORDER BY (experiment, iteration, unit_id, trace_id, span_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS llm_calls_mv{{on_cluster}} TO llm_calls AS
WITH
    SpanAttributes AS a,
    -- name and version of one source, never mixed
    arrayFirst(pair -> pair.1 != '', [
        (a['gen_ai.prompt.name'], a['gen_ai.prompt.version']),
        (a['langfuse.observation.prompt.name'], a['langfuse.observation.prompt.version']),
        (a['langfuse.prompt.name'], a['langfuse.prompt.version']),
        (a['traceloop.prompt.key'], a['traceloop.prompt.version']),
        (a['prompt.id'], a['llm.prompt_template.version'])
    ]) AS prompt,
    multiIf(
        a['gen_ai.operation.name'] != '', a['gen_ai.operation.name'],
        a['llm.request.type'] = 'completion', 'text_completion',
        a['llm.request.type'] = 'embedding', 'embeddings',
        a['llm.request.type'] != '', a['llm.request.type'],
        a['openinference.span.kind'] = 'LLM', 'chat',
        a['openinference.span.kind'] = 'EMBEDDING', 'embeddings',
        '') AS leaf_operation,
    a['feature_flag.result.variant'] AS flag_variant,
    arrayFirst(text -> text != '', [a['gen_ai.usage.input_tokens'], a['gen_ai.usage.prompt_tokens'], a['llm.token_count.prompt']]) AS input_text,
    arrayFirst(text -> text != '', [a['gen_ai.usage.output_tokens'], a['gen_ai.usage.completion_tokens'], a['llm.token_count.completion']]) AS output_text,
    arrayFirst(text -> text != '', [a['gen_ai.usage.cache_read.input_tokens'], a['gen_ai.usage.cache_read_input_tokens'], a['llm.token_count.prompt_details.cache_read']]) AS cached_text,
    arrayFirst(text -> text != '', [a['gen_ai.usage.reasoning.output_tokens'], a['gen_ai.usage.reasoning_tokens'], a['llm.token_count.completion_details.reasoning']]) AS reasoning_text,
    arrayFirst(text -> text != '', [a['armspan.cost.usd'], a['gen_ai.usage.cost'], a['llm.cost.total']]) AS cost_text,
    a['gen_ai.response.time_to_first_chunk'] AS first_chunk_text,
    -- accurateCastOrNull is total where toInt64(nan) throws
    accurateCastOrNull(toFloat64OrNull(input_text), 'Int64') AS input_any,
    accurateCastOrNull(toFloat64OrNull(output_text), 'Int64') AS output_any,
    accurateCastOrNull(toFloat64OrNull(cached_text), 'Int64') AS cached_any,
    accurateCastOrNull(toFloat64OrNull(reasoning_text), 'Int64') AS reasoning_any,
    accurateCastOrNull(round(toFloat64OrNull(cost_text) * 1e9), 'Int64') AS cost_any,
    accurateCastOrNull(round(toFloat64OrNull(first_chunk_text) * 1e6), 'Int64') AS first_chunk_any,
    Timestamp >= toDateTime64('2020-01-01 00:00:00', 9, 'UTC') AND Timestamp <= now64(9) + INTERVAL 1 DAY AS time_possible
SELECT
    a['armspan.experiment'] AS experiment,
    toUInt32OrZero(a['armspan.iteration']) AS iteration,
    a['armspan.unit.id'] AS unit_id,
    TraceId AS trace_id,
    SpanId AS span_id,
    if(position(flag_variant, '.') > 0, substring(flag_variant, position(flag_variant, '.') + 1), flag_variant) AS variant,
    a['armspan.enrolled'] = 'true' AS enrolled,
    a['armspan.shadow'] = 'true' AS shadow,
    toUInt64OrZero(a['armspan.routing.revision']) AS routing_revision,
    StatusCode IN ('Error', 'STATUS_CODE_ERROR') OR a['error.type'] != '' AS is_error,
    NOT time_possible
        OR latency_us IS NULL
        OR (input_text != '' AND input_tokens IS NULL)
        OR (output_text != '' AND output_tokens IS NULL)
        OR (cached_text != '' AND cached_tokens IS NULL)
        OR (reasoning_text != '' AND reasoning_tokens IS NULL)
        OR (cost_text != '' AND cost_nano_usd IS NULL)
        OR (first_chunk_text != '' AND time_to_first_chunk_us IS NULL) AS quarantined,
    if(time_possible, toDateTime64(Timestamp, 6, 'UTC'), NULL) AS started_at,
    if(Duration <= 1000000000000000000, toInt64(intDiv(Duration, 1000)), NULL) AS latency_us,
    if(first_chunk_any BETWEEN 0 AND 1000000000000000, first_chunk_any, NULL) AS time_to_first_chunk_us,
    if(cost_any BETWEEN 0 AND 1000000000000000, cost_any, NULL) AS cost_nano_usd,
    if(input_any BETWEEN 0 AND 1000000000000000, input_any, NULL) AS input_tokens,
    if(output_any BETWEEN 0 AND 1000000000000000, output_any, NULL) AS output_tokens,
    if(cached_any BETWEEN 0 AND 1000000000000000, cached_any, NULL) AS cached_tokens,
    if(reasoning_any BETWEEN 0 AND 1000000000000000, reasoning_any, NULL) AS reasoning_tokens,
    a['armspan.unit.type'] AS unit_type,
    ServiceName AS service,
    leaf_operation AS operation,
    arrayFirst(text -> text != '', [a['gen_ai.provider.name'], a['gen_ai.system'], a['llm.provider']]) AS provider,
    arrayFirst(text -> text != '', [a['gen_ai.request.model'], a['llm.model_name'], a['gen_ai.response.model']]) AS model,
    prompt.1 AS prompt_name,
    prompt.2 AS prompt_version,
    a['armspan.prompt.digest'] AS prompt_digest,
    a['error.type'] AS error_type,
    JSONExtractString(a['gen_ai.response.finish_reasons'], 1) AS finish_reason,
    a['armspan.fallback.reason'] AS fallback_reason,
    a['gen_ai.response.id'] AS response_id
FROM otel_traces{{local}}
WHERE leaf_operation IN ('chat', 'text_completion', 'generate_content', 'embeddings') AND prompt.1 != '';

{{/superseded}}CREATE TABLE IF NOT EXISTS exposures{{local}}{{on_cluster}}
(
    experiment LowCardinality(String),
    iteration UInt32,
    unit_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    variant LowCardinality(String),
    enrolled Bool,
    shadow Bool,
    routing_revision UInt64,
    quarantined Bool,
    exposed_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    unit_type LowCardinality(String),
    service LowCardinality(String),
    flag_key LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    reason LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1))
)
ENGINE = {{replicated}}ReplacingMergeTree{{replica}}
ORDER BY (experiment, iteration, unit_id, event_id);{{#cluster}}

CREATE TABLE IF NOT EXISTS exposures{{on_cluster}} AS exposures{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'exposures{{local}}', cityHash64(unit_id));{{/cluster}}

CREATE MATERIALIZED VIEW IF NOT EXISTS exposures_mv{{on_cluster}} TO exposures AS
WITH
    LogAttributes AS a,
    a['feature_flag.result.variant'] AS flag_variant,
    Timestamp >= toDateTime64('2020-01-01 00:00:00', 9, 'UTC') AND Timestamp <= now64(9) + INTERVAL 1 DAY AS time_possible
SELECT
    a['armspan.experiment'] AS experiment,
    toUInt32OrZero(a['armspan.iteration']) AS iteration,
    if(a['armspan.unit.id'] != '', a['armspan.unit.id'], a['feature_flag.context.id']) AS unit_id,
    -- an event that brings no identity is identified by all it says
    if(a['armspan.event.id'] != '', a['armspan.event.id'], lower(hex(sipHash128(Timestamp, TraceId, SpanId, ServiceName, Body, mapKeys(a), mapValues(a))))) AS event_id,
    if(position(flag_variant, '.') > 0, substring(flag_variant, position(flag_variant, '.') + 1), flag_variant) AS variant,
    a['armspan.enrolled'] = 'true' AS enrolled,
    a['armspan.shadow'] = 'true' AS shadow,
    toUInt64OrZero(a['armspan.routing.revision']) AS routing_revision,
    NOT time_possible AS quarantined,
    if(time_possible, toDateTime64(Timestamp, 6, 'UTC'), NULL) AS exposed_at,
    a['armspan.unit.type'] AS unit_type,
    ServiceName AS service,
    a['feature_flag.key'] AS flag_key,
    a['gen_ai.prompt.name'] AS prompt_name,
    a['gen_ai.prompt.version'] AS prompt_version,
    a['feature_flag.result.reason'] AS reason,
    TraceId AS trace_id,
    SpanId AS span_id
FROM otel_logs{{local}}
WHERE if(EventName != '', EventName, a['event.name']) = 'feature_flag.evaluation';

CREATE TABLE IF NOT EXISTS evaluations{{local}}{{on_cluster}}
(
    experiment LowCardinality(String),
    iteration UInt32,
    unit_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    variant LowCardinality(String),
    enrolled Bool,
    shadow Bool,
    routing_revision UInt64,
    kind LowCardinality(String),
    name LowCardinality(String),
    quarantined Bool,
    evaluated_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    score_micros Nullable(Int64) CODEC(ZSTD(1)),
    label LowCardinality(String),
    unit_type LowCardinality(String),
    service LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    response_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1))
)
ENGINE = {{replicated}}ReplacingMergeTree{{replica}}
ORDER BY (experiment, iteration, unit_id, event_id);{{#cluster}}

CREATE TABLE IF NOT EXISTS evaluations{{on_cluster}} AS evaluations{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'evaluations{{local}}', cityHash64(unit_id));{{/cluster}}

CREATE MATERIALIZED VIEW IF NOT EXISTS evaluations_mv{{on_cluster}} TO evaluations AS
WITH
    LogAttributes AS a,
    a['feature_flag.result.variant'] AS flag_variant,
    a['gen_ai.evaluation.score.value'] AS score_text,
    accurateCastOrNull(round(toFloat64OrNull(score_text) * 1e6), 'Int64') AS score_any,
    Timestamp >= toDateTime64('2020-01-01 00:00:00', 9, 'UTC') AND Timestamp <= now64(9) + INTERVAL 1 DAY AS time_possible
SELECT
    a['armspan.experiment'] AS experiment,
    toUInt32OrZero(a['armspan.iteration']) AS iteration,
    a['armspan.unit.id'] AS unit_id,
    if(a['armspan.event.id'] != '', a['armspan.event.id'], lower(hex(sipHash128(Timestamp, TraceId, SpanId, ServiceName, Body, mapKeys(a), mapValues(a))))) AS event_id,
    if(position(flag_variant, '.') > 0, substring(flag_variant, position(flag_variant, '.') + 1), flag_variant) AS variant,
    a['armspan.enrolled'] = 'true' AS enrolled,
    a['armspan.shadow'] = 'true' AS shadow,
    toUInt64OrZero(a['armspan.routing.revision']) AS routing_revision,
    if(a['armspan.evaluation.kind'] != '', a['armspan.evaluation.kind'], 'score') AS kind,
    a['gen_ai.evaluation.name'] AS name,
    NOT time_possible OR (score_text != '' AND score_micros IS NULL) AS quarantined,
    if(time_possible, toDateTime64(Timestamp, 6, 'UTC'), NULL) AS evaluated_at,
    if(score_any BETWEEN -1000000000000000 AND 1000000000000000, score_any, NULL) AS score_micros,
    a['gen_ai.evaluation.score.label'] AS label,
    a['armspan.unit.type'] AS unit_type,
    ServiceName AS service,
    a['gen_ai.prompt.name'] AS prompt_name,
    a['gen_ai.prompt.version'] AS prompt_version,
    a['gen_ai.response.id'] AS response_id,
    TraceId AS trace_id,
    SpanId AS span_id
FROM otel_logs{{local}}
WHERE if(EventName != '', EventName, a['event.name']) = 'gen_ai.evaluation.result';
