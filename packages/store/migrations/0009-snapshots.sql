-- What the service's analysis said at each look, metric and arm by arm, so that dashboards draw intervals without
-- computing any. A look that is written twice, by two services or again, is one row once merged (read with FINAL).
-- No id of any unit is in it. `keep` was decided when the row was written: the first look of a day stays for ever, the
-- first of an hour for 30 days, the others for a day.
CREATE TABLE IF NOT EXISTS snapshots{{local}}{{on_cluster}}
(
    experiment LowCardinality(String),
    iteration UInt32,
    environment LowCardinality(String),
    look_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    metric LowCardinality(String),
    variant LowCardinality(String),
    -- of the look, the same in each of its rows
    kind LowCardinality(String) COMMENT 'look, or final: the last one of an iteration that was halted or stopped',
    keep LowCardinality(String) COMMENT 'day, month or ever',
    computed_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    prompt LowCardinality(String),
    status LowCardinality(String),
    verdict LowCardinality(String),
    inference LowCardinality(String),
    excluded_units UInt64,
    immature_units UInt64,
    sample_ratio_p_value Nullable(Float64) COMMENT 'NULL: cannot be estimated',
    sample_ratio_mismatch Bool,
    newest_call_at Nullable(DateTime64(3, 'UTC')),
    code_version LowCardinality(String),
    -- of the arm, the same for each metric
    arm LowCardinality(String) COMMENT 'control or treatment',
    prompt_version LowCardinality(String),
    weight UInt64,
    arm_units UInt64 COMMENT 'units enrolled',
    arm_calls UInt64,
    undelivered_calls UInt64,
    quarantined_calls UInt64,
    arm_verdict LowCardinality(String) COMMENT 'empty for control',
    -- of the metric in the arm
    role LowCardinality(String),
    direction LowCardinality(String),
    metric_unit LowCardinality(String),
    units UInt64 COMMENT 'units with an observation',
    observations UInt64,
    estimate Nullable(Float64),
    standard_error Nullable(Float64),
    -- the arm against another; a NULL bound beside an effect is unbounded, a NULL effect could not be estimated
    against LowCardinality(String) COMMENT 'empty for control',
    effect Nullable(Float64),
    effect_lower Nullable(Float64),
    effect_upper Nullable(Float64),
    relative_effect Nullable(Float64),
    relative_lower Nullable(Float64),
    relative_upper Nullable(Float64),
    not_estimable LowCardinality(String) COMMENT 'why there is no effect, or no relative one; empty where both are',
    level Nullable(Float64) COMMENT 'confidence of the interval',
    basis LowCardinality(String) COMMENT 'when the interval holds',
    p_value Nullable(Float64),
    conclusion LowCardinality(String),
    guardrail_status LowCardinality(String) COMMENT 'empty where the metric is no guardrail of the arm',
    guardrail_on_breach LowCardinality(String),
    guardrail_margin Nullable(Float64),
    guardrail_log_e_value Nullable(Float64),
    guardrail_log_threshold Nullable(Float64),
    non_inferiority_p_value Nullable(Float64)
)
ENGINE = {{replicated}}ReplacingMergeTree{{replica}}
ORDER BY (experiment, iteration, environment, look_at, metric, variant)
TTL toDateTime(look_at) + INTERVAL 1 DAY DELETE WHERE keep = 'day', toDateTime(look_at) + INTERVAL 30 DAY DELETE WHERE keep = 'month';
{{#cluster}}
CREATE TABLE IF NOT EXISTS snapshots{{on_cluster}} AS snapshots{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'snapshots{{local}}', cityHash64(experiment));
{{/cluster}}
