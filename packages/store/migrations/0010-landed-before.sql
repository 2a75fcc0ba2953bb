-- Evidence of what landed before the views were there. An exporter that waits for its table writes as soon as it finds
-- it, while later migrations still run; and where a Collector was before Armspan, its spans are evidence as well.
-- What is derived twice is the same row.

{{#superseded}}INSERT INTO llm_calls (
    experiment, iteration, unit_id, trace_id, span_id, variant, enrolled, shadow, routing_revision, is_error,
    quarantined, started_at, latency_us, time_to_first_chunk_us, cost_nano_usd, input_tokens, output_tokens,
    cached_tokens, reasoning_tokens, unit_type, service, operation, provider, model, prompt_name,
    prompt_version, prompt_digest, error_type, finish_reason, fallback_reason, response_id, environment,
    received_at
) SELECT * FROM
(
{{include 0006-cheaper-inserts/llm-calls.sql}}
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0;

INSERT INTO exposures (
    experiment, iteration, unit_id, event_id, variant, enrolled, shadow, routing_revision, quarantined,
    exposed_at, unit_type, service, flag_key, prompt_name, prompt_version, reason, trace_id, span_id,
    environment, received_at, segments
) SELECT * FROM
(
{{include 0008-segments/exposures.sql}}
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

INSERT INTO evaluations (
    experiment, iteration, unit_id, event_id, variant, enrolled, shadow, routing_revision, kind, name,
    quarantined, evaluated_at, score_micros, label, unit_type, service, prompt_name, prompt_version,
    response_id, trace_id, span_id, environment, received_at
) SELECT * FROM
(
{{include 0004-environment/evaluations.sql}}
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

-- What became evidence before its view knew environments had none, and would be another row than the same span
-- delivered today.
ALTER TABLE llm_calls{{local}}{{on_cluster}} DELETE WHERE environment = '' AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM llm_calls{{local}} WHERE environment != '' AND (SELECT count() FROM llm_calls{{local}} WHERE environment = '') > 0)
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;

ALTER TABLE exposures{{local}}{{on_cluster}} DELETE WHERE environment = '' AND event_id IN (SELECT event_id FROM exposures{{local}} WHERE environment != '' AND (SELECT count() FROM exposures{{local}} WHERE environment = '') > 0)
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;

ALTER TABLE evaluations{{local}}{{on_cluster}} DELETE WHERE environment = '' AND event_id IN (SELECT event_id FROM evaluations{{local}} WHERE environment != '' AND (SELECT count() FROM evaluations{{local}} WHERE environment = '') > 0)
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;{{/superseded}}
