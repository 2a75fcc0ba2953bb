-- What an iteration's evidence is made of: rows, and those with a value or a time that cannot be.
-- By environment, so that a mixture shows.
SELECT
    source,
    environment,
    toString(count()) AS rows,
    toString(countIf(quarantined)) AS quarantined,
    toString(countIf(undated)) AS undated
FROM
(
    SELECT 'calls' AS source, environment, quarantined, started_at IS NULL AS undated
    FROM llm_calls FINAL
    WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    UNION ALL
    SELECT 'exposures' AS source, environment, quarantined, exposed_at IS NULL AS undated
    FROM exposures FINAL
    WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    UNION ALL
    SELECT 'evaluations' AS source, environment, quarantined, evaluated_at IS NULL AS undated
    FROM evaluations FINAL
    WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
)
GROUP BY source, environment
ORDER BY source, environment
SETTINGS max_execution_time = 60
