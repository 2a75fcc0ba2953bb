-- Append-only; read once per id. The whole decision is kept as it was written, the columns are for people's SQL.
CREATE TABLE IF NOT EXISTS decisions{{local}}{{on_cluster}}
(
    id UUID,
    decided_at DateTime64(3, 'UTC'),
    kind LowCardinality(String),
    actor LowCardinality(String),
    experiment LowCardinality(String),
    iteration UInt32,
    reason String,
    decision String CODEC(ZSTD(3))
)
ENGINE = {{replicated}}MergeTree{{replica}}
ORDER BY (experiment, iteration, decided_at, id);{{#cluster}}

CREATE TABLE IF NOT EXISTS decisions{{on_cluster}} AS decisions{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'decisions{{local}}', cityHash64(experiment));{{/cluster}}
