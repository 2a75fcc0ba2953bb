SELECT
    (SELECT toString(count()) FROM otel_traces) AS traces,
    (SELECT toString(count()) FROM otel_logs) AS logs,
    (SELECT (toString(count()), toString(countIf(quarantined))) FROM llm_calls FINAL) AS calls,
    (SELECT (toString(count()), toString(countIf(quarantined))) FROM exposures FINAL) AS exposures,
    (SELECT (toString(count()), toString(countIf(quarantined))) FROM evaluations FINAL) AS evaluations
SETTINGS max_execution_time = 60
