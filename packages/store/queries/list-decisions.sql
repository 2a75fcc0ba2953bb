-- an empty experiment, iteration 0 and an empty environment stand for all
SELECT decision
FROM decisions
WHERE ({experiment:String} = '' OR experiment = {experiment:String}) AND ({iteration:UInt32} = 0 OR iteration = {iteration:UInt32})
    AND ({environment:String} = '' OR environment IN ('', {environment:String}))
ORDER BY decided_at, id
LIMIT 1 BY id
SETTINGS max_execution_time = 60
