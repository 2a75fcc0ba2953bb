-- Distinct units only, so repeats need no removal and no FINAL is paid.
-- 64 hex digits are an HMAC: no application calls its users that.
WITH seen AS
(
    SELECT unit_id, max(newest_at) AS newest_at
    FROM
    (
        SELECT unit_id, max(started_at) AS newest_at
        FROM calls
        WHERE unit_type = {unit_type:String} AND unit_id != '' AND toUnixTimestamp64Micro(started_at) >= {since_us:Int64}
            AND ({environment:String} = '' OR environment IN ('', {environment:String}))
        GROUP BY unit_id
        UNION ALL
        SELECT unit_id, max(exposed_at) AS newest_at
        FROM exposures
        WHERE unit_type = {unit_type:String} AND unit_id != '' AND toUnixTimestamp64Micro(exposed_at) >= {since_us:Int64}
            AND ({environment:String} = '' OR environment IN ('', {environment:String}))
        GROUP BY unit_id
    )
    GROUP BY unit_id
)
SELECT
    (SELECT toString(countIf(match(unit_id, '^[0-9a-f]{64}$'))) FROM seen) AS hashed,
    (
        SELECT groupArray(unit_id)
        FROM
        (
            SELECT unit_id
            FROM seen
            WHERE NOT match(unit_id, '^[0-9a-f]{64}$')
            ORDER BY newest_at DESC, unit_id
            LIMIT {limit:UInt32}
        )
    ) AS units
SETTINGS max_execution_time = 60
