-- What an iteration's evidence is made of: rows, and those with a value, a time or a unit that cannot be. Feedback
-- is between 0 and 1 and a conversion not negative; who is enrolled is somebody.
-- By environment, so that a mixture shows.
SELECT
    source,
    environment,
    toString(count()) AS rows,
    toString(countIf(quarantined)) AS quarantined,
    toString(countIf(undated)) AS undated
FROM
(
    SELECT 'calls' AS source, environment, quarantined OR (enrolled AND unit_id = '') AS quarantined, started_at IS NULL AS undated
    FROM calls FINAL
    WHERE has({sources:Array(String)}, 'calls') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    UNION ALL
    SELECT 'exposures' AS source, environment, quarantined OR (enrolled AND unit_id = '') AS quarantined, exposed_at IS NULL AS undated
    FROM exposures FINAL
    WHERE has({sources:Array(String)}, 'exposures') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    UNION ALL
    SELECT 'evaluations' AS source, environment,
        quarantined OR (kind IN ('feedback', 'conversion') AND ifNull(score_micros < 0 OR (kind = 'feedback' AND score_micros > 1000000), false)) AS quarantined,
        evaluated_at IS NULL AS undated
    FROM evaluations FINAL
    WHERE has({sources:Array(String)}, 'evaluations') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
)
GROUP BY source, environment
ORDER BY source, environment
SETTINGS max_execution_time = 60
