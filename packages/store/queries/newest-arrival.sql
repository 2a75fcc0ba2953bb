SELECT toString(toUnixTimestamp(max(arrived_at))) AS seconds FROM calls SETTINGS max_execution_time = 10
