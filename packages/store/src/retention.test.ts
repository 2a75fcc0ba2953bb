import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClientConnection } from "./client-connection.ts";
import { migrate } from "./migrate.ts";
import { plannedRetention, setRetention } from "./retention.ts";

const NOW = new Date("2026-11-20T12:00:00Z");
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);

describe("what is planned", () => {
	const planned = (evidenceDays: number, keepSince?: Date) =>
		plannedRetention({ landingDays: 30, evidenceDays, keepSince, now: NOW });

	test("what was asked for, when no iteration needs more", () => {
		expect(planned(400)).toEqual({ landingDays: 30, evidenceDays: 400, warnings: [] });
		expect(planned(400, daysAgo(250))).toEqual({ landingDays: 30, evidenceDays: 400, warnings: [] });
		expect(planned(0, daysAgo(3_000))).toEqual({ landingDays: 30, evidenceDays: 0, warnings: [] });
		// a clock that was ahead
		expect(planned(120, daysAgo(-5)).evidenceDays).toBe(120);
	});

	test("a running iteration keeps its evidence, with what covariates need before it, and it is said", () => {
		const { evidenceDays, warnings } = planned(90, daysAgo(85));
		expect(evidenceDays).toBe(180);
		expect(warnings).toEqual([
			"evidence is kept 180 days, not 90: an iteration that runs since 2026-08-27 needs it; end that iteration, or ask for more days",
		]);
		for (let age = 0; age < 400; age++) {
			expect(planned(30, daysAgo(age)).evidenceDays).toBeGreaterThanOrEqual(age + 90);
		}
		// not a new TTL every day
		expect(new Set(Array.from({ length: 90 }, (_, age) => planned(1, daysAgo(age)).evidenceDays)).size).toBe(3);
	});

	test("days that nobody can mean are refused", () => {
		for (const days of [-1, 0.5, Number.NaN, 40_000]) {
			expect(() => planned(days)).toThrow(expect.objectContaining({ code: "RETENTION_INVALID" }));
		}
	});
});

describe("on the engine", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-retention-"));
	let connection: ClientConnection;

	beforeAll(async () => {
		const embedded = createChdbConnection({ path: folder });
		connection = new ClientConnection(
			createClient({ connection: embedded } as unknown as Parameters<typeof createClient>[0]),
			embedded,
		);
		await migrate(connection);
	});
	afterAll(async () => {
		await connection.close();
		rmSync(folder, { recursive: true });
	});

	/** Of what was delivered and what became of it; other tables keep their rows as they were made to. */
	const ttls = async () => {
		const rows = await connection.query<{ name: string; ttl: string }>(
			"SELECT name, extract(create_table_query, ' TTL (.+) SETTINGS') AS ttl FROM system.tables WHERE database = currentDatabase() AND ttl != '' AND match(name, '^(otel_.+|calls|exposures|evaluations)$') ORDER BY name",
		);
		return Object.fromEntries(rows.map(({ name, ttl }) => [name, ttl]));
	};
	let alterations = 0;
	const counted: Pick<ClientConnection, "isEmbedded" | "query" | "command" | "insert" | "close"> = {
		isEmbedded: true,
		query: (sql, parameters) => connection.query(sql, parameters),
		command: (sql) => {
			alterations++;
			return connection.command(sql);
		},
		insert: (insertion) => connection.insert(insertion),
		close: () => connection.close(),
	};
	const set = (landingDays: number, evidenceDays: number) =>
		setRetention(counted, { landingDays, evidenceDays, now: NOW });

	test("the same retention again changes nothing; 0 keeps for ever", async () => {
		await set(30, 400);
		const first = await ttls();
		expect(Object.keys(first)).toEqual([
			...["calls", "evaluations", "exposures", "otel_logs", "otel_traces", "otel_traces_trace_id_ts"],
		]);
		expect(first.otel_traces).toBe("toDate(Timestamp) + toIntervalDay(30)");
		expect(alterations).toBe(6);
		await set(30, 400);
		expect(alterations).toBe(6);
		expect(await ttls()).toEqual(first);
		await set(0, 0);
		expect(await ttls()).toEqual({});
		await set(7, 0);
		expect(Object.keys(await ttls())).toEqual(["otel_logs", "otel_traces", "otel_traces_trace_id_ts"]);
	});

	test("old rows go, young rows and rows of unknown age stay; what has no time of its own goes by its arrival", async () => {
		await set(0, 0);
		const insert = (unit: string, startedAt: string, receivedAt: string) =>
			connection.command(
				`INSERT INTO calls (experiment, iteration, unit_id, started_at, received_at) VALUES ('x', 1, '${unit}', ${startedAt}, ${receivedAt})`,
			);
		await insert("old", "now() - INTERVAL 200 DAY", "0");
		await insert("young", "now() - INTERVAL 1 DAY", "0");
		await insert("unknown", "NULL", "0");
		await insert("arrived-long-ago", "NULL", "now() - INTERVAL 200 DAY");
		await insert("arrived-now", "NULL", "now()");
		await set(0, 90);
		await connection.command("OPTIMIZE TABLE calls FINAL");
		const rows = await connection.query<{ unit_id: string }>("SELECT unit_id FROM calls ORDER BY unit_id");
		expect(rows.map(({ unit_id }) => unit_id)).toEqual(["arrived-now", "unknown", "young"]);
	});

	test("a TTL that a Collector set stands", async () => {
		await connection.command("ALTER TABLE otel_logs MODIFY TTL toDateTime(Timestamp) + toIntervalHour(72)");
		const { warnings } = await set(30, 400);
		expect(warnings).toEqual([
			"table otel_logs keeps the TTL that somebody else set: toDateTime(Timestamp) + toIntervalHour(72)",
		]);
		expect((await ttls()).otel_traces).toBe("toDate(Timestamp) + toIntervalDay(30)");
	});
});
