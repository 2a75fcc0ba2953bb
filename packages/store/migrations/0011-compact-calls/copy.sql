INSERT INTO calls (
    experiment, iteration, unit_id, call_hash, variant, enrolled, shadow, routing_revision, is_error, quarantined,
    started_at, latency_us, time_to_first_chunk_us, cost_nano_usd, input_tokens, output_tokens, cached_tokens,
    reasoning_tokens, unit_type, service, operation, provider, model, prompt_name, prompt_version, prompt_digest,
    error_type, finish_reason, fallback_reason, trace_hash, environment, received_at, arrived_at
)
WITH length(unit_id) <= 1000 OR (length(unit_id) <= 3000 AND lengthUTF8(unit_id) + countMatches(unit_id, '[\\x{10000}-\\x{10FFFF}]') <= 1000) AS unit_possible
SELECT
    experiment, iteration, if(unit_possible, unit_id, ''), toUInt32(bitAnd(sipHash64(trace_id, span_id), 0xFFFFFFFF)), variant, enrolled,
    shadow, routing_revision, is_error, quarantined OR NOT unit_possible, started_at, latency_us, time_to_first_chunk_us, cost_nano_usd,
    input_tokens, output_tokens, cached_tokens, reasoning_tokens, unit_type, service, operation, provider, model,
    prompt_name, prompt_version, prompt_digest, error_type, finish_reason, fallback_reason,
    if(unit_id = '' OR NOT unit_possible, bitAnd(sipHash64(trace_id), 0xFFFFFFFFFFFF), 0), environment, received_at, arrived_at
FROM merge(currentDatabase(), '^(exposures|calls|llm_calls){{of_node}}$') FINAL
WHERE _table IN ('llm_calls', 'llm_calls{{local}}')
    AND (trace_id, span_id) NOT IN (SELECT TraceId, SpanId FROM otel_traces{{local}} WHERE (SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'llm_calls{{local}}' AND name = 'environment') = 0)