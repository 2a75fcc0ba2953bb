WITH
    LogAttributes AS a,
    a['feature_flag.result.variant'] AS flag_variant,
    mapFilter((key, value) -> startsWith(key, 'armspan.segment.') AND length(key) BETWEEN 17 AND 116 AND length(value) BETWEEN 1 AND 256, a) AS segment_attributes,
    Timestamp >= toDateTime64('2020-01-01 00:00:00', 9, 'UTC') AND Timestamp <= now64(9) + INTERVAL 1 DAY AS time_possible,
    if(a['armspan.unit.id'] != '', a['armspan.unit.id'], a['feature_flag.context.id']) AS unit_text,
    -- the router's limit, in UTF-16 code units; what is longer is no unit, as nobody could ask for its rows
    length(unit_text) <= 1000 OR (length(unit_text) <= 3000 AND lengthUTF8(unit_text) + countMatches(unit_text, '[\\x{10000}-\\x{10FFFF}]') <= 1000) AS unit_possible
SELECT
    a['armspan.experiment'] AS experiment,
    toUInt32OrZero(a['armspan.iteration']) AS iteration,
    if(unit_possible, unit_text, '') AS unit_id,
    -- an event that brings no identity is identified by all it says
    if(a['armspan.event.id'] != '', a['armspan.event.id'], lower(hex(sipHash128(Timestamp, TraceId, SpanId, ServiceName, Body, mapKeys(a), mapValues(a))))) AS event_id,
    if(position(flag_variant, '.') > 0, substring(flag_variant, position(flag_variant, '.') + 1), flag_variant) AS variant,
    a['armspan.enrolled'] = 'true' AS enrolled,
    a['armspan.shadow'] = 'true' AS shadow,
    toUInt64OrZero(a['armspan.routing.revision']) AS routing_revision,
    NOT time_possible OR NOT unit_possible AS quarantined,
    if(time_possible, toDateTime64(Timestamp, 6, 'UTC'), NULL) AS exposed_at,
    a['armspan.unit.type'] AS unit_type,
    ServiceName AS service,
    a['feature_flag.key'] AS flag_key,
    a['gen_ai.prompt.name'] AS prompt_name,
    a['gen_ai.prompt.version'] AS prompt_version,
    a['feature_flag.result.reason'] AS reason,
    TraceId AS trace_id,
    SpanId AS span_id,
    if(ResourceAttributes['deployment.environment.name'] != '', ResourceAttributes['deployment.environment.name'], ResourceAttributes['deployment.environment']) AS environment,
    -- only where no time of its own can say how old the row is
    if(time_possible, toDateTime(0, 'UTC'), now('UTC')) AS received_at,
    -- an application reports at most five
    CAST(mapFromArrays(
        arraySlice(arrayMap(key -> substring(key, 17), mapKeys(segment_attributes)), 1, 10),
        arraySlice(mapValues(segment_attributes), 1, 10)
    ), 'Map(LowCardinality(String), String)') AS segments
FROM otel_logs{{local}}
WHERE if(EventName != '', EventName, a['event.name']) = 'feature_flag.evaluation'