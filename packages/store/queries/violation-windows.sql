-- Per variant with an enrolled call: units by the window of their latest failed call.
-- Asked every second, so it reads units of failed calls and exposures only, not of all calls; maxima and distinct
-- values only, so repeats need no removal and no FINAL is paid.
SELECT
    variant,
    sumMap(if(violated, [latest_window], []), if(violated, [toUInt64(1)], [])) AS by_window
FROM
(
    SELECT
        any(seen_variant) AS variant,
        max(failed) AS violated,
        -- a failed call without a believable time counts from the origin on
        maxIf(greatest(0, intDiv(ifNull(started_us, 0) - {origin_us:Int64}, {window_us:Int64})), failed) AS latest_window,
        false AS called
    FROM
    (
        SELECT unit_id, variant AS seen_variant, true AS failed, toUnixTimestamp64Micro(started_at) AS started_us
        FROM calls
        WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String})) AND is_error
            AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
            AND ({closed_us:Int64} = 9223372036854775807 OR ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) <= {closed_us:Int64})
        UNION ALL
        -- only to see units that were exposed to another variant than they failed in
        SELECT unit_id, variant AS seen_variant, false AS failed, NULL AS started_us
        FROM exposures
        WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
            AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
            AND ({closed_us:Int64} = 9223372036854775807 OR ifNull(toUnixTimestamp64Micro(exposed_at), 9223372036854775807) <= {closed_us:Int64})
    )
    GROUP BY unit_id
    HAVING min(seen_variant) = max(seen_variant)
    UNION ALL
    SELECT DISTINCT variant, false AS violated, toInt64(0) AS latest_window, true AS called
    FROM calls
    WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
        AND enrolled AND NOT shadow AND variant != '' AND routing_revision <= {until_revision:UInt64}
        AND ({closed_us:Int64} = 9223372036854775807 OR ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) <= {closed_us:Int64})
)
GROUP BY variant
HAVING max(called)
ORDER BY variant
SETTINGS max_execution_time = 60
