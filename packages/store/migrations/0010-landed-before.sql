-- Evidence of what landed before the views were there. An exporter that waits for its table writes as soon as it finds
-- it, while later migrations still run; and where a Collector was before Armspan, its spans are evidence as well.
-- What is derived twice is the same row.

INSERT INTO llm_calls (* EXCEPT arrived_at) SELECT * FROM
(
{{include 0006-cheaper-inserts/llm-calls.sql}}
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

INSERT INTO exposures (* EXCEPT arrived_at) SELECT * FROM
(
{{include 0008-segments/exposures.sql}}
)
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0{{#cluster}}, distributed_foreground_insert = 1{{/cluster}};

INSERT INTO evaluations (* EXCEPT arrived_at) SELECT * FROM
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
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1;
