SELECT
    (SELECT toString(count()) FROM otel_traces) AS traces,
    (SELECT toString(count()) FROM otel_logs) AS logs,
    (SELECT (toString(count()), toString(countIf(quarantined OR (enrolled AND unit_id = '')))) FROM calls FINAL) AS calls,
    (SELECT (toString(count()), toString(countIf(quarantined OR (enrolled AND unit_id = '')))) FROM exposures FINAL) AS exposures,
    (SELECT (toString(count()), toString(countIf(quarantined OR (kind IN ('feedback', 'conversion') AND ifNull(score_micros < 0 OR (kind = 'feedback' AND score_micros > 1000000), false))))) FROM evaluations FINAL) AS evaluations
SETTINGS max_execution_time = 60
