-- Each row of evidence carries the environment that its resource named, '' when it named none.
-- The column ends the sorting key: an event id that two environments share is two events, and the key grows without
-- rewriting a row.

{{#superseded}}ALTER TABLE llm_calls{{local}}{{on_cluster}}
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String),
    ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') CODEC(ZSTD(1)),
    MODIFY ORDER BY (experiment, iteration, unit_id, trace_id, span_id, environment);

ALTER TABLE llm_calls_mv{{on_cluster}} MODIFY QUERY
{{include 0004-environment/llm-calls.sql}};{{/superseded}}

ALTER TABLE exposures{{local}}{{on_cluster}}
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String),
    ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') CODEC(ZSTD(1)),
    MODIFY ORDER BY (experiment, iteration, unit_id, event_id, environment);
{{#cluster}}
ALTER TABLE exposures{{on_cluster}} ADD COLUMN IF NOT EXISTS environment LowCardinality(String), ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') CODEC(ZSTD(1));
{{/cluster}}
{{#superseded}}ALTER TABLE exposures_mv{{on_cluster}} MODIFY QUERY
{{include 0004-environment/exposures.sql}};{{/superseded}}

ALTER TABLE evaluations{{local}}{{on_cluster}}
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String),
    ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') CODEC(ZSTD(1)),
    MODIFY ORDER BY (experiment, iteration, unit_id, event_id, environment);
{{#cluster}}
ALTER TABLE evaluations{{on_cluster}} ADD COLUMN IF NOT EXISTS environment LowCardinality(String), ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') CODEC(ZSTD(1));
{{/cluster}}
{{#superseded}}ALTER TABLE evaluations_mv{{on_cluster}} MODIFY QUERY
{{include 0004-environment/evaluations.sql}};{{/superseded}}

{{#superseded}}
-- Evidence from before gets its environment from the landing tables as far back as they reach; otherwise a span that is
-- delivered once more today would be another row than yesterday's. A cluster has no evidence from before.

INSERT INTO llm_calls SELECT * FROM
(
{{include 0004-environment/llm-calls.sql}}
)
WHERE environment != ''
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0;

ALTER TABLE llm_calls DELETE WHERE environment = '' AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM llm_calls WHERE environment != '')
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;

INSERT INTO exposures SELECT * FROM
(
{{include 0004-environment/exposures.sql}}
)
WHERE environment != ''
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0;

ALTER TABLE exposures DELETE WHERE environment = '' AND event_id IN (SELECT event_id FROM exposures WHERE environment != '')
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;

INSERT INTO evaluations SELECT * FROM
(
{{include 0004-environment/evaluations.sql}}
)
WHERE environment != ''
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0;

ALTER TABLE evaluations DELETE WHERE environment = '' AND event_id IN (SELECT event_id FROM evaluations WHERE environment != '')
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;
{{/superseded}}

ALTER TABLE decisions{{local}}{{on_cluster}} ADD COLUMN IF NOT EXISTS environment LowCardinality(String);
{{#cluster}}
ALTER TABLE decisions{{on_cluster}} ADD COLUMN IF NOT EXISTS environment LowCardinality(String);
{{/cluster}}
