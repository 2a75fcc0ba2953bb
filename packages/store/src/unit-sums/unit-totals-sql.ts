import { type MeasuredMetrics, stateOfUnit } from "../metrics/metric-totals-sql.ts";
import type { Seal } from "./seal.ts";
import { sealedMeasures } from "./sealed-measures.ts";
import { unitTerms } from "./unit-terms.ts";

/** Units as rows: the same columns as `unit_sums` has, and one that sets rows apart. */
export interface UnitRows {
	/** Name of the column that sets rows apart. */
	readonly apart: string;
	/** SELECT of `unit_sums` columns but for cells. */
	readonly sums: string;
	/**
	 * SELECT of what says a unit's state, and of what it adds to sums by cell of one quantile: `numbers` of cells, `counts`,
	 * `squares` and `products`.
	 */
	readonly cells: (measure: SealPosition) => string;
}

export interface SealPosition {
	readonly name: string;
	readonly table: "calls" | "events";
	readonly sql: string;
	/** Where it stands in its array of a unit, from 1. */
	readonly position: number;
}

/** Few and wide rows: by its defaults the engine would read them with one thread. */
const ROWS_PER_THREAD = 8192;
const BYTES_PER_THREAD = 1_048_576;

/**
 * Sums over units by state, arm and day of first exposure: a row with those of all metrics, and one more for the cells of
 * each quantile. `unitTotalsOf` reads them.
 *
 * Sums go through the statement as a few arrays: by name, working it out would take longer than running it.
 */
export function unitTotalsSql(
	measured: MeasuredMetrics,
	{ positions }: Pick<Seal, "positions">,
	rows: UnitRows,
): string {
	const { ratios, singles, hits } = unitTerms(measured);
	const all = sealedMeasures(measured).map((each) => ({ ...each, position: positions.get(each.identity) ?? 0 }));
	const named = all
		.filter(({ array }) => array === "call_sums" || array === "event_sums")
		.map(({ name, array, position }) => `${array}[${position}] AS ${name}`);
	const list = (terms: readonly string[]) => `CAST([${terms.join(", ")}] AS Array(Int256))`;
	const texts = (array: string) => `arrayMap(sum -> toString(sum), ${array})`;
	const sums = (array: string) => texts(`sumForEach(${array})`);
	const products = (a: string, b: string) => sums(`arrayMap((a, b) -> a * b, ${a}, ${b})`);
	const { calls, undelivered, quarantined } = measured;
	const ofHits =
		hits.length === 0
			? []
			: [
					...[sums("x"), sums("w"), products("x", "x"), products("w", "w"), products("x", "w")],
					...[products("hits_y", "x"), products("hits_y", "w"), products("hits_n", "x"), products("hits_n", "w")],
				];
	const cells = all.filter(({ array }) => array === "cells");
	return `WITH
    ${named.join(",\n    ")},
    ${list(ratios.map(([y]) => y))} AS y,
    ${list(ratios.map(([, n]) => n))} AS n,
    ${list(singles)} AS singles${
			hits.length === 0
				? ""
				: (["hits_y", "hits_n", "x", "w"] as const)
						.map((name, index) => `,\n    ${list(hits.map((terms) => terms[index] as string))} AS ${name}`)
						.join("")
		},
    sumMap(error_types, error_counts) AS errors
SELECT
    '' AS cells_of, toString(${stratumOf(rows)}) AS stratum, toString(${rows.apart}) AS apart, state, arm, day,
    toString(max(newest_call_us)) AS newest_call_us,
    toString(max(newest_event_us)) AS newest_event_us,
    errors.1 AS keys,
    [
        ${[
					`[toString(count()), toString(sum(${calls})), toString(sum(${undelivered})), toString(sum(${quarantined}))]`,
					texts("errors.2"),
					sums("arrayMap((y, n) -> y != 0 OR n != 0, y, n)"),
					...[sums("y"), sums("n"), products("y", "y"), products("n", "n"), products("y", "n")],
					sums("singles"),
					...ofHits,
				].join(",\n        ")}
    ] AS sums
FROM (SELECT ${stateOfUnit("false")}, u.* FROM (${rows.sums}) AS u)
GROUP BY ${rows.apart}, state, arm, day${cells.map((measure) => `\nUNION ALL\n${cellTotals(measure, rows)}`).join("")}
SETTINGS max_execution_time = 120, join_use_nulls = 0, short_circuit_function_evaluation = 'force_enable',
    merge_tree_min_rows_for_concurrent_read = ${ROWS_PER_THREAD}, merge_tree_min_bytes_for_concurrent_read = ${BYTES_PER_THREAD}`;
}

/** Of one quantile the sums by cell, of each arm and day; not by `sumMap`, which takes ten times as long. */
function cellTotals(measure: SealPosition & { identity: string }, rows: UnitRows): string {
	return `SELECT '${measure.identity}', toString(stratum), '', '', '', '', NULL, NULL, groupArray(toString(number)),
    [groupArray(toString(sum_counts)), groupArray(toString(sum_squares)), groupArray(toString(sum_products))]
FROM
(
    SELECT stratum, number, sum(count) AS sum_counts, sum(square) AS sum_squares, sum(product) AS sum_products
    FROM
    (
        SELECT ${stateOfUnit("false")}, ${stratumOf(rows)} AS stratum, numbers, counts, squares, products
        FROM (${rows.cells(measure)}) AS u
        WHERE u.variants_seen = 1
    )
    ARRAY JOIN numbers AS number, counts AS count, squares AS square, products AS product
    GROUP BY stratum, number
)
GROUP BY stratum`;
}

/** Arm, day and what sets rows apart as a number: shorter than they are, where there are many rows of them. */
const stratumOf = ({ apart }: UnitRows) => `sipHash64(arm, day, toString(${apart}))`;
