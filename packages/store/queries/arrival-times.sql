-- When the n-th unit of the iteration was first exposed, for each n that is asked for and reached.
-- Minima and distinct values only, so repeats need no removal.
SELECT arrayMap(n -> toString(times[n]), arrayFilter(n -> n <= length(times), arrayMap(n -> toUInt64(n), {numbers:Array(String)}))) AS arrived_us
FROM
(
    SELECT arraySort(groupArray(assumeNotNull(exposure_us))) AS times
    FROM
    (
        SELECT unit_id, min(exposed_us) AS exposure_us
        FROM
        (
            SELECT unit_id, variant AS seen_variant, toUnixTimestamp64Micro(started_at) AS exposed_us
            FROM calls
            WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
                AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
                AND ({closed_us:Int64} = 9223372036854775807 OR ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) <= {closed_us:Int64})
            UNION ALL
            SELECT unit_id, variant AS seen_variant, toUnixTimestamp64Micro(exposed_at) AS exposed_us
            FROM exposures
            WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
                AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
                AND ({closed_us:Int64} = 9223372036854775807 OR ifNull(toUnixTimestamp64Micro(exposed_at), 9223372036854775807) <= {closed_us:Int64})
        )
        GROUP BY unit_id
        HAVING uniqExact(seen_variant) = 1 AND exposure_us IS NOT NULL
            AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, toString(min(seen_variant))))
    )
)
SETTINGS max_execution_time = 60
