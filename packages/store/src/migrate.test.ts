import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientConnection } from "./client-connection.ts";
import { MIGRATIONS, migrate } from "./migrate.ts";
import { migrationSql } from "./migration-sql.ts";
import { statements } from "./sql-file.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-migrate-"));
let connection: ClientConnection;

beforeAll(() => {
	const embedded = createChdbConnection({ path: folder });
	connection = new ClientConnection(
		createClient({ connection: embedded } as unknown as Parameters<typeof createClient>[0]),
		embedded,
	);
});

afterAll(async () => {
	await connection.close();
	rmSync(folder, { recursive: true });
});

const columnsOf = async (table: string) =>
	(await connection.query<{ name: string }>(`DESCRIBE TABLE ${table}`)).map(({ name }) => name);

test("a migration that was cut off half-way is completed by the next run", async () => {
	for (const statement of statements(migrationSql("0001-otel-landing.sql")).slice(0, 2)) {
		await connection.command(statement);
	}
	expect(await migrate(connection)).toHaveLength(MIGRATIONS.length);
	expect(await migrate(connection)).toEqual([]);
});

test("embedded, only traces' ids and durations are indexed in the landing tables, which takes a good part of the work", async () => {
	const indexes = await connection.query<{ name: string }>(
		"SELECT name FROM system.data_skipping_indices WHERE database = currentDatabase() AND table IN ('otel_traces', 'otel_logs') ORDER BY table, name",
	);
	expect(indexes.map(({ name }) => name)).toEqual(["idx_trace_id", "idx_duration", "idx_trace_id"]);
});

test("the landing tables have the columns of the Collector's exporter", async () => {
	expect(await columnsOf("otel_traces")).toEqual([
		...["Timestamp", "TraceId", "SpanId", "ParentSpanId", "TraceState", "SpanName", "SpanKind", "ServiceName"],
		...["ResourceAttributes", "ScopeName", "ScopeVersion", "SpanAttributes", "Duration", "StatusCode", "StatusMessage"],
		...["Events.Timestamp", "Events.Name", "Events.Attributes"],
		...["Links.TraceId", "Links.SpanId", "Links.TraceState", "Links.Attributes"],
	]);
	expect(await columnsOf("otel_logs")).toEqual([
		...["Timestamp", "TraceId", "SpanId", "TraceFlags", "SeverityText", "SeverityNumber", "ServiceName", "Body"],
		...["ResourceSchemaUrl", "ResourceAttributes", "ScopeSchemaUrl", "ScopeName", "ScopeVersion", "ScopeAttributes"],
		...["LogAttributes", "EventName"],
	]);
	expect(await columnsOf("otel_traces_trace_id_ts")).toEqual(["TraceId", "Start", "End"]);
});

test("the evidence tables hold no prompt text: every column is a name, an id, a time or a number", async () => {
	for (const table of ["calls", "exposures", "evaluations"]) {
		expect((await columnsOf(table)).filter((name) => /message|content|text|body|explanation/.test(name))).toEqual([]);
	}
});

test("what a replicated cluster is sent is SQL to this engine, which has no Keeper to run it", async () => {
	for (const name of MIGRATIONS) {
		for (const statement of statements(migrationSql(name, { name: "c" }))) {
			await connection.query(`EXPLAIN AST ${statement}`);
		}
	}
	await expect(connection.query("EXPLAIN AST CREATE TABLE x ON CLUSTERR 'c' (a String)")).rejects.toThrow(
		"Syntax error",
	);
});

test("a table that another process drops under a statement is no failure; one that stays away is", async () => {
	await connection.command("CREATE DATABASE dropped_under");
	await connection.command("USE dropped_under");
	const failing = (times: number) => {
		let left = times;
		const command: ClientConnection["command"] = (sql, parameters) =>
			sql.includes("FROM merge(") && left-- > 0
				? Promise.reject(new Error("Code: 60. DB::Exception: Table default.llm_calls does not exist. (UNKNOWN_TABLE)"))
				: connection.command(sql, parameters);
		return {
			...{ isEmbedded: true, query: connection.query.bind(connection) },
			command,
		} as unknown as ClientConnection;
	};
	await expect(migrate(failing(Number.POSITIVE_INFINITY))).rejects.toMatchObject({
		code: "MIGRATION_FAILED",
		details: { migration: "0011-compact-calls.sql" },
	});
	expect((await migrate(failing(1)))[0]).toBe("0011-compact-calls.sql");
	await connection.command("USE default");
});

test("a database of a newer Armspan, and a migration that was edited after it ran, are refused", async () => {
	const ledger = (name: string) =>
		connection.command(`INSERT INTO armspan_migrations (name, digest) VALUES ('${name}', 'other')`);
	await ledger("9999-from-the-future.sql");
	await expect(migrate(connection)).rejects.toMatchObject({
		code: "MIGRATION_MISMATCH",
		message: expect.stringContaining("newer Armspan (9999-from-the-future.sql)"),
	});
	await connection.command("TRUNCATE TABLE armspan_migrations");
	await ledger("0002-evidence.sql");
	await expect(migrate(connection)).rejects.toMatchObject({
		code: "MIGRATION_MISMATCH",
		details: { migration: "0002-evidence.sql" },
	});
});
