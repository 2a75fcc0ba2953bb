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
        any(c.variant) AS variant,
        uniqExact(cityHash64(trace_id, span_id)) AS calls,
        countIf(is_error) > 0 AS violated,
        -- a failed call without a believable time counts from the origin on
        maxIf(greatest(0, intDiv(ifNull(toUnixTimestamp64Micro(started_at), 0) - {origin_us:Int64}, {window_us:Int64})), is_error) AS latest_window
    FROM llm_calls AS c
    WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
        AND enrolled AND NOT shadow AND unit_id != '' AND c.variant != '' AND routing_revision <= {until_revision:UInt64}
    GROUP BY unit_id
    HAVING uniqExact(c.variant) = 1
)
GROUP BY variant
ORDER BY variant
SETTINGS max_execution_time = 60
