SELECT toString(max(toUnixTimestamp64Micro(started_at))) AS newest_us
FROM calls
WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND variant = {variant:String}
    AND ({environment:String} = '' OR environment IN ('', {environment:String})) AND enrolled AND NOT shadow
SETTINGS max_execution_time = 60
