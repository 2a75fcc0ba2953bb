-- Rows with a value, a time or a unit that cannot be: feedback is between 0 and 1 and a conversion not negative; who is
-- enrolled is somebody. By environment, so that a mixture shows.
-- Repeats are removed among these rows alone, which are few or none: FINAL over all of an iteration costs with each look
-- what all its rows cost. The last delivery says what a row is, so all deliveries of a row that once was odd are read.
SELECT
    source,
    environment,
    toString(countIf(impossible)) AS quarantined,
    toString(countIf(undated)) AS undated
FROM
(
    SELECT 'calls' AS source, environment, quarantined OR (enrolled AND unit_id = '') AS impossible, started_at IS NULL AS undated
    FROM calls FINAL
    WHERE has({sources:Array(String)}, 'calls') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
        AND (unit_id, ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807), call_hash) GLOBAL IN
        (
            SELECT unit_id, ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807), call_hash FROM calls
            WHERE has({sources:Array(String)}, 'calls') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND (quarantined OR (enrolled AND unit_id = '') OR started_at IS NULL)
        )
    UNION ALL
    SELECT 'exposures' AS source, environment, quarantined OR (enrolled AND unit_id = '') AS impossible, exposed_at IS NULL AS undated
    FROM exposures FINAL
    WHERE has({sources:Array(String)}, 'exposures') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
        AND (unit_id, event_id) GLOBAL IN
        (
            SELECT unit_id, event_id FROM exposures
            WHERE has({sources:Array(String)}, 'exposures') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND (quarantined OR (enrolled AND unit_id = '') OR exposed_at IS NULL)
        )
    UNION ALL
    SELECT 'evaluations' AS source, environment, quarantined OR (kind IN ('feedback', 'conversion') AND ifNull(score_micros < 0 OR (kind = 'feedback' AND score_micros > 1000000), false)) AS impossible, evaluated_at IS NULL AS undated
    FROM evaluations FINAL
    WHERE has({sources:Array(String)}, 'evaluations') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
        AND (unit_id, event_id) GLOBAL IN
        (
            SELECT unit_id, event_id FROM evaluations
            WHERE has({sources:Array(String)}, 'evaluations') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND (quarantined OR (kind IN ('feedback', 'conversion') AND ifNull(score_micros < 0 OR (kind = 'feedback' AND score_micros > 1000000), false)) OR evaluated_at IS NULL)
        )
)
GROUP BY source, environment
SETTINGS max_execution_time = 60
