-- From the landing tables: evidence does not keep these ids. A span that was delivered twice is asked once.
SELECT trace_id, span_id, response_id, variant, prompt_version, unit_id, is_error, shadow
FROM
(
    SELECT * FROM call_traces
    WHERE ({since_us:Int64} < 0 OR Timestamp >= fromUnixTimestamp64Micro({since_us:Int64})) AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    LIMIT 1 BY trace_id, span_id, environment
)
ORDER BY started_at, trace_id, span_id
SETTINGS max_execution_time = 60
