import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Connection } from "./connection.ts";
import {
	EVIDENCE_TABLES,
	LANDING_TABLES,
	type LandingTable,
	landingRowHash,
	TABLES_WITH_TRACES,
} from "./forgettable-tables.ts";
import { LOCAL_SUFFIX, onCluster } from "./migration-sql.ts";
import type { ClusterOptions } from "./store.ts";
import { StoreError } from "./store-error.ts";
import { mentionPattern, mentionsInRow, textsOf } from "./unit-mentions.ts";
import { forgetSeals } from "./unit-sums/seal-unit-sums.ts";

/** Hashes in one statement: half of ClickHouse's limit on the length of a statement. */
const HASHES_PER_STATEMENT = 3_000;
/** Trace ids in one query, as a parameter of its URL. */
const TRACES_PER_QUERY = 1_000;
/** The id stands in no log of queries. */
const UNLOGGED = "SETTINGS log_queries = 0, max_execution_time = 3600";

export interface ForgetUnitOptions {
	/** The unit's id as the application gives it and, where ids leave it hashed, as HMAC. */
	unitIds: readonly string[];
	/** Who asked, for the audit row. */
	actor: string;
}

export interface ForgottenUnit {
	/** Of the audit row. */
	id: string;
	erasedAt: Date;
	/** Rows by table: landing rows as delivered, evidence once each. */
	erased: Record<string, number>;
	/** Where the id still stands, by table and column: rows of others that mention it, or rows that came meanwhile. */
	remaining: { table: string; column: string; rows: number }[];
}

/**
 * Erases a unit from evidence and landing tables, looks whether anything is left, and records that it was done.
 *
 * Mutations are kept by ClickHouse with their text, so none of them names the unit: evidence is found by a hash of its
 * unit, landing rows by hashes of rows that were looked up before.
 * @throws {StoreError} FORGET_INVALID, QUERY_FAILED
 */
export async function forgetUnit(
	connection: Connection,
	{ unitIds, actor }: ForgetUnitOptions,
	cluster?: ClusterOptions,
): Promise<ForgottenUnit> {
	const ids = [...new Set(unitIds)];
	if (ids.length === 0 || ids.some((id) => id === "" || id.includes("\0") || id.length > 1_000)) {
		throw new StoreError("FORGET_INVALID", "invalid unit: expected ids of 1 to 1000 characters without NUL");
	}
	const erased: Record<string, number> = {};
	const delete_ = async (table: string, condition: string, rows: number) => {
		if (rows > 0) {
			const local = cluster === undefined ? "" : LOCAL_SUFFIX;
			await connection.command(
				`ALTER TABLE ${table}${local}${onCluster(cluster)} DELETE WHERE ${condition} SETTINGS mutations_sync = 2`,
			);
			erased[table] = (erased[table] ?? 0) + rows;
		}
	};
	const parameters = { ids, pattern: mentionPattern(ids) };
	const columns = await textColumns(connection, cluster);

	const traceIds = await tracesOfUnit(connection, ids);
	for (const table of LANDING_TABLES) {
		const hashes = await landingRows(connection, table, columns.get(table) ?? [], parameters, traceIds);
		for (const chunk of chunks(hashes, HASHES_PER_STATEMENT)) {
			const rows = chunk.reduce((sum, { rows }) => sum + rows, 0);
			await delete_(table, `${landingRowHash(table)} IN (${chunk.map(({ hash }) => `'${hash}'`).join(", ")})`, rows);
		}
	}
	for (const chunk of chunks(traceIds, HASHES_PER_STATEMENT)) {
		const found = await count(connection, "otel_traces_trace_id_ts", "TraceId IN {traces:Array(String)}", {
			traces: chunk,
		});
		const hashes = chunk.map((id) => `'${sha256(id)}'`);
		await delete_("otel_traces_trace_id_ts", `lower(hex(SHA256(TraceId))) IN (${hashes.join(", ")})`, found);
	}
	const digests = ids.map((id) => `'${sha256(id)}'`).join(", ");
	for (const table of EVIDENCE_TABLES) {
		const found = await count(connection, `${table} FINAL`, "unit_id IN {ids:Array(String)}", { ids });
		await delete_(table, `lower(hex(SHA256(unit_id))) IN (${digests})`, found);
	}

	await forgetSeals(connection, cluster);
	const remaining = await mentions(connection, columns, parameters);
	const done = { id: randomUUID(), erasedAt: new Date(), erased, remaining };
	await record(connection, done, ids[0] ?? "", actor);
	// A seal that was under way is not completed after the record, and is gone with this if it was before.
	await forgetSeals(connection, cluster);
	return done;
}

type Parameters = { ids: string[]; pattern: string };

/** Traces in which the unit takes part. */
async function tracesOfUnit(connection: Connection, ids: string[]): Promise<string[]> {
	const sources = TABLES_WITH_TRACES.map(
		(table) => `SELECT trace_id FROM ${table} WHERE unit_id IN {ids:Array(String)} AND trace_id != ''`,
	);
	sources.push(
		"SELECT TraceId AS trace_id FROM otel_traces WHERE SpanAttributes['armspan.unit.id'] IN {ids:Array(String)} AND TraceId != ''",
		"SELECT TraceId AS trace_id FROM otel_logs WHERE LogAttributes['armspan.unit.id'] IN {ids:Array(String)} AND TraceId != ''",
	);
	const rows = await connection.query<{ trace_id: string }>(
		`SELECT DISTINCT trace_id FROM (${sources.join(" UNION ALL ")}) ORDER BY trace_id ${UNLOGGED}`,
		{ ids },
	);
	return rows.map(({ trace_id }) => trace_id);
}

/** Hashes of landing rows that mention the unit, or stand in its traces without naming another. */
async function landingRows(
	connection: Connection,
	table: LandingTable,
	columns: readonly TextColumn[],
	parameters: Parameters,
	traceIds: readonly string[],
): Promise<{ hash: string; rows: number }[]> {
	const attributes = table === "otel_traces" ? "SpanAttributes" : "LogAttributes";
	const found = new Map<string, number>();
	const collect = async (condition: string, more: Record<string, string | string[]>) => {
		const rows = await connection.query<{ hash: string; rows: string }>(
			`SELECT ${landingRowHash(table)} AS hash, toString(count()) AS rows FROM ${table} WHERE ${condition} GROUP BY hash ${UNLOGGED}`,
			{ ...parameters, ...more },
		);
		for (const { hash, rows: count } of rows) {
			found.set(hash, Number(count));
		}
	};
	await collect(mentionsInRow(columns.map(({ texts }) => texts)), {});
	for (const traces of chunks(traceIds, TRACES_PER_QUERY)) {
		await collect(
			`TraceId IN {traces:Array(String)} AND (${attributes}['armspan.unit.id'] = '' OR ${attributes}['armspan.unit.id'] IN {ids:Array(String)})`,
			{ traces },
		);
	}
	return [...found].map(([hash, rows]) => ({ hash, rows }));
}

interface TextColumn {
	column: string;
	/** SQL of an Array(String) with every text in the column. */
	texts: string;
}

/** Columns of every table of this database that can hold text. */
async function textColumns(connection: Connection, cluster?: ClusterOptions): Promise<Map<string, TextColumn[]>> {
	const rows = await connection.query<{ table: string; name: string; type: string }>(
		`SELECT table, name, type FROM system.columns
		WHERE database = currentDatabase() AND default_kind IN ('', 'DEFAULT')
			AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
		ORDER BY table, position`,
	);
	const byTable = new Map<string, TextColumn[]>();
	for (const { table, name, type } of rows) {
		const texts = textsOf(name, type);
		if (texts !== undefined) {
			// rows on all shards are seen through the table without the suffix
			const over = cluster !== undefined && table.endsWith(LOCAL_SUFFIX) ? table.slice(0, -LOCAL_SUFFIX.length) : table;
			byTable.set(over, [...(byTable.get(over) ?? []), { column: name, texts }]);
		}
	}
	return byTable;
}

async function mentions(
	connection: Connection,
	columns: ReadonlyMap<string, readonly TextColumn[]>,
	parameters: Parameters,
): Promise<ForgottenUnit["remaining"]> {
	const remaining: ForgottenUnit["remaining"] = [];
	for (const [table, texts] of columns) {
		for (const { column, texts: expression } of texts) {
			const rows = await count(connection, table, mentionsInRow([expression]), parameters);
			if (rows > 0) {
				remaining.push({ table, column, rows });
			}
		}
	}
	return remaining;
}

async function count(
	connection: Connection,
	table: string,
	condition: string,
	parameters: Record<string, string | string[]>,
): Promise<number> {
	const [row] = await connection.query<{ rows: string }>(
		`SELECT toString(count()) AS rows FROM ${table} WHERE ${condition} ${UNLOGGED}`,
		parameters,
	);
	return Number(row?.rows ?? 0);
}

/** Who knows the unit can find the row again; who reads the row cannot find the unit without guessing it. */
async function record(connection: Connection, done: ForgottenUnit, unitId: string, actor: string): Promise<void> {
	const salt = randomBytes(16).toString("hex");
	const sum = (counts: readonly number[]) => counts.reduce((total, rows) => total + rows, 0);
	await connection.insert({
		table: "erasures",
		columns: ["id", "erased_at", "salt", "unit_hash", "actor", "erased_rows", "remaining_rows"],
		body: Buffer.from(
			`${JSON.stringify([
				...[done.id, String(done.erasedAt.getTime()), salt, sha256(`${salt}:${unitId}`), actor],
				...[sum(Object.values(done.erased)), sum(done.remaining.map(({ rows }) => rows))],
			])}\n`,
		),
	});
}

function sha256(text: string): string {
	return createHash("sha256").update(text, "utf8").digest("hex");
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
	return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
		items.slice(index * size, (index + 1) * size),
	);
}
