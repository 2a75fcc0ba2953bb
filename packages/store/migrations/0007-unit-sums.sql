-- Sums per unit up to a moment, and what tells which rows came after them: ADR 0014.

-- A row that lacks the column has it when it is read: as if it had just come, which no sum has taken in.
{{#superseded}}ALTER TABLE llm_calls{{local}}{{on_cluster}}
    ADD COLUMN IF NOT EXISTS arrived_at DateTime('UTC') DEFAULT now('UTC') CODEC(ZSTD(1)),
    ADD INDEX IF NOT EXISTS by_time ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) TYPE minmax GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_arrival arrived_at TYPE minmax GRANULARITY 1;
{{/superseded}}ALTER TABLE exposures{{local}}{{on_cluster}}
    ADD COLUMN IF NOT EXISTS arrived_at DateTime('UTC') DEFAULT now('UTC') CODEC(ZSTD(1)),
    ADD INDEX IF NOT EXISTS by_time ifNull(toUnixTimestamp64Micro(exposed_at), 9223372036854775807) TYPE minmax GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_arrival arrived_at TYPE minmax GRANULARITY 1;
ALTER TABLE evaluations{{local}}{{on_cluster}}
    ADD COLUMN IF NOT EXISTS arrived_at DateTime('UTC') DEFAULT now('UTC') CODEC(ZSTD(1)),
    ADD INDEX IF NOT EXISTS by_time ifNull(toUnixTimestamp64Micro(evaluated_at), 9223372036854775807) TYPE minmax GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_arrival arrived_at TYPE minmax GRANULARITY 1;
{{#cluster}}
ALTER TABLE exposures{{on_cluster}} ADD COLUMN IF NOT EXISTS arrived_at DateTime('UTC') DEFAULT now('UTC');
ALTER TABLE evaluations{{on_cluster}} ADD COLUMN IF NOT EXISTS arrived_at DateTime('UTC') DEFAULT now('UTC');
{{/cluster}}
{{#superseded}}ALTER TABLE llm_calls{{local}}{{on_cluster}} MATERIALIZE COLUMN arrived_at, MATERIALIZE INDEX by_time, MATERIALIZE INDEX by_arrival;
{{/superseded}}ALTER TABLE exposures{{local}}{{on_cluster}} MATERIALIZE COLUMN arrived_at, MATERIALIZE INDEX by_time, MATERIALIZE INDEX by_arrival;
ALTER TABLE evaluations{{local}}{{on_cluster}} MATERIALIZE COLUMN arrived_at, MATERIALIZE INDEX by_time, MATERIALIZE INDEX by_arrival;

-- One row per unit, with the aggregates that metrics are made of in the order that the seal names.
CREATE TABLE IF NOT EXISTS unit_sums{{local}}{{on_cluster}}
(
    seal String,
    unit_id String CODEC(ZSTD(1)),
    variants_seen UInt64 CODEC(ZSTD(1)),
    variant LowCardinality(String),
    environments_seen UInt64 CODEC(ZSTD(1)),
    environment LowCardinality(String),
    highest_revision UInt64 CODEC(ZSTD(1)),
    exposure_us Nullable(Int64) CODEC(ZSTD(1)),
    newest_call_us Nullable(Int64) CODEC(ZSTD(1)),
    newest_event_us Nullable(Int64) CODEC(ZSTD(1)),
    call_sums Array(Int128) CODEC(ZSTD(1)),
    event_sums Array(Int128) CODEC(ZSTD(1)),
    error_types Array(String) CODEC(ZSTD(1)),
    error_counts Array(UInt64) CODEC(ZSTD(1)),
    -- of each quantile the cells with an observation, and there the count and its rise from one square to the next
    cells Array(Array(Int64)) CODEC(ZSTD(1)),
    cell_counts Array(Array(Int64)) CODEC(ZSTD(1)),
    cell_squares Array(Array(Int64)) CODEC(ZSTD(1)),
    sealed_at DateTime('UTC')
)
ENGINE = {{replicated}}MergeTree{{replica}}
PARTITION BY seal
ORDER BY unit_id
TTL sealed_at + INTERVAL 4 DAY
SETTINGS ttl_only_drop_parts = 1;
{{#cluster}}
CREATE TABLE IF NOT EXISTS unit_sums{{on_cluster}} AS unit_sums{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'unit_sums{{local}}', cityHash64(unit_id));
{{/cluster}}

-- Written once all rows of a seal are: without it they are not seen.
CREATE TABLE IF NOT EXISTS unit_seals{{local}}{{on_cluster}}
(
    seal String,
    experiment String,
    iteration UInt32,
    until_us Int64,
    arrived_until DateTime('UTC'),
    sealed_at DateTime('UTC'),
    completed_at DateTime('UTC') DEFAULT now('UTC'),
    units UInt64,
    measures Array(String)
)
ENGINE = {{replicated}}MergeTree{{replica}}
ORDER BY (experiment, iteration, sealed_at)
TTL sealed_at + INTERVAL 2 DAY;
{{#cluster}}
CREATE TABLE IF NOT EXISTS unit_seals{{on_cluster}} AS unit_seals{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'unit_seals{{local}}', cityHash64(experiment));
{{/cluster}}
