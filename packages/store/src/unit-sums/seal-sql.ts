import { COUNTS, ENVIRONMENT, ITERATION, ROW_US, timeOf } from "../metrics/evidence-sql.ts";
import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";
import { type SealedMeasure, sealedMeasures } from "./sealed-measures.ts";
import { CELL_NUMBERS_SQL, numbersOf, storedCells } from "./unit-cells-sql.ts";

/** Whether a row is not summed in a seal by its time. */
export const sinceSeal = (table: keyof typeof ROW_US) => `${timeOf(table)} >= {until_us:Int64}`;

/** Units whose sums are of one environment, the one that is asked for. */
export const OF_SEAL = `seal = {seal:String} AND environments_seen = 1 AND ${ENVIRONMENT}`;

/**
 * Writes a row per unit: sums over all that happened before `{until_us}`, as `metricTotalsSql` takes them without an
 * environment and a last revision, with what says whether they hold under those.
 *
 * Of the units from `{first_unit}` and before `{end_unit}`, or all beyond where that is empty: a part of them at a time
 * bounds the memory, and by the order of the tables each part is read once.
 */
export function sealSql(measured: MeasuredMetrics): string {
	const all = sealedMeasures(measured);
	const calls = all.filter(({ table }) => table === "calls");
	const events = all.filter(({ table }) => table === "events");
	const sums = (array: SealedMeasure["array"]) => all.filter((measure) => measure.array === array);
	const names = (array: SealedMeasure["array"]) => sums(array).map(({ name }) => name);
	const errors = names("errors")[0] ?? "CAST([] AS Array(String))";
	const ofCells = (each: (cells: string) => string) =>
		`CAST([${sums("cells")
			.map(({ table, name }) => each(`${table === "calls" ? "u" : "e"}.${name}`))
			.join(", ")}] AS Array(Array(Int64)))`;
	const rows = (table: keyof typeof ROW_US) =>
		`${ITERATION} AND ${COUNTS} AND ${timeOf(table)} < {until_us:Int64} AND unit_id >= {first_unit:String} AND ({end_unit:String} = '' OR unit_id < {end_unit:String})`;
	const merged = ({ name, array }: SealedMeasure) =>
		array === "call_sums" ? `sum(${name}) AS ${name}` : `groupArrayArray(${name}) AS ${name}`;
	const nothing = ({ name, array }: SealedMeasure) =>
		`${array === "call_sums" ? "toInt128(0)" : array === "errors" ? "CAST([] AS Array(String))" : "CAST([] AS Array(Int64))"} AS ${name}`;
	const lines = (parts: string[]) => parts.map((part) => `,\n                ${part}`).join("");
	const seenOf = (table: keyof typeof ROW_US) =>
		`groupUniqArray(toString(environment)) AS environments, max(routing_revision) AS revision, min(${ROW_US[table]}) AS exposed_us`;
	return `INSERT INTO unit_sums
    (seal, unit_id, variants_seen, variant, environments_seen, environment, highest_revision, exposure_us, newest_call_us,
    newest_event_us, call_sums, event_sums, error_types, error_counts, cells, sealed_at)
WITH
    ${CELL_NUMBERS_SQL},
    calls_of_units AS
    (
        SELECT
            unit_id,
            uniqExact(seen_variant) AS variants_seen,
            min(seen_variant) AS variant,
            groupUniqArrayArray(environments) AS environments,
            max(revision) AS revision,
            min(exposed_us) AS exposure_us,
            max(newest_us) AS newest_us${lines(calls.map(merged))}
        FROM
        (
            SELECT unit_id, variant AS seen_variant, ${seenOf("calls")}, max(${ROW_US.calls}) AS newest_us${lines(calls.map(({ sql, name }) => `${sql} AS ${name}`))}
            FROM calls FINAL
            WHERE ${rows("calls")}
            GROUP BY unit_id, variant
            UNION ALL
            SELECT unit_id, variant AS seen_variant, ${seenOf("exposures")}, NULL AS newest_us${lines(calls.map(nothing))}
            FROM exposures
            WHERE ${rows("exposures")}
            GROUP BY unit_id, variant
        )
        GROUP BY unit_id
    ),
    exposed AS
    (
        SELECT unit_id, min(seen_variant) AS variant, min(exposed_us) AS exposure_us
        FROM
        (
            SELECT unit_id, toString(variant) AS seen_variant, ${ROW_US.calls} AS exposed_us FROM calls WHERE ${rows("calls")}
            UNION ALL
            SELECT unit_id, toString(variant) AS seen_variant, ${ROW_US.exposures} AS exposed_us FROM exposures WHERE ${rows("exposures")}
        )
        GROUP BY unit_id
    ),
    events_of_units AS
    (
        SELECT
            unit_id,
            groupUniqArray(toString(environment)) AS environments,
            max(routing_revision) AS revision,
            max(row_us) AS newest_us${lines(events.map(({ sql, name }) => `${sql} AS ${name}`))}
        FROM
        (
            SELECT e.*, ${ROW_US.evaluations} AS row_us, x.exposure_us AS exposure_us, x.variant AS exposed_variant
            FROM (SELECT * FROM evaluations FINAL WHERE ${rows("evaluations")}) AS e
            INNER JOIN exposed AS x ON x.unit_id = e.unit_id
        )
        WHERE ifNull(variant = exposed_variant AND row_us >= exposure_us, false)
        GROUP BY unit_id
    ),
    ${ofCells((cells) => `arraySort(arrayDistinct(${cells}))`)} AS cells_seen,
    arrayMap((each, seen) -> arrayMap(run -> toInt64(length(run)), arraySplit((now, before) -> now != before, arraySort(each), arrayPopBack(arrayPushFront(arraySort(each), toInt64(-1))))), ${ofCells((cells) => cells)}, cells_seen) AS cell_counts
SELECT
    {seal:String},
    u.unit_id,
    u.variants_seen,
    u.variant,
    length(arrayDistinct(arrayConcat(u.environments, e.environments))),
    u.environments[1],
    greatest(u.revision, e.revision),
    u.exposure_us,
    u.newest_us,
    nullIf(ifNull(e.newest_us, 0), 0),
    CAST([${names("call_sums")
			.map((name) => `u.${name}`)
			.join(", ")}] AS Array(Int128)),
    CAST([${names("event_sums")
			.map((name) => `e.${name}`)
			.join(", ")}] AS Array(Int128)),
    arraySort(arrayDistinct(${errors})) AS types,
    arrayMap(type -> countEqual(${errors}, type), types),
    arrayMap((seen, counted) -> ${storedCells(numbersOf("seen"), "counted")}, cells_seen, cell_counts),
    fromUnixTimestamp(toInt64({sealed_at:UInt32}))
FROM calls_of_units AS u
LEFT JOIN events_of_units AS e ON e.unit_id = u.unit_id
SETTINGS max_execution_time = 3000, join_use_nulls = 0, max_threads = 1, async_insert = 0, max_partitions_per_insert_block = 0,
    distributed_foreground_insert = 1, max_bytes_before_external_group_by = 500000000`;
}
