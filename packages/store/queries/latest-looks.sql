-- the two newest looks of one iteration in one environment up to a moment; a look has its kind in every row
SELECT toString(toUnixTimestamp64Milli(look_at)) AS look_at_ms, max(kind = 'final') AS is_final
FROM snapshots
WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND environment = {environment:String}
    AND look_at <= fromUnixTimestamp64Milli({until_ms:Int64})
GROUP BY look_at
ORDER BY look_at DESC
LIMIT 2
SETTINGS max_execution_time = 60
