-- That a unit was erased, and when; append-only. The unit itself is known only by a salted hash.
CREATE TABLE IF NOT EXISTS erasures{{local}}{{on_cluster}}
(
    id UUID,
    erased_at DateTime64(3, 'UTC'),
    salt String,
    unit_hash String,
    actor String,
    erased_rows UInt64,
    remaining_rows UInt64
)
ENGINE = {{replicated}}MergeTree{{replica}}
ORDER BY (erased_at, id);
{{#cluster}}
CREATE TABLE IF NOT EXISTS erasures{{on_cluster}} AS erasures{{local}}
ENGINE = Distributed('{{cluster}}', currentDatabase(), 'erasures{{local}}', cityHash64(id));
{{/cluster}}
