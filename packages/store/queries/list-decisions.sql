-- an empty experiment, iteration 0 and an empty environment stand for all
SELECT decision
FROM decisions
WHERE ({experiment:String} = '' OR experiment = {experiment:String}) AND ({iteration:UInt32} = 0 OR iteration = {iteration:UInt32})
    AND ({environment:String} = '' OR environment IN ('', {environment:String}))
-- of two services that decided at once, both read the same record
ORDER BY decided_at, id, decision
-- two environments decide the same about the same experiment, each for itself
LIMIT 1 BY id, environment
SETTINGS max_execution_time = 60
