-- Totals of the units of a seal, so that a look reads only units with rows since: ADR 0014.
-- No id of any unit is in it. Units with evidence in several environments are left out: they are always read anew.
CREATE TABLE IF NOT EXISTS seal_totals{{local}}{{on_cluster}}
(
    seal String,
    environment LowCardinality(String),
    state LowCardinality(String),
    arm LowCardinality(String),
    day LowCardinality(String),
    newest_call_us Nullable(Int64) CODEC(ZSTD(1)),
    newest_event_us Nullable(Int64) CODEC(ZSTD(1)),
    -- by what is summed, not by the metric
    summed String CODEC(ZSTD(1)),
    -- types of errors, or cells of a quantile; of all else one, which is empty
    keys Array(String) CODEC(ZSTD(1)),
    sums Array(Array(Int256)) CODEC(ZSTD(1)),
    sealed_at DateTime('UTC')
)
ENGINE = {{replicated}}MergeTree{{replica}}
PARTITION BY seal
ORDER BY summed
TTL sealed_at + INTERVAL 4 DAY
SETTINGS ttl_only_drop_parts = 1;
{{#cluster}}
CREATE TABLE IF NOT EXISTS seal_totals{{on_cluster}} AS seal_totals{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'seal_totals{{local}}', cityHash64(seal));
{{/cluster}}

-- Which totals a seal has; none if it was made before there were any.
ALTER TABLE unit_seals{{local}}{{on_cluster}} ADD COLUMN IF NOT EXISTS totals Array(String);
{{#cluster}}
ALTER TABLE unit_seals{{on_cluster}} ADD COLUMN IF NOT EXISTS totals Array(String);
{{/cluster}}
