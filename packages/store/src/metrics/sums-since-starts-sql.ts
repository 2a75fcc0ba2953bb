import type { MetricDefinition } from "@armspan/schema";
import type { QueryParameters } from "../connection.ts";
import { CALL_IDENTITY, EVIDENCE, ITERATION, type ROW_US, timeOf } from "./evidence-sql.ts";
import { type Measure, MetricMeasures, type MetricPlan } from "./metric-measures.ts";

export interface SumsSinceStartsStatement {
	readonly sql: string;
	readonly parameters: Record<string, QueryParameters[string]>;
	readonly plans: readonly MetricPlan[];
}

/**
 * For every arm and start in `{starts}` (ascending, microseconds) what is to be added to the sums since the next later
 * start to have those since this one.
 *
 * A unit's aggregates since a start change only at starts after which it has a row. There its sums since the start come
 * in and those since its next one go out, so the work is by pairs of units and starts with rows, not by units times
 * starts.
 *
 * @param metrics means, ratios and proportions of calls and events, without covariates
 */
export function sumsSinceStartsSql(metrics: readonly MetricDefinition[]): SumsSinceStartsStatement {
	const measures = new MetricMeasures(metrics);
	const [calls, events] = [measures.of("calls"), measures.of("events")];
	const names = [...calls, ...events].map(({ name }) => name);
	const rows = (table: keyof typeof ROW_US, of: readonly Measure[]) => {
		const columns = [...calls, ...events].map((measure) =>
			of.includes(measure) ? `${measure.sql} AS ${measure.name}` : `toInt128(0) AS ${measure.name}`,
		);
		return `        SELECT unit_id, toString(variant) AS seen_variant,
            roundDown(${timeOf(table)}, all_starts) AS start_us${list(columns)}
        FROM (${rowsSince(table)})
        GROUP BY unit_id, seen_variant, start_us`;
	};
	const sql = `WITH
    CAST({starts:Array(String)} AS Array(Int64)) AS all_starts,
    of_units AS
    (
        SELECT unit_id, seen_variant, start_us${list(names.map((name) => `sum(${name}) AS ${name}`))}
        FROM
        (
${[
	rows("calls", calls),
	rows("exposures", []),
	// conversions and scores are of the unit, whatever else it did since
	...(events.length === 0 ? [] : [rows("evaluations", events)]),
].join("\n            UNION ALL\n")}
        )
        GROUP BY unit_id, seen_variant, start_us
    ),
    cumulated AS
    (
        SELECT
            seen_variant AS arm,
            start_us AS since_us,
            min(seen_variant) OVER of_unit AS first_variant,
            max(seen_variant) OVER of_unit AS last_variant,
            max(start_us) OVER of_unit = start_us AS is_newest${list(
							names.map((name) => `${name} AS own_${name},\n            sum(${name}) OVER since AS since_${name}`),
						)}
        FROM of_units
        WINDOW of_unit AS (PARTITION BY unit_id), since AS (PARTITION BY unit_id ORDER BY start_us DESC)
    )
SELECT
    arm,
    toString(since_us) AS start${list(measures.plans.map((plan, index) => `${sumsOf(plan)} AS metric_${index}`))}
FROM
(
    SELECT arm, since_us, sign${list(
			names.map((name) => `if(sign = 1, since_${name}, since_${name} - own_${name}) AS ${name}`),
		)}
    FROM cumulated
    ARRAY JOIN if(is_newest, [toInt8(1)], [toInt8(1), toInt8(-1)]) AS sign
    WHERE first_variant = last_variant
)
GROUP BY arm, since_us
ORDER BY arm, since_us
SETTINGS max_execution_time = 60`;
	return { sql, parameters: { ...measures.conditions.parameters }, plans: measures.plans };
}

/** Rows since the first start, each identity once. */
function rowsSince(table: keyof typeof ROW_US): string {
	const since = `${ITERATION} AND unit_id != '' AND ${timeOf(table)} BETWEEN {first_us:Int64} AND {last_us:Int64}`;
	const counts = `SELECT * FROM ${table} WHERE ${since}`;
	if (table === "exposures") return `${counts} AND ${EVIDENCE.exposures}`;
	// FINAL would read the rows from before as well; like it, the one that came last is taken
	return `SELECT * FROM (${counts} ORDER BY arrived_at DESC LIMIT 1 BY ${table === "calls" ? CALL_IDENTITY : "unit_id, event_id, environment"}) WHERE ${EVIDENCE[table]}`;
}

function sumsOf({ y, n }: MetricPlan): string {
	const sum = (of: string) => `toString(sum(sign * ${of}))`;
	return `[toString(sumIf(sign, ${n} != 0 OR ${y} != 0)), ${[y, n, `${y} * ${y}`, `${n} * ${n}`, `${y} * ${n}`].map(sum).join(", ")}]`;
}

function list(columns: readonly string[]): string {
	return columns.map((column) => `,\n            ${column}`).join("");
}
