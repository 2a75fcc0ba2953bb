import type { MetricDefinition } from "@armspan/schema";
import type { QueryParameters } from "../connection.ts";
import { ENVIRONMENT, EVIDENCE, ROW_US, traceHash } from "./evidence-sql.ts";
import { type Measure, type MeasureTable, MetricMeasures, type MetricPlan } from "./metric-measures.ts";
import { SEGMENT_STRATA, SEGMENTS, STRATA_OF_UNIT } from "./segment-strata.ts";
import { CELL_STARTS } from "./value-grid.ts";

/** First exposures of units (`exposed`), and whether they were seen in one variant. */
export const EXPOSED = `    exposed AS
    (
        -- minima and distinct values only, so repeats need no removal
        SELECT unit_id, uniqExact(seen_variant) AS variants_seen, min(seen_variant) AS variant, min(exposed_us) AS exposure_us
        FROM
        (
            SELECT unit_id, variant AS seen_variant, min(${ROW_US.calls}) AS exposed_us
            FROM calls WHERE ${EVIDENCE.calls} GROUP BY unit_id, variant
            UNION ALL
            SELECT unit_id, variant AS seen_variant, min(toUnixTimestamp64Micro(exposed_at)) AS exposed_us
            FROM exposures WHERE ${EVIDENCE.exposures} GROUP BY unit_id, variant
        )
        GROUP BY unit_id
    ),`;

export interface MetricTotalsStatement {
	readonly sql: string;
	readonly parameters: Record<string, QueryParameters[string]>;
	readonly plans: readonly MetricPlan[];
}

/**
 * The one statement of an analysis: for every state of units (`counted`, `excluded`, `immature`), arm and day of first
 * exposure, the exact sums of every metric.
 *
 * Without a window, calls and exposures meet in one GROUP BY unit. With one, a first pass finds the units' first
 * exposures and calls are joined with them.
 *
 * @param windowed whether `{as_of_us}` and `{maturation_us}` (0: none) limit what counts
 * @param splitByCache whether means of what a cache changes are also summed over its hits
 */
export function metricTotalsSql(
	metrics: readonly MetricDefinition[],
	windowed: boolean,
	splitByCache = false,
): MetricTotalsStatement {
	return totalsSql(measuredMetrics(metrics, splitByCache), EXPOSED, windowed, (table, measures) =>
		table === "calls" ? callsOfUnits(measures, windowed) : rowsBesideUnits(table, measures, windowed),
	);
}

/**
 * The same for units of one segment after the other, named in `{segments}`, instead of days: only units that are
 * counted, each once in every segment.
 */
export function segmentTotalsSql(metrics: readonly MetricDefinition[], windowed: boolean): MetricTotalsStatement {
	return totalsSql(
		measuredMetrics(metrics),
		`${EXPOSED}\n${SEGMENTS}`,
		windowed,
		(table, measures) =>
			table === "calls" ? callsOfUnits(measures, windowed) : rowsBesideUnits(table, measures, windowed),
		true,
	);
}

/**
 * The same without an experiment: versions of a prompt in the place of arms, all calls and events that name them, and a
 * unit with several versions counted once in each. Calls of no unit are units of their own trace.
 *
 * @param metrics without covariates: there is no first exposure before which anything could lie
 */
export function versionTotalsSql(metrics: readonly MetricDefinition[]): MetricTotalsStatement {
	return totalsSql(measuredMetrics(metrics), "", false, (table, measures) => rowsOfVersions(table, measures));
}

/**
 * Of units with both of two versions, which are counted in each: how many, and for every metric the sums over them of
 * Y₁Y₂, Y₁N₂, N₁Y₂ and N₁N₂, from which the covariance of the versions' ratios comes.
 */
export function versionOverlapSql(metrics: readonly MetricDefinition[]): MetricTotalsStatement {
	const { measures } = measuredMetrics(metrics);
	const tables = (["calls", "events"] as const).filter((table) => measures.of(table).length > 0);
	const first = "u.variant = {versions:Array(String)}[1]";
	const ofVersion = (of: string, name: string) => [
		`sumIf(${of}, u.variant = {versions:Array(String)}[1]) AS ${name}_1`,
		`sumIf(${of}, NOT (${first})) AS ${name}_2`,
	];
	const sums = measures.plans.flatMap(({ y, n }, index) => [
		...ofVersion(y, `y_${index}`),
		...ofVersion(n, `n_${index}`),
	]);
	const products = measures.plans.map((_plan, index) => {
		const [y, n] = [`y_${index}`, `n_${index}`];
		const pairs = [`${y}_1 * ${y}_2`, `${y}_1 * ${n}_2`, `${n}_1 * ${y}_2`, `${n}_1 * ${n}_2`];
		return `[${pairs.map((pair) => `toString(sum(${pair}))`).join(", ")}] AS metric_${index}`;
	});
	const sql = `WITH
    ${CELL_STARTS_SQL},
${tables.map((table) => `    ${table}_of_units AS\n    (\n${rowsOfVersions(table, measures)}\n    )`).join(",\n")}
SELECT
    ${["toString(count()) AS units", ...products].join(",\n    ")}
FROM
(
    SELECT
        ${["substring(u.unit_id, length(u.variant) + 2) AS unit", ...sums].join(",\n        ")}
    FROM calls_of_units AS u${tables.includes("events") ? "\n    LEFT JOIN events_of_units ON events_of_units.unit_id = u.unit_id" : ""}
    GROUP BY unit
    HAVING uniqExact(u.variant) = 2
)
SETTINGS max_execution_time = 120, join_use_nulls = 0`;
	return { sql, parameters: { ...measures.conditions.parameters }, plans: measures.plans };
}

function totalsSql(
	measured: MeasuredMetrics,
	exposed: string,
	windowed: boolean,
	select: (table: MeasureTable, measures: MetricMeasures) => string,
	bySegment = false,
): MetricTotalsStatement {
	const { measures } = measured;
	const beside = (["events", "pre_calls", "pre_events"] as const).filter((table) => measures.of(table).length > 0);
	const tables = (["calls", ...beside] as const).map(
		(table) => `    ${table}_of_units AS\n    (\n${select(table, measures)}\n    ),`,
	);
	const ofUnit = (["calls", ...beside] as const).flatMap((table) =>
		measures.of(table).map(({ name }) => `${table === "calls" ? "u" : `${table}_of_units`}.${name} AS ${name}`),
	);
	const newestEvent = beside.includes("events")
		? "nullIf(events_of_units.newest_us, 0)"
		: "CAST(NULL AS Nullable(Int64))";
	const strata = bySegment ? SEGMENT_STRATA : DAY_STRATA;
	const { errors } = measured;
	const cells = measures.plans.flatMap((plan, index) => (plan.cells === null ? [] : [cellsOf(plan.cells, index)]));
	const sql = `WITH
    ${CELL_STARTS_SQL},
${[exposed, ...tables].filter((table) => table !== "").join("\n")}
    per_unit AS
    (
        SELECT
            ${stateOfUnit(windowed ? "NOT u.mature" : "false")},
            u.newest_us AS newest_call_us,
            ${newestEvent} AS newest_event_us,
            ${bySegment ? `${STRATA_OF_UNIT},\n            ` : ""}${ofUnit.join(",\n            ")}
        FROM calls_of_units AS u
${[
	...beside.map((table) => `        LEFT JOIN ${table}_of_units ON ${table}_of_units.unit_id = u.unit_id`),
	...(bySegment ? ["        LEFT JOIN armspan_unit_segments AS s ON s.unit_id = u.unit_id"] : []),
].join("\n")}
    )
SELECT
    ${[
			strata.columns,
			...totalsOfUnits(measured, `sumMap(${errors}, arrayMap(type -> toUInt64(1), ${errors}))`),
			...cells,
		].join(",\n    ")}
FROM ${strata.from}
GROUP BY ${strata.names}
ORDER BY ${strata.names}
SETTINGS max_execution_time = 120, join_use_nulls = 0`;
	return { sql, parameters: { ...measures.conditions.parameters }, plans: measures.plans };
}

export const CELL_STARTS_SQL = `CAST([${CELL_STARTS.join(", ")}] AS Array(Int64)) AS cell_starts`;

/** Measures of metrics, and those that are wanted of every unit whatever the metrics. */
export interface MeasuredMetrics {
	readonly measures: MetricMeasures;
	readonly calls: string;
	readonly undelivered: string;
	readonly quarantined: string;
	readonly errors: string;
}

/** @param splitByCache whether means of what a cache changes are also summed over its hits */
export function measuredMetrics(metrics: readonly MetricDefinition[], splitByCache = false): MeasuredMetrics {
	const measures = new MetricMeasures(metrics, splitByCache);
	return {
		measures,
		calls: measures.measure("calls", "toInt128(count())"),
		// the assigned text did not reach the model; a stale bundle still delivers it
		undelivered: measures.measure(
			"calls",
			"toInt128(countIf(fallback_reason IN ('render-failed', 'prompt-unreadable')))",
		),
		quarantined: measures.measure("calls", "toInt128(countIf(quarantined))"),
		errors: measures.measure("calls", "groupArrayIf(toString(error_type), is_error)", "Array(String)"),
	};
}

/** Columns `state`, `arm` and `day` of a unit `u`. */
export function stateOfUnit(immature: string): string {
	return `multiIf(u.variants_seen != 1, 'excluded', ${immature}, 'immature', 'counted') AS state,
            if(state = 'counted', toString(u.variant), '') AS arm,
            if(state = 'counted', ifNull(toString(toDate(fromUnixTimestamp64Micro(u.exposure_us, 'UTC'))), ''), '') AS day`;
}

/** Columns of the result but for its strata and cells, from one row per unit. */
function totalsOfUnits({ measures, calls, undelivered, quarantined }: MeasuredMetrics, errorTypes: string): string[] {
	return [
		"toString(max(newest_call_us)) AS newest_call_us",
		"toString(max(newest_event_us)) AS newest_event_us",
		"toString(count()) AS units",
		`toString(sum(${calls})) AS calls`,
		`toString(sum(${undelivered})) AS undelivered_calls`,
		`toString(sum(${quarantined})) AS quarantined_calls`,
		`${errorTypes} AS error_types`,
		...measures.plans.map((plan, index) => `${sumsOf(plan)} AS metric_${index}`),
	];
}

export const DAY_STRATA = { columns: "state,\n    arm,\n    day", names: "state, arm, day", from: "per_unit" };
/** One row per unit with its calls' aggregates: arms seen, first exposure, newest call. */
function callsOfUnits(measures: MetricMeasures, windowed: boolean): string {
	const own = measures.of("calls");
	if (windowed) {
		return `        SELECT
            x.unit_id AS unit_id,
            x.variants_seen AS variants_seen,
            x.variant AS variant,
            x.exposure_us AS exposure_us,
            ifNull(x.exposure_us + {maturation_us:Int64} <= {as_of_us:Int64}, false) AS mature,
            nullIf(c.newest_us, 0) AS newest_us,
            ${own.map(({ name }) => `c.${name} AS ${name}`).join(",\n            ")}
        FROM exposed AS x
        LEFT JOIN
        (
            SELECT
                unit_id,
                ifNull(max(row_us), 0) AS newest_us,
                ${own.map(({ name, sql }) => `${sql} AS ${name}`).join(",\n                ")}
            FROM
            (
                SELECT c.*, ${ROW_US.calls} AS row_us, x.exposure_us AS exposure_us
                FROM (SELECT * FROM calls FINAL WHERE ${EVIDENCE.calls}) AS c
                INNER JOIN exposed AS x ON x.unit_id = c.unit_id
            )
            WHERE ${WITHIN_WINDOW}
            GROUP BY unit_id
        ) AS c ON c.unit_id = x.unit_id`;
	}
	return `        SELECT
            unit_id,
            uniqExact(seen_variant) AS variants_seen,
            min(seen_variant) AS variant,
            min(exposed_us) AS exposure_us,
            max(newest_us) AS newest_us,
            ${own.map(({ name, type }) => `${type === "Int128" ? "sum" : "groupArrayArray"}(${name}) AS ${name}`).join(",\n            ")}
        FROM
        (
            SELECT
                unit_id,
                variant AS seen_variant,
                min(${ROW_US.calls}) AS exposed_us,
                max(${ROW_US.calls}) AS newest_us,
                ${own.map(({ name, sql }) => `${sql} AS ${name}`).join(",\n                ")}
            FROM calls FINAL
            WHERE ${EVIDENCE.calls}
            GROUP BY unit_id, variant
            UNION ALL
            SELECT
                unit_id,
                variant AS seen_variant,
                min(toUnixTimestamp64Micro(exposed_at)) AS exposed_us,
                NULL AS newest_us,
                ${own.map(({ name, type }) => `${nothing(type)} AS ${name}`).join(",\n                ")}
            FROM exposures
            WHERE ${EVIDENCE.exposures}
            GROUP BY unit_id, variant
        )
        GROUP BY unit_id`;
}

export const WITHIN_WINDOW = `ifNull(row_us <= {as_of_us:Int64} AND ({maturation_us:Int64} = 0 OR row_us <= exposure_us + {maturation_us:Int64}), false)`;

/** Aggregates of rows that have to be joined with the units' first exposures. */
function rowsBesideUnits(table: Exclude<MeasureTable, "calls">, measures: MetricMeasures, windowed: boolean): string {
	const isCalls = table === "pre_calls";
	const isPre = table !== "events";
	// What a unit did before may have been outside of every experiment.
	const rows = isPre
		? `NOT shadow AND unit_id != '' AND unit_type = {unit_type:String} AND prompt_name = {prompt:String} AND ${ENVIRONMENT}`
		: EVIDENCE.evaluations;
	const when = isPre
		? "row_us < exposure_us"
		: `variant = exposed_variant AND row_us >= exposure_us${windowed ? ` AND ${WITHIN_WINDOW}` : ""}`;
	return `        SELECT
            unit_id,
            ifNull(max(row_us), 0) AS newest_us,
            ${measures
							.of(table)
							.map(({ name, sql }) => `${sql} AS ${name}`)
							.join(",\n            ")}
        FROM
        (
            SELECT e.*, ${isCalls ? ROW_US.calls : ROW_US.evaluations} AS row_us, x.exposure_us AS exposure_us, x.variant AS exposed_variant
            FROM (SELECT * FROM ${isCalls ? "calls" : "evaluations"} FINAL WHERE ${rows}) AS e
            INNER JOIN exposed AS x ON x.unit_id = e.unit_id
        )
        WHERE ifNull(${when}, false)
        GROUP BY unit_id`;
}

/** A unit of one version is a unit of its own here. */
function rowsOfVersions(table: MeasureTable, measures: MetricMeasures): string {
	if (table !== "calls" && table !== "events") throw new TypeError("versions have no covariates");
	const time = table === "calls" ? ROW_US.calls : ROW_US.evaluations;
	const newest = table === "calls" ? `max(${time})` : `ifNull(max(${time}), 0)`;
	const trace = table === "calls" ? "trace_hash" : traceHash("trace_id");
	return `        SELECT
            concat(prompt_version, ' ', if(unit_id = '', concat('trace ', toString(${trace})), unit_id)) AS unit_id,
            any(prompt_version) AS variant,
            1 AS variants_seen,
            min(${time}) AS exposure_us,
            ${newest} AS newest_us,
            ${measures
							.of(table)
							.map(({ name, sql }) => `${sql} AS ${name}`)
							.join(",\n            ")}
        FROM ${table === "calls" ? "calls" : "evaluations"} FINAL
        WHERE prompt_name = {prompt:String} AND has({versions:Array(String)}, toString(prompt_version)) AND NOT shadow AND ${ENVIRONMENT}
            AND ifNull(${time} >= {since_us:Int64} AND ${time} < {until_us:Int64}, false)
        GROUP BY 1`;
}

function nothing(type: Measure["type"]): string {
	return type === "Int128" ? "toInt128(0)" : `CAST([] AS ${type})`;
}

/** Sums over the units with an observation, as texts; `MetricSums` has their order. */
export function sumsOf({ y, n, squares, winsor, covariate, cacheHits }: MetricPlan): string {
	// A ratio's denominator may be 0 where its numerator is not.
	const observed = `(${n} != 0 OR ${y} != 0)`;
	const sum = (a: string, b?: string) => `toString(sum(${b === undefined ? a : `${a} * ${b}`}))`;
	const ofObserved = (a: string, b?: string) => `toString(sumIf(${b === undefined ? a : `${a} * ${b}`}, ${observed}))`;
	const parts = [
		`toString(countIf(${observed}))`,
		...[sum(y), sum(n), sum(y, y), sum(n, n), sum(y, n)],
		...(squares === null ? [] : [sum(squares)]),
		...(winsor === null ? [] : [sum(winsor.uncapped), sum(winsor.above)]),
		...(covariate === null ? [] : covariateSums(y, n, covariate, ofObserved)),
		...(cacheHits === null ? [] : covariateSums(y, n, cacheHits, ofObserved)),
	];
	return `[${parts.join(", ")}]`;
}

function covariateSums(
	y: string,
	n: string,
	{ x, w }: { x: string; w: string },
	sum: (a: string, b?: string) => string,
): string[] {
	return [sum(x), sum(w), sum(x, x), sum(w, w), sum(x, w), sum(y, x), sum(y, w), sum(n, x), sum(n, w)];
}

/**
 * The unit's i-th smallest observation raises its count C from i − 1 to i there, hence C² by 2i − 1 and C·N by N: sums
 * of these by cell, cumulated over cells, are ΣC, ΣC² and ΣCN at every grid value.
 */
export function cellsOf(cells: string, index: number): string {
	const of = (each: string) => `arrayMap((cell, i) -> toInt64(${each}), ${cells}, arrayEnumerate(${cells}))`;
	return `    sumMap(arraySort(${cells}), ${of("1")}, ${of("2 * i - 1")}, ${of(`length(${cells})`)}) AS cells_${index}`;
}
