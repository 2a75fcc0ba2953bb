SELECT toString(max(toUnixTimestamp64Micro(started_at))) AS newest_us
FROM calls
WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32} AND variant = {variant:String}
    AND ({environment:String} = '' OR environment IN ('', {environment:String})) AND enrolled AND NOT shadow
    -- the text of the index by_time: of an iteration that nobody calls any more hardly anything is read
    AND ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) > {since_us:Int64}
SETTINGS max_execution_time = 60
