SELECT toString(greatest(
    (SELECT max(routing_revision) FROM calls),
    (SELECT max(routing_revision) FROM exposures),
    (SELECT max(JSONExtractUInt(decision, 'lastRevision')) FROM decisions)
)) AS revision
SETTINGS max_execution_time = 60
