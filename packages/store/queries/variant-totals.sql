-- Sums over units of each ratio metric (numerator y, denominator n), per variant of one iteration.
-- Evidence that names no environment counts in each: see ADR 0011.
-- Three sources meet in one GROUP BY unit: no join, and a unit in two variants shows itself.
WITH
    units AS
    (
        SELECT
            unit_id,
            uniqExact(seen_variant) AS variants_seen,
            min(seen_variant) AS variant,
            min(exposed_us) AS exposure_us,
            max(newest_us) AS newest_us,
            sum(calls) AS calls,
            sum(errors) AS errors,
            sum(undelivered) AS undelivered,
            sum(latency_n) AS latency_n,
            sum(latency_y) AS latency_y,
            sum(cost_n) AS cost_n,
            sum(cost_y) AS cost_y
        FROM
        (
            SELECT
                unit_id,
                variant AS seen_variant,
                min(toUnixTimestamp64Micro(started_at)) AS exposed_us,
                max(toUnixTimestamp64Micro(started_at)) AS newest_us,
                toInt64(count()) AS calls,
                toInt64(countIf(is_error)) AS errors,
                -- the assigned text did not reach the model; a stale bundle still delivers it
                toInt64(countIf(fallback_reason IN ('render-failed', 'prompt-unreadable'))) AS undelivered,
                -- of a call that broke off, nobody knows when its last byte would have come
                toInt64(countIf(NOT is_error AND finish_reason NOT IN ('aborted', 'abandoned') AND latency_us IS NOT NULL)) AS latency_n,
                sum(toInt128(if(is_error OR finish_reason IN ('aborted', 'abandoned'), 0, ifNull(latency_us, 0)))) AS latency_y,
                toInt64(count(cost_nano_usd)) AS cost_n,
                sum(toInt128(ifNull(cost_nano_usd, 0))) AS cost_y
            FROM llm_calls FINAL
            WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
                AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
            GROUP BY unit_id, variant
            UNION ALL
            -- only minima are taken, so repeats need no removal
            SELECT
                unit_id,
                variant AS seen_variant,
                min(toUnixTimestamp64Micro(exposed_at)) AS exposed_us,
                NULL AS newest_us,
                toInt64(0) AS calls,
                toInt64(0) AS errors,
                toInt64(0) AS undelivered,
                toInt64(0) AS latency_n,
                toInt128(0) AS latency_y,
                toInt64(0) AS cost_n,
                toInt128(0) AS cost_y
            FROM exposures
            WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
                AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND enrolled AND NOT shadow AND unit_id != '' AND variant != '' AND routing_revision <= {until_revision:UInt64}
            GROUP BY unit_id, variant
        )
        GROUP BY unit_id
    ),
    feedback_and_conversions AS
    (
        SELECT
            e.unit_id AS unit_id,
            toInt64(countIf(e.kind = 'feedback' AND e.score_micros IS NOT NULL)) AS feedback_n,
            sum(toInt128(if(e.kind = 'feedback', ifNull(e.score_micros, 0), 0))) AS feedback_y,
            -- an explicit score of 0 says that the unit did not convert
            toInt64(countIf(e.kind = 'conversion' AND ifNull(e.score_micros, 1) > 0) > 0) AS converted
        FROM
        (
            SELECT unit_id, variant, kind, score_micros, toUnixTimestamp64Micro(evaluated_at) AS evaluated_us
            FROM evaluations FINAL
            WHERE experiment = {experiment:String} AND iteration = {iteration:UInt32}
                AND ({environment:String} = '' OR environment IN ('', {environment:String}))
                AND enrolled AND NOT shadow AND kind IN ('feedback', 'conversion') AND evaluated_at IS NOT NULL
                AND routing_revision <= {until_revision:UInt64}
        ) AS e
        INNER JOIN units AS u ON u.unit_id = e.unit_id
        WHERE e.variant = u.variant AND e.evaluated_us >= u.exposure_us
        GROUP BY e.unit_id
    ),
    per_unit AS
    (
        SELECT
            if(u.variants_seen = 1, u.variant, '') AS variant,
            u.newest_us AS newest_us,
            toInt256(u.calls) AS calls,
            toInt256(u.errors) AS errors,
            u.undelivered AS undelivered,
            toInt256(u.latency_n) AS latency_n,
            toInt256(u.latency_y) AS latency_y,
            toInt256(u.cost_n) AS cost_n,
            toInt256(u.cost_y) AS cost_y,
            toInt256(f.feedback_n) AS feedback_n,
            toInt256(f.feedback_y) AS feedback_y,
            toInt256(f.converted) AS converted
        FROM units AS u
        LEFT JOIN feedback_and_conversions AS f ON f.unit_id = u.unit_id
    )
SELECT
    -- '' stands for units seen in two variants
    variant,
    toString(max(newest_us)) AS newest_call_us,
    toString(count()) AS units,
    toString(sum(calls)) AS total_calls,
    toString(sum(undelivered)) AS undelivered_calls,
    [toString(countIf(calls > 0)), toString(sum(errors)), toString(sum(calls)), toString(sum(errors * errors)), toString(sum(calls * calls)), toString(sum(errors * calls))] AS error_rate,
    [toString(countIf(latency_n > 0)), toString(sum(latency_y)), toString(sum(latency_n)), toString(sum(latency_y * latency_y)), toString(sum(latency_n * latency_n)), toString(sum(latency_y * latency_n))] AS latency,
    [toString(countIf(cost_n > 0)), toString(sum(cost_y)), toString(sum(cost_n)), toString(sum(cost_y * cost_y)), toString(sum(cost_n * cost_n)), toString(sum(cost_y * cost_n))] AS cost,
    [toString(countIf(feedback_n > 0)), toString(sum(feedback_y)), toString(sum(feedback_n)), toString(sum(feedback_y * feedback_y)), toString(sum(feedback_n * feedback_n)), toString(sum(feedback_y * feedback_n))] AS feedback,
    -- every unit is one observation, 0 or 1
    [toString(count()), toString(sum(converted)), toString(count()), toString(sum(converted)), toString(count()), toString(sum(converted))] AS conversion
FROM per_unit
GROUP BY variant
ORDER BY variant
SETTINGS max_execution_time = 60, join_use_nulls = 0
