import { EVIDENCE } from "./evidence-sql.ts";

/** Values of a segment that are told apart: those with the most units in all arms together. */
const SEGMENT_VALUES = 20;
/**
 * By how much the first report of a unit's segments may come after its first exposure. Later, the first report was lost,
 * and what the treatment did may have moved the unit: it counts as without a value.
 */
const SEGMENT_DELAY_US = 60_000_000;

/** What the units' first exposure events said of them, and the most frequent values. */
export const SEGMENTS = `    armspan_unit_segments AS
    (
        SELECT
            unit_id,
            min(ifNull(toUnixTimestamp64Micro(exposed_at), 9223372036854775807)) AS reported_us,
            argMin(segments, (ifNull(toUnixTimestamp64Micro(exposed_at), 9223372036854775807), event_id, environment)) AS reported
        FROM exposures WHERE ${EVIDENCE.exposures} GROUP BY unit_id
    ),
    armspan_segment_values AS
    (
        SELECT segment_name, reported[segment_name] AS segment_value
        FROM armspan_unit_segments ARRAY JOIN {segments:Array(String)} AS segment_name
        WHERE segment_value != ''
        GROUP BY segment_name, segment_value
        ORDER BY segment_name, count() DESC, segment_value
        LIMIT ${SEGMENT_VALUES} BY segment_name
    ),
    (SELECT groupArray((segment_name, toString(segment_value))) FROM armspan_segment_values) AS frequent_values,`;

/** Of each segment its name, whether the value is told apart, and the value if it is. */
export const STRATA_OF_UNIT = `arrayMap(
                (name, value) -> multiIf(value = '', (name, 'none', ''), has(frequent_values, (name, value)), (name, 'value', value), (name, 'other', '')),
                {segments:Array(String)},
                arrayMap(
                    name -> if(ifNull(s.reported_us <= u.exposure_us + ${SEGMENT_DELAY_US}, false), toString(s.reported[name]), ''),
                    {segments:Array(String)})) AS strata`;
/** What a result by segment is grouped by, from one row per unit. */
export const SEGMENT_STRATA = {
	columns:
		"'counted' AS state,\n    arm,\n    '' AS day,\n    stratum.1 AS segment,\n    stratum.2 AS segment_kind,\n    stratum.3 AS segment_value",
	names: "segment, segment_kind, segment_value, arm",
	from: "(SELECT *, arrayJoin(strata) AS stratum FROM per_unit WHERE state = 'counted')",
};
