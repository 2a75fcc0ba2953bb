-- Calls that were begun before an iteration's evidence was closed, and that name a revision above the last one that counts.
SELECT toString(count()) AS calls
FROM calls FINAL
WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
    AND ({environment:String} = '' OR environment IN ('', {environment:String}))
    AND enrolled AND NOT shadow AND routing_revision > {until_revision:UInt64}
    AND toUnixTimestamp64Micro(started_at) <= {closed_us:Int64}
SETTINGS max_execution_time = 60
