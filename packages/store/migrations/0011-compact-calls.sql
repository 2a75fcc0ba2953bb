-- The calls of a model in 40 % of the bytes (ADR 0018): no ids that cannot be compressed, times and quantities coded as
-- what they are. A sorting key cannot be changed in place, so this is another table. What it replaces is copied and goes.
-- A call is identified by its unit, its start and a hash of its trace and span.

CREATE TABLE IF NOT EXISTS calls{{local}}{{on_cluster}}
(
    experiment LowCardinality(String),
    iteration UInt32,
    unit_id String CODEC(ZSTD(1)),
    call_hash UInt32,
    variant LowCardinality(String),
    enrolled Bool,
    shadow Bool,
    routing_revision UInt64,
    is_error Bool,
    quarantined Bool,
    started_at Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)),
    latency_us Nullable(Int64) CODEC(T64, ZSTD(1)),
    time_to_first_chunk_us Nullable(Int64) CODEC(T64, ZSTD(1)),
    cost_nano_usd Nullable(Int64) CODEC(T64, ZSTD(1)),
    input_tokens Nullable(Int64) CODEC(T64, ZSTD(1)),
    output_tokens Nullable(Int64) CODEC(T64, ZSTD(1)),
    cached_tokens Nullable(Int64) CODEC(T64, ZSTD(1)),
    reasoning_tokens Nullable(Int64) CODEC(T64, ZSTD(1)),
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
    trace_hash UInt64 COMMENT 'of calls without a unit, else 0' CODEC(T64, ZSTD(1)),
    environment LowCardinality(String),
    received_at DateTime('UTC') CODEC(ZSTD(1)),
    arrived_at DateTime('UTC') DEFAULT now('UTC') CODEC(ZSTD(1)),
    INDEX by_time ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) TYPE minmax GRANULARITY 1,
    INDEX by_arrival arrived_at TYPE minmax GRANULARITY 1
)
ENGINE = {{replicated}}ReplacingMergeTree{{replica}}
ORDER BY (experiment, iteration, unit_id, ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807), call_hash, environment);
{{#cluster}}
CREATE TABLE IF NOT EXISTS calls{{on_cluster}} AS calls{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'calls{{local}}', cityHash64(unit_id));
{{/cluster}}
CREATE MATERIALIZED VIEW IF NOT EXISTS calls_mv{{on_cluster}} TO calls AS
{{include 0011-compact-calls/columns.sql}}
FROM otel_traces{{local}}
{{include 0011-compact-calls/is-call.sql}};

-- The ids of calls, as far back as spans are kept: a row for each delivery.
CREATE VIEW IF NOT EXISTS call_traces{{on_cluster}} AS
{{include 0011-compact-calls/columns.sql}},
    TraceId AS trace_id,
    SpanId AS span_id,
    a['gen_ai.response.id'] AS response_id,
    Timestamp
FROM otel_traces
{{include 0011-compact-calls/is-call.sql}};

{{#server}}
-- An insert of spans that began before the view was there has ended.
SELECT sleep(0.3);

{{/server}}
-- What landed before there was any view is in no table of calls, and what was derived before 0004 lacks its environment.
INSERT INTO calls (
    experiment, iteration, unit_id, call_hash, variant, enrolled, shadow, routing_revision, is_error, quarantined,
    started_at, latency_us, time_to_first_chunk_us, cost_nano_usd, input_tokens, output_tokens, cached_tokens,
    reasoning_tokens, unit_type, service, operation, provider, model, prompt_name, prompt_version, prompt_digest,
    error_type, finish_reason, fallback_reason, trace_hash, environment, received_at
) SELECT * FROM
(
{{include 0011-compact-calls/columns.sql}}
FROM otel_traces{{local}}
{{include 0011-compact-calls/is-call.sql}}
    AND (SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'llm_calls{{local}}' AND name = 'arrived_at') = 0
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

-- llm_calls may be gone, or never have been there: the tables beside it have its columns, so that this reads nothing then.
-- Of what was derived before 0004, only what is not in the landing tables any more.
{{include 0011-compact-calls/copy.sql}}
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

DROP VIEW IF EXISTS llm_calls_mv{{on_cluster}};

{{#server}}
-- Inserts that began before the new view was there have ended, as the view that is gone now was all they had.
SELECT max(sleep(3)) FROM (SELECT 1 FROM merge(currentDatabase(), '^(exposures|calls|llm_calls){{of_node}}$') WHERE _table IN ('llm_calls', 'llm_calls{{local}}') LIMIT 1);

{{include 0011-compact-calls/copy.sql}}
    AND (arrived_at = 0 OR arrived_at > now() - INTERVAL 1 DAY)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{/server}}{{#cluster}}, distributed_foreground_insert = 1{{/cluster}}{{#server}};
{{/server}}
{{#cluster}}
DROP TABLE IF EXISTS llm_calls{{on_cluster}};
{{/cluster}}
DROP TABLE IF EXISTS llm_calls{{local}}{{on_cluster}} SETTINGS max_table_size_to_drop = 0;

-- Ids over the router's limit are no units in exposures and evaluations either. As 0010 did: evidence of what landed
-- before the views were there is derived once more.
ALTER TABLE exposures_mv{{on_cluster}} MODIFY QUERY
{{include 0011-compact-calls/exposures.sql}};

ALTER TABLE evaluations_mv{{on_cluster}} MODIFY QUERY
{{include 0011-compact-calls/evaluations.sql}};

INSERT INTO exposures (
    experiment, iteration, unit_id, event_id, variant, enrolled, shadow, routing_revision, quarantined,
    exposed_at, unit_type, service, flag_key, prompt_name, prompt_version, reason, trace_id, span_id,
    environment, received_at, segments
) SELECT * FROM
(
{{include 0011-compact-calls/exposures.sql}}
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

INSERT INTO evaluations (
    experiment, iteration, unit_id, event_id, variant, enrolled, shadow, routing_revision, kind, name,
    quarantined, evaluated_at, score_micros, label, unit_type, service, prompt_name, prompt_version,
    response_id, trace_id, span_id, environment, received_at
) SELECT * FROM
(
{{include 0011-compact-calls/evaluations.sql}}
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

-- What became evidence before its view knew environments had none, and would be another row than the same span
-- delivered today.
ALTER TABLE exposures{{local}}{{on_cluster}} DELETE WHERE environment = '' AND event_id IN (SELECT event_id FROM exposures{{local}} WHERE environment != '' AND (SELECT count() FROM exposures{{local}} WHERE environment = '') > 0)
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;

ALTER TABLE evaluations{{local}}{{on_cluster}} DELETE WHERE environment = '' AND event_id IN (SELECT event_id FROM evaluations{{local}} WHERE environment != '' AND (SELECT count() FROM evaluations{{local}} WHERE environment = '') > 0)
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;

ALTER TABLE exposures{{local}}{{on_cluster}} DELETE WHERE NOT (length(unit_id) <= 1000 OR (length(unit_id) <= 3000 AND lengthUTF8(unit_id) + countMatches(unit_id, '[\\x{10000}-\\x{10FFFF}]') <= 1000))
SETTINGS mutations_sync = 2;

ALTER TABLE evaluations{{local}}{{on_cluster}} DELETE WHERE NOT (length(unit_id) <= 1000 OR (length(unit_id) <= 3000 AND lengthUTF8(unit_id) + countMatches(unit_id, '[\\x{10000}-\\x{10FFFF}]') <= 1000))
SETTINGS mutations_sync = 2;
