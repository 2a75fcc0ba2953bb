import { CALL_IDENTITY, COUNTS, ENVIRONMENT, EVIDENCE, ITERATION, ROW_US } from "../metrics/evidence-sql.ts";
import {
	CELL_STARTS_SQL,
	type MeasuredMetrics,
	type MetricTotalsStatement,
	stateOfUnit,
	totalsOfUnits,
} from "../metrics/metric-totals-sql.ts";
import type { OpenSeal } from "./open-seal.ts";
import { type SealedMeasure, sealedMeasures } from "./seal.ts";
import { sinceSeal } from "./seal-sql.ts";

type Measure = SealedMeasure & { readonly position: number };

/** Few and wide rows: by its defaults the engine would read them with one thread. */
const ROWS_PER_THREAD = 8192;
const BYTES_PER_THREAD = 1_048_576;

/**
 * The same totals as `metricTotalsSql` without a window, from the sums of a seal and what there is beside: rows since the
 * seal, and all rows of units whose sums do not hold. Both are joined to the sums, so that a unit is one row whatever
 * arrives meanwhile.
 *
 * Cells of quantiles are summed beside the rest; they read the rows since the seal a moment later.
 */
export function sealedTotalsSql(measured: MeasuredMetrics, seal: OpenSeal): MetricTotalsStatement {
	const { measures, errors } = measured;
	const all: Measure[] = sealedMeasures(measured).map((measure) => ({
		...measure,
		position: seal.positions.get(measure.identity) ?? 0,
	}));
	const ofCells = all.filter(({ array }) => array === "cells");
	const cells = ofCells.map(({ name }) => name);
	const hasEvents = all.some(({ table }) => table === "events");
	const newestEvent = hasEvents ? "u.newest_event_us" : "CAST(NULL AS Nullable(Int64))";
	const units = (of: readonly Measure[]) => (seal.isOpen ? unitsWithRows(of, seal) : sealedUnits(of, seal));
	const sql = `WITH
    ${CELL_STARTS_SQL},
    per_unit AS
    (
        SELECT
            ${stateOfUnit("false")},
            u.newest_call_us AS newest_call_us,
            ${newestEvent} AS newest_event_us,
            u.* EXCEPT (variants_seen, variant, exposure_us, newest_call_us, newest_event_us)
        FROM
        (
${units(all.filter(({ array }) => array !== "cells"))}
        ) AS u
    )${
			cells.length === 0
				? ""
				: `,
    -- with nothing else in it, as the engine works out a statement once more for each place that names a part of it
    cells_per_unit AS
    (
        SELECT
            ${stateOfUnit("false")},
            u.* EXCEPT (variants_seen, variant, exposure_us, newest_call_us, newest_event_us)
        FROM
        (
${units(ofCells)}
        ) AS u
    )`
		}${cells.map((name) => `,\n    ${cellTotals(name)}`).join("")}
SELECT
    t.*${measures.plans.flatMap(({ cells: of }, index) => (of === null ? [] : [`,\n    of_${of}.totals AS cells_${index}`])).join("")}
FROM
(
    SELECT
        ${["state, arm, day", ...totalsOfUnits(measured, `sumMap(${errors}, ${errors}_counts)`)].join(",\n        ")}
    FROM per_unit
    GROUP BY state, arm, day
) AS t
${cells.map((name) => `LEFT JOIN of_${name} ON of_${name}.arm_${name} = t.arm AND of_${name}.day_${name} = t.day`).join("\n")}
ORDER BY state, arm, day
SETTINGS max_execution_time = 120, join_use_nulls = 0, short_circuit_function_evaluation = 'force_enable',
    merge_tree_min_rows_for_concurrent_read = ${ROWS_PER_THREAD}, merge_tree_min_bytes_for_concurrent_read = ${BYTES_PER_THREAD}`;
	const parameters = {
		...measures.conditions.parameters,
		...{ seal: seal.seal, until_us: seal.untilUs },
		...(seal.stale.length === 0 ? {} : { stale: seal.stale }),
	};
	return { sql, parameters, plans: measures.plans };
}

const columns = (list: readonly string[]) => list.map((column) => `,\n            ${column}`).join("");

function ofSeal({ stale }: OpenSeal): string {
	return `FROM unit_sums WHERE seal = {seal:String} AND ${ENVIRONMENT}${stale.length === 0 ? "" : " AND unit_id NOT IN {stale:Array(String)}"}`;
}

function sealedUnits(all: readonly Measure[], seal: OpenSeal): string {
	const stored = all.flatMap(({ name, array, position }) =>
		array === "errors"
			? [`error_types AS ${name}`, `error_counts AS ${name}_counts`]
			: array === "cells"
				? [
						`cells[${position}] AS ${name}`,
						`cell_counts[${position}] AS ${name}_counts`,
						`cell_squares[${position}] AS ${name}_squares`,
					]
				: [`${array}[${position}] AS ${name}`],
	);
	return `        SELECT variants_seen, toString(variant) AS variant, exposure_us, newest_call_us, newest_event_us${columns(stored)}
        ${ofSeal(seal)}`;
}

function unitsWithRows(all: readonly Measure[], seal: OpenSeal): string {
	const calls = all.filter(({ table }) => table === "calls");
	const events = all.filter(({ table }) => table === "events");
	const sumsOfUnits = columns(
		all.map(({ name, array }) =>
			array === "call_sums" || array === "event_sums"
				? `sum(${name}) AS ${name}`
				: `groupArrayArray(${name}) AS ${name}`,
		),
	);
	const taken = ({ sql, name }: Measure) => `${sql} AS ${name}`;
	const nothing = ({ name, array }: Measure) =>
		`${array === "errors" ? "CAST([] AS Array(String))" : array === "cells" ? "CAST([] AS Array(Int64))" : "toInt128(0)"} AS ${name}`;
	const both = (least: "least" | "greatest", sealed: string, open: string) =>
		`ifNull(${least}(${sealed}, ${open}), ifNull(${sealed}, ${open}))`;
	const added = all.flatMap(({ name, array, position }) => {
		if (array === "errors") {
			return [
				`arrayConcat(s.error_types, o.${name}) AS ${name}`,
				`arrayConcat(s.error_counts, arrayMap(each -> toUInt64(1), o.${name})) AS ${name}_counts`,
			];
		}
		if (array !== "cells") return [`s.${array}[${position}] + o.${name} AS ${name}`];
		const counts = `arrayConcat(s.cell_counts[${position}], arrayMap(each -> toInt64(1), o.${name}))`;
		const seen = `arrayConcat(s.cells[${position}], o.${name})`;
		// of an unchanged unit what is stored; in others a cell may stand twice, and its parts still add up
		const unless = (sealed: string, changed: string) => `if(empty(o.${name}), ${sealed}[${position}], ${changed})`;
		return [
			`${unless("s.cells", `arraySort(${seen})`)} AS ${name}`,
			`${unless("s.cell_counts", `arraySort((count, cell) -> cell, ${counts}, ${seen})`)} AS ${name}_counts`,
			`${unless("s.cell_squares", `arrayMap((cumulated, count) -> toInt64(cumulated * cumulated - (cumulated - count) * (cumulated - count)), arrayCumSum(${name}_counts), ${name}_counts)`)} AS ${name}_squares`,
		];
	});
	return `        SELECT
            arrayFilter(each -> each != '', arrayDistinct(arrayPushBack(o.variants, toString(s.variant)))) AS all_variants,
            length(all_variants) + if(s.variants_seen > 1, 1, 0) AS variants_seen,
            all_variants[1] AS variant,
            ${both("least", "s.exposure_us", "o.exposure_us")} AS exposure_us,
            ${both("greatest", "s.newest_call_us", "o.newest_call_us")} AS newest_call_us,
            ${both("greatest", "s.newest_event_us", "o.newest_event_us")} AS newest_event_us${columns(added)}
        FROM (SELECT * ${ofSeal(seal)}) AS s
        FULL JOIN
        (
            SELECT unit_id, groupUniqArray(variant) AS variants, min(exposed_us) AS exposure_us, max(call_us) AS newest_call_us,
                max(event_us) AS newest_event_us${sumsOfUnits}
            FROM
            (
                SELECT unit_id, toString(variant) AS variant, min(${ROW_US.calls}) AS exposed_us, max(${ROW_US.calls}) AS call_us,
                    CAST(NULL AS Nullable(Int64)) AS event_us${columns([...calls.map(taken), ...events.map(nothing)])}
                FROM (${openRows("calls", seal)})
                GROUP BY unit_id, variant
                UNION ALL
                SELECT unit_id, toString(variant) AS variant, min(${ROW_US.exposures}) AS exposed_us, CAST(NULL AS Nullable(Int64)) AS call_us,
                    CAST(NULL AS Nullable(Int64)) AS event_us${columns([...calls.map(nothing), ...events.map(nothing)])}
                FROM (${openExposures(seal)})
                GROUP BY unit_id, variant${events.length === 0 ? "" : `\n                UNION ALL\n${openEvents(calls.map(nothing), events.map(taken), seal)}`}
            )
            GROUP BY unit_id
        ) AS o ON o.unit_id = s.unit_id`;
}

/** All rows of stale units, and of the others those since the seal; each identity once. */
function openRows(table: "calls" | "evaluations", { stale }: OpenSeal): string {
	const identity = table === "calls" ? CALL_IDENTITY : "unit_id, event_id, environment";
	const since = `SELECT * FROM
                (
                    -- FINAL would read the rows from before as well; like it, the one that came last is taken
                    SELECT * FROM ${table}
                    WHERE ${ITERATION} AND unit_id != '' AND ${sinceSeal(table)}${stale.length === 0 ? "" : " AND unit_id NOT IN {stale:Array(String)}"}
                    ORDER BY arrived_at DESC
                    LIMIT 1 BY ${identity}
                )
                WHERE ${EVIDENCE[table]}`;
	if (stale.length === 0) return since;
	return `SELECT * FROM ${table} FINAL WHERE ${EVIDENCE[table]} AND unit_id IN {stale:Array(String)}
                UNION ALL
                ${since}`;
}

function openExposures({ stale }: OpenSeal): string {
	const since = `SELECT * FROM exposures WHERE ${EVIDENCE.exposures} AND ${sinceSeal("exposures")}`;
	if (stale.length === 0) return since;
	return `SELECT * FROM exposures WHERE ${EVIDENCE.exposures} AND unit_id IN {stale:Array(String)} UNION ALL ${since}`;
}

/** Events of a unit's own variant since its first exposure, which may lie in the sums. */
function openEvents(nothing: readonly string[], taken: readonly string[], seal: OpenSeal): string {
	return `                SELECT unit_id, toString(variant) AS variant, CAST(NULL AS Nullable(Int64)) AS exposed_us, CAST(NULL AS Nullable(Int64)) AS call_us,
                    max(row_us) AS event_us${columns([...nothing, ...taken])}
                FROM
                (
                    SELECT e.*, ${ROW_US.evaluations} AS row_us, x.exposure_us AS exposure_us, x.variant AS exposed_variant
                    FROM (${openRows("evaluations", seal)}) AS e
                    INNER JOIN
                    (
                        SELECT unit_id, min(variant) AS variant, min(exposed_us) AS exposure_us
                        FROM
                        (
                            SELECT unit_id, toString(variant) AS variant, ${ROW_US.calls} AS exposed_us FROM (${openRows("calls", seal)})
                            UNION ALL
                            SELECT unit_id, toString(variant) AS variant, ${ROW_US.exposures} AS exposed_us FROM (${openExposures(seal)})
                            UNION ALL
                            SELECT unit_id, toString(variant) AS variant, exposure_us AS exposed_us ${ofSeal(seal)}
                                AND unit_id IN (SELECT unit_id FROM evaluations WHERE ${ITERATION} AND ${COUNTS} AND ${sinceSeal("evaluations")})
                        )
                        GROUP BY unit_id
                    ) AS x ON x.unit_id = e.unit_id
                )
                WHERE ifNull(variant = exposed_variant AND row_us >= exposure_us, false)
                GROUP BY unit_id, variant`;
}

/** Of one quantile the sums by cell, of each arm and day; not by `sumMap`, which takes ten times as long. */
function cellTotals(name: string): string {
	return `of_${name} AS
    (
        SELECT min(of_arm) AS arm_${name}, min(of_day) AS day_${name},
            (groupArray(cell), groupArray(toString(counts)), groupArray(toString(squares)), groupArray(toString(products))) AS totals
        FROM
        (
            -- by a hash of arm and day, which is shorter than they are
            SELECT stratum, cell, any(arm) AS of_arm, any(day) AS of_day, sum(count) AS counts, sum(square) AS squares, sum(count * of_unit) AS products
            FROM
            (
                SELECT arm, day, sipHash128(arm, day) AS stratum, ${name}, ${name}_counts, ${name}_squares, arraySum(${name}_counts) AS of_unit
                FROM cells_per_unit WHERE state = 'counted'
            )
            ARRAY JOIN ${name} AS cell, ${name}_counts AS count, ${name}_squares AS square
            GROUP BY stratum, cell
            ORDER BY stratum, cell
        )
        GROUP BY stratum
    )`;
}
