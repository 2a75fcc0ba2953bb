import { CALL_IDENTITY, COUNTS, EVIDENCE, ITERATION, ROW_US } from "../metrics/evidence-sql.ts";
import type { MeasuredMetrics } from "../metrics/metric-totals-sql.ts";
import type { OpenSeal } from "./open-seal.ts";
import { OF_SEAL, sinceSeal } from "./seal-sql.ts";
import { sealedMeasures } from "./sealed-measures.ts";
import {
	CELL_NUMBERS_SQL,
	numbersOf,
	risesOfSquares,
	storedCells,
	storedCounts,
	storedNumbers,
} from "./unit-cells-sql.ts";
import type { SealPosition, UnitRows } from "./unit-totals-sql.ts";

/** A column of open rows: what calls and events give, what others give, and how those of a unit meet. */
interface OpenColumn {
	readonly name: string;
	readonly of: Partial<Record<"calls" | "events", string>>;
	readonly nothing: string;
	readonly together: (name: string) => string;
}

const NULL_US = "CAST(NULL AS Nullable(Int64))";

/**
 * Units with rows since the seal, and those whose sums do not hold: as they are now with sign 1, as they were sealed with
 * sign −1. Sealed rows are found by a join with the very rows that are added to them, so that a unit is in both or in
 * neither whatever arrives meanwhile.
 */
export function changedUnits(measured: MeasuredMetrics, seal: OpenSeal): UnitRows {
	return {
		apart: "sign",
		sums: unitsWithSums(measured, seal),
		cells: (measure) => `WITH ${CELL_NUMBERS_SQL} ${unitsWithCells(measure, seal)}`,
	};
}

function unitsWithSums(measured: MeasuredMetrics, seal: OpenSeal): string {
	const all = sealedMeasures(measured);
	const sums = (array: "call_sums" | "event_sums"): OpenColumn => {
		const at = new Map(
			all.filter((each) => each.array === array).map(({ identity, sql }) => [seal.positions.get(identity), sql]),
		);
		const length = Math.max(0, ...[...at.keys()].map((position) => position ?? 0));
		const list = Array.from({ length }, (_, index) => at.get(index + 1) ?? "0");
		return {
			name: array,
			of: { [array === "call_sums" ? "calls" : "events"]: `CAST([${list.join(", ")}] AS Array(Int128))` },
			nothing: "CAST([] AS Array(Int128))",
			together: (name) => `sumForEach(${name})`,
		};
	};
	const errors: OpenColumn = {
		name: "errors",
		of: { calls: all.find(({ array }) => array === "errors")?.sql ?? "CAST([] AS Array(String))" },
		nothing: "CAST([] AS Array(String))",
		together: (name) => `groupArrayArray(${name})`,
	};
	const hasEvents = all.some(({ table }) => table === "events");
	const newestEvent = hasEvents ? "newest_event_us" : `${NULL_US} AS newest_event_us`;
	const longest = (array: string) => `greatest(length(s.${array}), length(o.${array}))`;
	const resized = (rows: "s" | "o", array: string) => `arrayResize(${rows}.${array}, ${longest(array)})`;
	const added = (array: string) =>
		`s.${array} AS sealed_${array}, arrayMap((sealed, open) -> sealed + open, ${resized("s", array)}, ${resized("o", array)}) AS now_${array}`;
	return `SELECT sign, ${STATE_OF_SIGN}, ${ofSign("newest_call_us")}, ${hasEvents ? ofSign("newest_event_us") : newestEvent},
    ${["call_sums", "event_sums", "error_types", "error_counts"].map(ofSign).join(", ")}
FROM
(
    SELECT ${JOINED_STATES},
        s.newest_call_us AS sealed_newest_call_us, ${both("greatest", "s.newest_call_us", "o.newest_call_us")} AS now_newest_call_us,
        s.newest_event_us AS sealed_newest_event_us, ${both("greatest", "s.newest_event_us", "o.newest_event_us")} AS now_newest_event_us,
        ${added("call_sums")},
        ${added("event_sums")},
        s.error_types AS sealed_error_types, arrayConcat(s.error_types, o.errors) AS now_error_types,
        s.error_counts AS sealed_error_counts, arrayConcat(s.error_counts, arrayMap(each -> toUInt64(1), o.errors)) AS now_error_counts
    FROM (SELECT ${SEALED_SUMS} ${sealedUnits(seal)}) AS s
    RIGHT JOIN
    (
${openUnits([sums("call_sums"), sums("event_sums"), errors], hasEvents, seal)}
    ) AS o ON o.unit_id = s.unit_id
)
ARRAY JOIN if(is_sealed, [toInt8(1), toInt8(-1)], [toInt8(1)]) AS sign${
		seal.stale.length === 0
			? ""
			: `
UNION ALL
SELECT toInt8(-1), variants_seen, toString(variant), exposure_us, newest_call_us, ${newestEvent}, call_sums, event_sums, error_types, error_counts
FROM unit_sums WHERE ${STALE_OF_SEAL}`
	}`;
}

const SEALED_SUMS =
	"unit_id, variants_seen, variant, exposure_us, newest_call_us, newest_event_us, call_sums, event_sums, error_types, error_counts";
const STALE_OF_SEAL = `${OF_SEAL} AND unit_id IN {stale:Array(String)}`;

/**
 * A unit that stays in its arm and day adds, for each observation x that is new, to what it was sealed with: C² at a value
 * v is the number of pairs of observations up to v, so the pairs of x with others rise where the greater of the two lies,
 * and C·N by one for each old observation and by N for x. So nothing has to be sorted, and every cell is read once.
 * Any other unit is taken away as it was sealed and added as it is.
 */
function unitsWithCells({ table, sql, position }: SealPosition, seal: OpenSeal): string {
	const open: OpenColumn = {
		name: "observed",
		of: { [table]: numbersOf(sql) },
		nothing: "CAST([] AS Array(Int64))",
		together: (name) => `arraySort(groupArrayArray(${name}))`,
	};
	const day = (exposure: string) => `toDate(fromUnixTimestamp64Micro(${exposure}, 'UTC'))`;
	const isSame = `ifNull(${day("sealed_exposure_us")} = ${day("now_exposure_us")}, sealed_exposure_us IS NULL AND now_exposure_us IS NULL)`;
	const whole = "(toInt8(1), toInt64(-1), toInt64(0))";
	const stale =
		seal.stale.length === 0
			? ""
			: `
    UNION ALL
    SELECT toInt8(-1), toInt64(-1), toInt64(0), 0, variants_seen, toString(variant), exposure_us, toUInt64(0), cells[${position}]
    FROM unit_sums WHERE ${STALE_OF_SEAL}`;
	return `SELECT sign, variants_seen, variant, exposure_us,
    if(stays, arrayPushBack(old_numbers, x), old_numbers) AS numbers,
    if(stays, arrayPushBack(arrayResize(CAST([] AS Array(Int64)), length(old_numbers)), toInt64(1)), old_counts) AS counts,
    if(stays,
        arrayPushBack(arrayMap((number, count) -> if(number >= x, 2 * count, 0), old_numbers, old_counts),
            2 * arraySum(arrayMap((number, count) -> if(number < x, count, 0), old_numbers, old_counts)) + 2 * rank - 1),
        ${risesOfSquares("old_counts")}) AS squares,
    if(stays, arrayPushBack(old_counts, of_unit + toInt64(new_observations)), arrayMap(count -> count * of_unit, old_counts)) AS products
FROM
(
    SELECT *, ${storedNumbers("stored")} AS old_numbers, ${storedCounts("stored")} AS old_counts, arraySum(old_counts) AS of_unit
    FROM
    (
    SELECT piece.1 AS sign, piece.2 AS x, piece.3 AS rank, stays, ${STATE_OF_SIGN}, length(observed) AS new_observations,
        if(sign = 1 AND NOT stays, arraySort(arrayConcat(sealed, ${storedCells("observed", "arrayMap(each -> 1, observed)")})), sealed) AS stored
    FROM
    (
        SELECT ${JOINED_STATES}, s.stored AS sealed, o.observed AS observed,
            is_sealed AND sealed_variants_seen = 1 AND now_variants_seen = 1 AND ${isSame} AS stays
        FROM (SELECT unit_id, variants_seen, variant, exposure_us, cells[${position}] AS stored ${sealedUnits(seal)}) AS s
        RIGHT JOIN
        (
${openUnits([open], table === "events", seal)}
        ) AS o ON o.unit_id = s.unit_id
    )
    ARRAY JOIN multiIf(stays, arrayMap((x, rank) -> (toInt8(1), x, toInt64(rank)), observed, arrayEnumerate(observed)),
        is_sealed, [${whole}, (toInt8(-1), toInt64(-1), toInt64(0))], [${whole}]) AS piece${stale}
    )
)`;
}

const both = (least: "least" | "greatest", sealed: string, open: string) =>
	`ifNull(${least}(${sealed}, ${open}), ifNull(${sealed}, ${open}))`;

/** Columns of a sealed unit `s` joined with its open rows `o`. */
const JOINED_STATES = `s.unit_id != '' AS is_sealed, s.variants_seen AS sealed_variants_seen, toString(s.variant) AS sealed_variant,
        s.exposure_us AS sealed_exposure_us,
        length(arrayFilter(each -> each != '', arrayDistinct(arrayPushBack(o.variants, toString(s.variant))))) + if(s.variants_seen > 1, 1, 0) AS now_variants_seen,
        o.variants[1] AS now_variant, ${both("least", "s.exposure_us", "o.exposure_us")} AS now_exposure_us`;

const ofSign = (column: string) => `if(sign = 1, now_${column}, sealed_${column}) AS ${column}`;
const STATE_OF_SIGN = ["variants_seen", "variant", "exposure_us"].map(ofSign).join(", ");

function sealedUnits({ stale }: OpenSeal): string {
	return `FROM unit_sums WHERE ${OF_SEAL}${stale.length === 0 ? "" : " AND unit_id NOT IN {stale:Array(String)}"}`;
}

/** A row for each unit with an open row. */
function openUnits(columns: readonly OpenColumn[], hasEvents: boolean, seal: OpenSeal): string {
	const of = (table: "calls" | "events" | null) =>
		columns
			.map(({ name, of: given, nothing }) => `, ${(table === null ? undefined : given[table]) ?? nothing} AS ${name}`)
			.join("");
	return `SELECT unit_id, groupUniqArray(variant) AS variants, min(exposed_us) AS exposure_us, max(call_us) AS newest_call_us,
    max(event_us) AS newest_event_us${columns.map(({ name, together }) => `, ${together(name)} AS ${name}`).join("")}
FROM
(
    SELECT unit_id, toString(variant) AS variant, min(${ROW_US.calls}) AS exposed_us, max(${ROW_US.calls}) AS call_us, ${NULL_US} AS event_us${of("calls")}
    FROM (${openRows("calls", seal)})
    GROUP BY unit_id, variant
    UNION ALL
    SELECT unit_id, toString(variant) AS variant, min(${ROW_US.exposures}), ${NULL_US}, ${NULL_US}${of(null)}
    FROM (${openMinima("exposures", "*", seal)})
    GROUP BY unit_id, variant${hasEvents ? `\n    UNION ALL\n${openEvents(of("events"), seal)}` : ""}
)
GROUP BY unit_id`;
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

/** The same where minima and distinct values are taken only, so that repeats need no removal. */
function openMinima(table: "calls" | "exposures", columns: string, { stale }: OpenSeal): string {
	const since = `SELECT ${columns} FROM ${table} WHERE ${EVIDENCE[table]} AND ${sinceSeal(table)}`;
	if (stale.length === 0) return since;
	return `${since} UNION ALL SELECT ${columns} FROM ${table} WHERE ${EVIDENCE[table]} AND unit_id IN {stale:Array(String)}`;
}

/** Events of a unit's own variant since its first exposure, which may lie in the sums. */
function openEvents(taken: string, seal: OpenSeal): string {
	const seen = (table: "calls" | "exposures") =>
		openMinima(table, `unit_id, toString(variant) AS variant, ${ROW_US[table]} AS exposed_us`, seal);
	return `    SELECT unit_id, toString(variant) AS variant, ${NULL_US}, ${NULL_US}, max(row_us)${taken}
    FROM
    (
        SELECT e.*, ${ROW_US.evaluations} AS row_us, x.exposure_us AS exposure_us, x.variant AS exposed_variant
        FROM (${openRows("evaluations", seal)}) AS e
        INNER JOIN
        (
            SELECT unit_id, min(variant) AS variant, min(exposed_us) AS exposure_us
            FROM
            (
                ${seen("calls")}
                UNION ALL
                ${seen("exposures")}
                UNION ALL
                SELECT unit_id, toString(variant) AS variant, exposure_us AS exposed_us ${sealedUnits(seal)}
                    AND unit_id IN (SELECT unit_id FROM evaluations WHERE ${ITERATION} AND ${COUNTS} AND ${sinceSeal("evaluations")})
            )
            GROUP BY unit_id
        ) AS x ON x.unit_id = e.unit_id
    )
    WHERE ifNull(variant = exposed_variant AND row_us >= exposure_us, false)
    GROUP BY unit_id, variant`;
}
