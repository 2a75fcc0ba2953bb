-- How many rows an iteration's evidence has, each once, by environment, so that a mixture shows.
SELECT
    source,
    environment,
    toString(count()) AS rows
FROM
(
    SELECT 'calls' AS source, environment
    FROM calls FINAL
    WHERE has({sources:Array(String)}, 'calls') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    UNION ALL
    SELECT 'exposures' AS source, environment
    FROM exposures FINAL
    WHERE has({sources:Array(String)}, 'exposures') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    UNION ALL
    SELECT 'evaluations' AS source, environment
    FROM evaluations FINAL
    WHERE has({sources:Array(String)}, 'evaluations') AND experiment = {experiment:String} AND iteration = {iteration:UInt32} AND ({environment:String} = '' OR environment IN ('', {environment:String}))
)
GROUP BY source, environment
ORDER BY source, environment
SETTINGS max_execution_time = 60
