-- What an insert of spans does beside writing them.

{{#superseded}}ALTER TABLE llm_calls_mv{{on_cluster}} MODIFY QUERY
{{include 0006-cheaper-inserts/llm-calls.sql}};{{/superseded}}

{{#embedded}}
-- The Collector's exporter makes these indexes for people who search attributes over many days of a fleet. On one
-- machine building them is a good part of all work there is; traces are still found by their id.
ALTER TABLE otel_traces
    DROP INDEX IF EXISTS idx_res_attr_key,
    DROP INDEX IF EXISTS idx_res_attr_value,
    DROP INDEX IF EXISTS idx_span_attr_key,
    DROP INDEX IF EXISTS idx_span_attr_value;

ALTER TABLE otel_logs
    DROP INDEX IF EXISTS idx_res_attr_key,
    DROP INDEX IF EXISTS idx_res_attr_value,
    DROP INDEX IF EXISTS idx_scope_attr_key,
    DROP INDEX IF EXISTS idx_scope_attr_value,
    DROP INDEX IF EXISTS idx_log_attr_key,
    DROP INDEX IF EXISTS idx_log_attr_value,
    DROP INDEX IF EXISTS idx_body;
{{/embedded}}
