-- Per variant: units by the window of their latest failed call.
-- Maxima and distinct counts only, so repeats need no removal and no FINAL is paid.
SELECT
    variant,
    toString(sum(calls)) AS total_calls,
    toString(count()) AS units,
    sumMap(if(violated, [latest_window], []), if(violated, [toUInt64(1)], [])) AS by_window
FROM
(
    SELECT
        any(seen_variant) AS variant,
        uniqExactIf(call, call != 0) AS calls,
        max(failed) AS violated,
        -- a failed call without a believable time counts from the origin on
        maxIf(greatest(0, intDiv(ifNull(started_us, 0) - {origin_us:Int64}, {window_us:Int64})), failed) AS latest_window
    FROM
    (
        SELECT
            unit_id,
            variant AS seen_variant,
            cityHash64(trace_id, span_id) AS call,
            is_error AS failed,
            toUnixTimestamp64Micro(started_at) AS started_us
        FROM llm_calls
        WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
            AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
        UNION ALL
        -- only to see units that were exposed to another variant than they were called with
        SELECT unit_id, variant AS seen_variant, toUInt64(0) AS call, false AS failed, NULL AS started_us
        FROM exposures
        WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
            AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
    )
    GROUP BY unit_id
    HAVING min(seen_variant) = max(seen_variant) AND calls > 0
)
GROUP BY variant
ORDER BY variant
SETTINGS max_execution_time = 60
