-- Variants that evidence of the iteration names. Reads columns that hardly change from row to row, and no unit.
SELECT DISTINCT toString(seen_variant) AS variant
FROM
(
    SELECT variant AS seen_variant FROM calls
    WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND enrolled AND NOT shadow
    UNION ALL
    SELECT variant AS seen_variant FROM exposures
    WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND enrolled AND NOT shadow
)
WHERE seen_variant != ''
LIMIT 1000
SETTINGS max_execution_time = 60
