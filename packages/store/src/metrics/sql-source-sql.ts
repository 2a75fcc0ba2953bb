import { type MetricDefinition, readsQuantity } from "@armspan/schema";
import { MetricMeasures } from "./metric-measures.ts";
import {
	CELL_STARTS_SQL,
	cellsOf,
	DAY_STRATA,
	EXPOSED,
	type MetricTotalsStatement,
	stateOfUnit,
	sumsOf,
	WITHIN_WINDOW,
} from "./metric-totals-sql.ts";
import { SEGMENT_STRATA, SEGMENTS, STRATA_OF_UNIT } from "./segment-strata.ts";

/**
 * Sums of one metric over the rows of a user's SELECT: of counted units, from their first exposure on. A row whose time
 * or number cannot be (not a number, infinite, beyond 1e9, in the future) counts nowhere and is counted in `bad_rows`;
 * a NULL number is unknown, as anywhere.
 *
 * @param query checked by `checkUserSql`, as that wrote it
 */
export function sqlSourceSql(
	metric: MetricDefinition,
	query: string,
	{ windowed, bySegment }: { readonly windowed: boolean; readonly bySegment: boolean },
): MetricTotalsStatement {
	const measures = new MetricMeasures([metric]);
	const [plan] = measures.plans;
	if (plan === undefined) throw new TypeError("one metric has one plan");
	const own = measures.of("events");
	const columns = ["numerator", ...(readsQuantity(metric, "denominator") ? ["denominator"] : [])];
	const strata = bySegment ? SEGMENT_STRATA : DAY_STRATA;
	// No name here may hide one of the user's tables: what the check allowed has to be what is read.
	const exposed = EXPOSED.replace("exposed AS", "armspan_exposed AS");
	const sql = `WITH
    ${CELL_STARTS_SQL},
${exposed}
${bySegment ? `${SEGMENTS}\n` : ""}    armspan_rows AS
    (
        SELECT
            unit_id,
            toUnixTimestamp64Micro(accurateCastOrNull(if(ifNull(lower(toString(time)) IN ('nan', 'inf', '-inf'), false), NULL, time), 'DateTime64(6, \\'UTC\\')')) AS any_us,
            if(any_us BETWEEN 1577836800000000 AND toUnixTimestamp64Micro(now64(6)) + 86400000000, any_us, NULL) AS row_us,
            ${columns.map((column) => `${microsOf(column)} AS ${column}_any,\n            if(${column}_any BETWEEN -1000000000000000 AND 1000000000000000, ${column}_any, NULL) AS ${column}_micros`).join(",\n            ")},
            row_us IS NULL OR ${columns.map((column) => `(${column} IS NOT NULL AND ${column}_micros IS NULL)`).join(" OR ")} AS is_bad
        FROM (SELECT ifNull(toString(unit_id), '') AS unit_id, time, ${columns.join(", ")} FROM (${query}))
    ),
    armspan_unit_rows AS
    (
        SELECT unit_id, ${[...own.map(({ name, type }) => `${type === "Int128" ? "sumIf" : "groupArrayArrayIf"}(${name}, NOT is_bad) AS ${name}`), "sumIf(row_count, is_bad) AS bad_rows"].join(", ")}
        FROM
        (
            SELECT unit_id, is_bad, ${[...own.map(({ name, sql: aggregate }) => `${aggregate} AS ${name}`), "count() AS row_count"].join(", ")}
            FROM
            (
                SELECT r.*, x.exposure_us AS exposure_us
                FROM armspan_rows AS r
                INNER JOIN armspan_exposed AS x ON x.unit_id = r.unit_id
            )
            WHERE is_bad OR ifNull(row_us >= exposure_us AND row_us <= {closed_us:Int64}, false)${windowed ? ` AND ${WITHIN_WINDOW}` : ""}
            GROUP BY unit_id, is_bad
        )
        GROUP BY unit_id
    ),
    armspan_per_unit AS
    (
        SELECT
            ${stateOfUnit(windowed ? "NOT ifNull(u.exposure_us + {maturation_us:Int64} <= {as_of_us:Int64}, false)" : "false")},
            ${bySegment ? `${STRATA_OF_UNIT},\n            ` : ""}${[...own.map(({ name }) => `r.${name} AS ${name}`), "r.bad_rows AS bad_rows"].join(", ")}
        FROM armspan_exposed AS u
        LEFT JOIN armspan_unit_rows AS r ON r.unit_id = u.unit_id${bySegment ? "\n        LEFT JOIN armspan_unit_segments AS s ON s.unit_id = u.unit_id" : ""}
    )
SELECT
    ${[strata.columns, "toString(sum(bad_rows)) AS bad_rows", `${sumsOf(plan)} AS metric_0`, ...(plan.cells === null ? [] : [cellsOf(plan.cells, 0)])].join(",\n    ")}
FROM ${strata.from.replace("per_unit", "armspan_per_unit")}
GROUP BY ${strata.names}
ORDER BY ${strata.names}`;
	return { sql, parameters: { ...measures.conditions.parameters }, plans: measures.plans };
}

/** Total for whatever type a column has that can be written as text. */
function microsOf(column: string): string {
	const text = `toString(${column})`;
	return `accurateCastOrNull(round(multiIf(${text} = 'true', 1., ${text} = 'false', 0., toFloat64OrNull(${text})) * 1e6), 'Int64')`;
}
