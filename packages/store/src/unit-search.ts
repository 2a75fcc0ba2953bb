import type { Connection } from "./connection.ts";
import { LOCAL_SUFFIX } from "./migration-sql.ts";
import type { ClusterOptions } from "./store.ts";
import { type ColumnTexts, mentionPattern, mentionsInRow, textsOf } from "./unit-mentions.ts";

/** The id stands in no log of queries. */
export const UNLOGGED = "SETTINGS log_queries = 0, max_execution_time = 3600";

/** What is looked for: parameters of `mentionsInRow`. */
export type UnitSearch = { ids: string[]; pattern: string };

export const unitSearch = (ids: string[]): UnitSearch => ({ ids, pattern: mentionPattern(ids) });

/** Columns of every table of this database that can hold text. */
export type TextColumns = ReadonlyMap<string, readonly (ColumnTexts & { readonly column: string })[]>;

export async function textColumns(connection: Connection, cluster?: ClusterOptions): Promise<TextColumns> {
	const rows = await connection.query<{ table: string; name: string; type: string }>(
		`SELECT table, name, type FROM system.columns
		WHERE database = currentDatabase() AND default_kind IN ('', 'DEFAULT')
			AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
		ORDER BY table, position`,
	);
	const byTable = new Map<string, (ColumnTexts & { column: string })[]>();
	for (const { table, name, type } of rows) {
		const texts = textsOf(name, type);
		if (texts !== undefined) {
			// rows on all shards are seen through the table without the suffix
			const over = cluster !== undefined && table.endsWith(LOCAL_SUFFIX) ? table.slice(0, -LOCAL_SUFFIX.length) : table;
			byTable.set(over, [...(byTable.get(over) ?? []), { column: name, ...texts }]);
		}
	}
	return byTable;
}

export interface Mention {
	table: string;
	column: string;
	rows: number;
}

/** Where the unit is mentioned, in rows for which the condition holds; a table without one is not searched. */
export async function mentions(
	connection: Connection,
	columns: TextColumns,
	search: UnitSearch,
	condition: (table: string) => string | undefined = () => "true",
): Promise<Mention[]> {
	const found: Mention[] = [];
	for (const [table, texts] of columns) {
		const among = condition(table);
		for (const one of among === undefined ? [] : texts) {
			const rows = await count(connection, table, `${among} AND ${mentionsInRow([one])}`, search);
			if (rows > 0) found.push({ table, column: one.column, rows });
		}
	}
	return found;
}

export async function count(
	connection: Connection,
	table: string,
	condition: string,
	parameters: Readonly<Record<string, string | readonly string[]>>,
): Promise<number> {
	const [row] = await connection.query<{ rows: string }>(
		`SELECT toString(count()) AS rows FROM ${table} WHERE ${condition} ${UNLOGGED}`,
		parameters,
	);
	return Number(row?.rows ?? 0);
}
