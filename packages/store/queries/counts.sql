SELECT
    (SELECT toString(count()) FROM otel_traces) AS traces,
    (SELECT toString(count()) FROM otel_logs) AS logs,
    (SELECT toString(count()) FROM llm_calls FINAL) AS calls,
    (SELECT toString(count()) FROM exposures FINAL) AS exposures,
    (SELECT toString(count()) FROM evaluations FINAL) AS evaluations
SETTINGS max_execution_time = 60
