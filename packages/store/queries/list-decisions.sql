-- an empty experiment and iteration 0 stand for all
SELECT decision
FROM decisions
WHERE ({experiment:String} = '' OR experiment = {experiment:String}) AND ({iteration:UInt32} = 0 OR iteration = {iteration:UInt32})
ORDER BY decided_at, id
LIMIT 1 BY id
SETTINGS max_execution_time = 60
