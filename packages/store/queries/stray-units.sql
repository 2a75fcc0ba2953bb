-- Units with evidence of variants that are not known: how many, how many of them are in a known variant as well, and how
-- many only in several unknown ones. Distinct values only, so repeats need no removal.
SELECT
    toString(count()) AS units,
    toString(countIf(NOT is_known AND length(unknown) > 1)) AS only_unknown_units,
    sumMap(unknown, arrayMap(variant -> toUInt64(1), unknown)) AS units_of,
    sumMap(unknown, arrayMap(variant -> toUInt64(is_known), unknown)) AS known_units_of
FROM
(
    SELECT
        arrayFilter(variant -> NOT has({variants:Array(String)}, variant), groupUniqArray(toString(seen_variant))) AS unknown,
        max(has({variants:Array(String)}, toString(seen_variant))) AS is_known
    FROM
    (
        SELECT unit_id, variant AS seen_variant
        FROM calls
        WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
            AND ({environment:String} = '' OR environment IN ('', {environment:String}))
            AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
            AND ({closed_us:Int64} = 9223372036854775807 OR ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) <= {closed_us:Int64})
        UNION ALL
        SELECT unit_id, variant AS seen_variant
        FROM exposures
        WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
            AND ({environment:String} = '' OR environment IN ('', {environment:String}))
            AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
            AND ({closed_us:Int64} = 9223372036854775807 OR ifNull(toUnixTimestamp64Micro(exposed_at), 9223372036854775807) <= {closed_us:Int64})
    )
    GROUP BY unit_id
    HAVING notEmpty(unknown)
)
SETTINGS max_execution_time = 60
