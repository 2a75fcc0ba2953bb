SELECT trace_id, span_id, response_id, variant, prompt_version, unit_id, is_error, shadow
FROM llm_calls FINAL
WHERE ifNull(toUnixTimestamp64Micro(started_at), 0) >= {since_us:Int64} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
ORDER BY started_at, trace_id, span_id
SETTINGS max_execution_time = 60
