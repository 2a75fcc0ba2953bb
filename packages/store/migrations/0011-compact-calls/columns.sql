WITH
    -- a key is found several times faster in plain strings, and some fifty are looked for
    CAST(SpanAttributes, 'Map(String, String)') AS a,
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
    Timestamp >= toDateTime64('2020-01-01 00:00:00', 9, 'UTC') AND Timestamp <= now64(9) + INTERVAL 1 DAY AS time_possible,
    -- signed in tables of older exporters; a call has not ended later than it may have begun, but a start that cannot be
    -- (a Collector's exporter makes 1970 of it) says nothing of its end
    Duration BETWEEN 0 AND 1000000000000000000 AND (NOT time_possible OR toUnixTimestamp64Micro(toDateTime64(Timestamp, 6, 'UTC')) + toInt64(intDiv(Duration, 1000)) <= toUnixTimestamp64Micro(now64(6) + INTERVAL 1 DAY)) AS end_possible,
    a['armspan.unit.id'] AS unit_text,
    -- the router's limit, in UTF-16 code units; what is longer is no unit, as nobody could ask for its rows
    length(unit_text) <= 1000 OR (length(unit_text) <= 3000 AND lengthUTF8(unit_text) + countMatches(unit_text, '[\\x{10000}-\\x{10FFFF}]') <= 1000) AS unit_possible
SELECT
    a['armspan.experiment'] AS experiment,
    toUInt32OrZero(a['armspan.iteration']) AS iteration,
    if(unit_possible, unit_text, '') AS unit_id,
    toUInt32(bitAnd(sipHash64(TraceId, SpanId), 0xFFFFFFFF)) AS call_hash,
    if(position(flag_variant, '.') > 0, substring(flag_variant, position(flag_variant, '.') + 1), flag_variant) AS variant,
    toBool(a['armspan.enrolled'] = 'true') AS enrolled,
    toBool(a['armspan.shadow'] = 'true') AS shadow,
    toUInt64OrZero(a['armspan.routing.revision']) AS routing_revision,
    toBool(StatusCode IN ('Error', 'STATUS_CODE_ERROR') OR a['error.type'] != '') AS is_error,
    toBool(NOT time_possible
        OR NOT unit_possible
        OR latency_us IS NULL
        OR (input_text != '' AND input_tokens IS NULL)
        OR (output_text != '' AND output_tokens IS NULL)
        OR (cached_text != '' AND cached_tokens IS NULL)
        OR (reasoning_text != '' AND reasoning_tokens IS NULL)
        OR (cost_text != '' AND cost_nano_usd IS NULL)
        OR (first_chunk_text != '' AND time_to_first_chunk_us IS NULL)) AS quarantined,
    if(time_possible, toDateTime64(Timestamp, 6, 'UTC'), NULL) AS started_at,
    if(end_possible, toInt64(intDiv(Duration, 1000)), NULL) AS latency_us,
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
    -- calls of no unit are told apart by their trace; in experiments it costs nothing
    if(unit_id = '', bitAnd(sipHash64(TraceId), 0xFFFFFFFFFFFF), 0) AS trace_hash,
    if(ResourceAttributes['deployment.environment.name'] != '', ResourceAttributes['deployment.environment.name'], ResourceAttributes['deployment.environment']) AS environment,
    -- only where no time of its own can say how old the row is
    if(time_possible, toDateTime(0, 'UTC'), now('UTC')) AS received_at