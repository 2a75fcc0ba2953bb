import type { Connection } from "./connection.ts";
import {
	LANDING_TABLES,
	type LandingTable,
	landingRowHash,
	TABLES_WITH_TRACES,
	UNIT_OF_ROW,
} from "./forgettable-tables.ts";
import { mentionsInRow } from "./unit-mentions.ts";
import { count, type TextColumns, UNLOGGED, type UnitSearch } from "./unit-search.ts";

/** Trace ids in one query, as a parameter of its URL. */
const TRACES_PER_QUERY = 1_000;

/** Traces in which the unit takes part. */
export async function tracesOfUnit(connection: Connection, { ids }: UnitSearch): Promise<string[]> {
	const sources = [
		...TABLES_WITH_TRACES.map((table) => `SELECT trace_id FROM ${table} WHERE unit_id IN {ids:Array(String)}`),
		...LANDING_TABLES.map(
			(table) => `SELECT TraceId AS trace_id FROM ${table} WHERE ${UNIT_OF_ROW[table]} IN {ids:Array(String)}`,
		),
	];
	const rows = await connection.query<{ trace_id: string }>(
		`SELECT DISTINCT trace_id FROM (${sources.join(" UNION ALL ")}) WHERE trace_id != '' ORDER BY trace_id ${UNLOGGED}`,
		{ ids },
	);
	return rows.map(({ trace_id }) => trace_id);
}

/** Traces of these in which other units take part as well. */
export async function sharedTraces(
	connection: Connection,
	{ ids }: UnitSearch,
	traceIds: readonly string[],
): Promise<Set<string>> {
	const unit = UNIT_OF_ROW.otel_traces;
	const shared = new Set<string>();
	for (const traces of chunks(traceIds, TRACES_PER_QUERY)) {
		const rows = await connection.query<{ trace_id: string }>(
			`SELECT DISTINCT TraceId AS trace_id FROM otel_traces
			WHERE TraceId IN {traces:Array(String)} AND ${unit} != '' AND ${unit} NOT IN {ids:Array(String)} ${UNLOGGED}`,
			{ ids, traces },
		);
		for (const { trace_id } of rows) shared.add(trace_id);
	}
	return shared;
}

/** Rows by what they are recognized by. */
export type RowHashes = ReadonlyMap<string, number>;

/** Rows of the unit's traces that name no unit. */
export async function rowsOfTraces(
	connection: Connection,
	table: LandingTable,
	traceIds: readonly string[],
): Promise<RowHashes> {
	const found = new Map<string, number>();
	for (const traces of chunks(traceIds, TRACES_PER_QUERY)) {
		const condition = `TraceId IN {traces:Array(String)} AND ${UNIT_OF_ROW[table]} = ''`;
		for (const [hash, rows] of await hashesOf(connection, table, condition, { traces })) found.set(hash, rows);
	}
	return found;
}

/** How many rows outside of the unit's traces name no unit and mention this one. */
export async function countMentions(
	connection: Connection,
	table: LandingTable,
	columns: TextColumns,
	search: UnitSearch,
	traceIds: readonly string[],
): Promise<number> {
	const mentioned = mentioning(table, columns);
	let rows = await count(connection, table, mentioned, search);
	for (const traces of chunks(rows === 0 ? [] : traceIds, TRACES_PER_QUERY)) {
		rows -= await count(connection, table, `TraceId IN {traces:Array(String)} AND ${mentioned}`, { ...search, traces });
	}
	return rows;
}

/** Rows that name no unit and mention this one, in whatever trace. */
export function rowsThatMention(
	connection: Connection,
	table: LandingTable,
	columns: TextColumns,
	search: UnitSearch,
): Promise<RowHashes> {
	return hashesOf(connection, table, mentioning(table, columns), search);
}

function mentioning(table: LandingTable, columns: TextColumns): string {
	return `${UNIT_OF_ROW[table]} = '' AND ${mentionsInRow(columns.get(table) ?? [])}`;
}

async function hashesOf(
	connection: Connection,
	table: LandingTable,
	condition: string,
	parameters: Record<string, string | string[]>,
): Promise<Map<string, number>> {
	const rows = await connection.query<{ hash: string; rows: string }>(
		`SELECT ${landingRowHash(table)} AS hash, toString(count()) AS rows FROM ${table} WHERE ${condition} GROUP BY hash ${UNLOGGED}`,
		parameters,
	);
	return new Map(rows.map(({ hash, rows }) => [hash, Number(rows)]));
}

export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
	return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
		items.slice(index * size, (index + 1) * size),
	);
}
