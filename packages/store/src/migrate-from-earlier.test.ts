import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { ClickHouseStore } from "./clickhouse-store.ts";
import { ClientConnection } from "./client-connection.ts";
import { variantSums } from "./metrics/variant-sums.ts";
import { MIGRATIONS } from "./migrate.ts";
import { migrationDigest, recordedSql } from "./migration-sql.ts";
import { statements } from "./sql-file.ts";

/** One database each: chDB serves one folder per process, but as many databases as one likes. */
const folder = mkdtempSync(join(tmpdir(), "armspan-earlier-"));
let database = 0;
let connection: ClientConnection;
let store: ClickHouseStore;

beforeEach(async () => {
	const embedded = createChdbConnection({ path: folder });
	connection = new ClientConnection(
		createClient({ connection: embedded } as unknown as Parameters<typeof createClient>[0]),
		embedded,
	);
	await connection.command(`CREATE DATABASE earlier_${++database}`);
	await connection.command(`USE earlier_${database}`);
	store = new ClickHouseStore({
		...{ ingest: connection, analysis: connection, watch: connection, maintenance: connection },
		openUserSql: () => {
			throw new Error("nobody asks SQL here");
		},
		close: () => connection.close(),
	});
});
afterEach(() => store.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs statements of a file; each ends with a semicolon at the end of a line. */
async function run(sql: string): Promise<void> {
	for (const statement of statements(sql)) {
		await connection.command(statement);
	}
}

const fixture = (name: string) => readFileSync(new URL(`../fixtures/migrations/${name}`, import.meta.url), "utf8");

/** A database as it was after the first `level` migrations, with rows of that time. */
async function earlier(level: number): Promise<void> {
	await run(`CREATE TABLE armspan_migrations (name String, digest String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY name;`);
	for (const [index, name] of MIGRATIONS.slice(0, level).entries()) {
		await run(recordedSql(name));
		await run(`INSERT INTO armspan_migrations (name, digest) VALUES ('${name}', '${migrationDigest(name)}');`);
		const rows = `after-${String(index + 1).padStart(4, "0")}.sql`;
		if (existsSync(new URL(`../fixtures/migrations/${rows}`, import.meta.url))) {
			await run(fixture(rows));
		}
	}
}

const calls = async (where: string) => {
	const rows = await connection.query<{ unit_id: string; environment: string }>(
		`SELECT unit_id, environment FROM calls FINAL WHERE ${where} ORDER BY ALL`,
	);
	return rows.map(({ unit_id, environment }) => `${unit_id} ${environment}`);
};

const tables = (pattern: string) =>
	connection.query(`SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '${pattern}'`);

describe("from every earlier state, with its rows", () => {
	test.each(MIGRATIONS.map((_, level) => level))("after %i migrations", async (level) => {
		await earlier(level);
		expect(await store.migrate()).toEqual(MIGRATIONS.slice(level));
		expect(await store.migrate()).toEqual([]);
		expect(await tables("llm_calls%")).toEqual([]);

		// rows of each time are there, once, and what is delivered again today is the same row
		const expected = level >= 2 ? ["u1 production", "u2 staging", "u3 "] : [];
		expect(await calls("experiment = 'tone'")).toEqual(expected);
		if (level >= 2) {
			await run(fixture("after-0002.sql").replaceAll(/INSERT INTO otel_logs[^;]+;/g, ""));
			expect(await calls("experiment = 'tone'")).toEqual(expected);
			const key = { experiment: "tone", iteration: 1 };
			const units = async (environment?: string) => {
				const totals = await variantSums(store, { ...key, ...(environment === undefined ? {} : { environment }) });
				return totals.variants.reduce((sum, variant) => sum + variant.units, 0);
			};
			expect([await units(), await units("production"), await units("staging"), await units("other")]).toEqual([
				3, 2, 2, 1,
			]);
			expect(await store.evidenceHealth({ ...key, environment: "production" })).toEqual([
				{ source: "calls", environment: "", rows: 1, quarantined: 0, undated: 0 },
				{ source: "calls", environment: "production", rows: 1, quarantined: 0, undated: 0 },
				{ source: "evaluations", environment: "production", rows: 1, quarantined: 0, undated: 0 },
				{ source: "exposures", environment: "production", rows: 1, quarantined: 0, undated: 0 },
			]);
		}
		expect((await store.listDecisions({ environment: "production" })).map(({ experiment }) => experiment)).toEqual(
			level >= 3 ? ["tone"] : [],
		);
	});
});

test("what landed before there were views is evidence", async () => {
	await earlier(1);
	await run(fixture("after-0002.sql"));
	await store.migrate();
	expect(await calls("experiment = 'tone'")).toEqual(["u1 production", "u2 staging", "u3 "]);
	const [events] = await connection.query<{ exposures: string; evaluations: string }>(
		"SELECT (SELECT count() FROM exposures FINAL) AS exposures, (SELECT count() FROM evaluations FINAL) AS evaluations",
	);
	expect(Object.values(events ?? {}).map(Number)).toEqual([1, 1]);
});

describe("landing tables that a Collector made", () => {
	const insertsWork = async () => {
		await run(fixture("after-0002.sql"));
		expect(await calls("experiment = 'tone'")).toEqual(["u1 production", "u2 staging", "u3 "]);
	};

	test("of today's exporter are taken as they are", async () => {
		await run(fixture("exporter-today.sql"));
		await store.migrate();
		await insertsWork();
	});

	test("of an exporter with TimestampTime, without EventName and scopes, get the columns they lack", async () => {
		await run(fixture("exporter-timestamp-time.sql"));
		await run(`INSERT INTO otel_logs (Timestamp, Body) SELECT now(), 'old';`);
		await store.migrate();
		await insertsWork();
		await run(fixture("after-0002.sql").replaceAll("'u1'", "'backwards'").replaceAll("1000000)", "-5)"));
		expect(await calls("experiment = 'tone' AND quarantined AND latency_us IS NULL")).toContain("backwards production");
		const [row] = await connection.query<{ name: string }>(
			"SELECT EventName AS name FROM otel_logs WHERE Body = 'old'",
		);
		expect(row?.name).toBe("");
		const retention = await store.setRetention({ landingDays: 30, evidenceDays: 0, now: new Date() });
		expect(retention.warnings).toEqual([
			"table otel_logs keeps the TTL that somebody else set: TimestampTime + toIntervalDay(3)",
		]);
	});

	test("of JSON mode are refused with what to do, and nothing is changed", async () => {
		await run(
			"CREATE TABLE otel_traces (Timestamp DateTime64(9), SpanAttributes JSON) ENGINE = MergeTree ORDER BY Timestamp;",
		);
		await expect(store.migrate()).rejects.toMatchObject({
			code: "SCHEMA_UNSUPPORTED",
			message: expect.stringContaining('set "json: false"'),
			details: { table: "otel_traces", column: "SpanAttributes" },
		});
		expect(await connection.query("SELECT name FROM system.tables WHERE database = currentDatabase()")).toHaveLength(1);
	});
});
