WITH
    LogAttributes AS a,
    a['feature_flag.result.variant'] AS flag_variant,
    a['gen_ai.evaluation.score.value'] AS score_text,
    accurateCastOrNull(round(toFloat64OrNull(score_text) * 1e6), 'Int64') AS score_any,
    Timestamp >= toDateTime64('2020-01-01 00:00:00', 9, 'UTC') AND Timestamp <= now64(9) + INTERVAL 1 DAY AS time_possible,
    a['armspan.unit.id'] AS unit_text,
    -- the router's limit, in UTF-16 code units; what is longer is no unit, as nobody could ask for its rows
    length(unit_text) <= 1000 OR (length(unit_text) <= 3000 AND lengthUTF8(unit_text) + countMatches(unit_text, '[\\x{10000}-\\x{10FFFF}]') <= 1000) AS unit_possible
SELECT
    a['armspan.experiment'] AS experiment,
    toUInt32OrZero(a['armspan.iteration']) AS iteration,
    if(unit_possible, unit_text, '') AS unit_id,
    if(a['armspan.event.id'] != '', a['armspan.event.id'], lower(hex(sipHash128(Timestamp, TraceId, SpanId, ServiceName, Body, mapKeys(a), mapValues(a))))) AS event_id,
    if(position(flag_variant, '.') > 0, substring(flag_variant, position(flag_variant, '.') + 1), flag_variant) AS variant,
    a['armspan.enrolled'] = 'true' AS enrolled,
    a['armspan.shadow'] = 'true' AS shadow,
    toUInt64OrZero(a['armspan.routing.revision']) AS routing_revision,
    if(a['armspan.evaluation.kind'] != '', a['armspan.evaluation.kind'], 'score') AS kind,
    a['gen_ai.evaluation.name'] AS name,
    NOT time_possible OR NOT unit_possible OR (score_text != '' AND score_micros IS NULL) AS quarantined,
    if(time_possible, toDateTime64(Timestamp, 6, 'UTC'), NULL) AS evaluated_at,
    if(score_any BETWEEN -1000000000000000 AND 1000000000000000, score_any, NULL) AS score_micros,
    a['gen_ai.evaluation.score.label'] AS label,
    a['armspan.unit.type'] AS unit_type,
    ServiceName AS service,
    a['gen_ai.prompt.name'] AS prompt_name,
    a['gen_ai.prompt.version'] AS prompt_version,
    a['gen_ai.response.id'] AS response_id,
    TraceId AS trace_id,
    SpanId AS span_id,
    if(ResourceAttributes['deployment.environment.name'] != '', ResourceAttributes['deployment.environment.name'], ResourceAttributes['deployment.environment']) AS environment,
    -- only where no time of its own can say how old the row is
    if(time_possible, toDateTime(0, 'UTC'), now('UTC')) AS received_at
FROM otel_logs{{local}}
WHERE if(EventName != '', EventName, a['event.name']) = 'gen_ai.evaluation.result'