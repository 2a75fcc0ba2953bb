-- What a unit's exposure says of it: the attributes that the experiment names as segments.

ALTER TABLE exposures{{local}}{{on_cluster}} ADD COLUMN IF NOT EXISTS segments Map(LowCardinality(String), String) CODEC(ZSTD(1));
{{#cluster}}
ALTER TABLE exposures{{on_cluster}} ADD COLUMN IF NOT EXISTS segments Map(LowCardinality(String), String) CODEC(ZSTD(1));
{{/cluster}}
{{#superseded}}ALTER TABLE exposures_mv{{on_cluster}} MODIFY QUERY
{{include 0008-segments/exposures.sql}};{{/superseded}}
