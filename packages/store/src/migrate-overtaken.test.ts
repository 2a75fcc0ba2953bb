import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientConnection } from "./client-connection.ts";
import { MIGRATIONS, migrate } from "./migrate.ts";
import { migrationSql, recordedSql } from "./migration-sql.ts";
import { statements } from "./sql-file.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-overtaken-"));
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
	rmSync(folder, { recursive: true, force: true });
});

/** What a server's database runs, and embedded ones beside it. */
const SQL = [false, true].map((embedded) =>
	MIGRATIONS.map((name) => statements(migrationSql(name, undefined, embedded))),
) as [string[][], string[][]];

async function emptyDatabase(name: string): Promise<void> {
	await connection.command(`CREATE DATABASE ${name}`);
	await connection.command(`USE ${name}`);
}

async function run(sql: readonly string[]): Promise<void> {
	for (const statement of sql) {
		await connection.command(statement);
	}
}

const landed = statements(
	readFileSync(new URL("../fixtures/migrations/after-0002.sql", import.meta.url), "utf8").replace(
		"'armspan.event.id', 'x1'",
		"'armspan.segment.plan', 'pro', 'armspan.event.id', 'x1'",
	),
);

const schema = () =>
	connection.query<{ name: string; definition: string }>(
		"SELECT name, replaceAll(create_table_query, currentDatabase() || '.', '') AS definition FROM system.tables WHERE database = currentDatabase() AND name != 'armspan_migrations' ORDER BY name",
	);

/** All of it but `arrived_at`: a row that is derived once more has arrived once more, and sums per unit take it in anew. */
const evidence = async () => {
	const rows = [];
	const there = new Set((await schema()).map(({ name }) => name));
	for (const table of ["calls", "exposures", "evaluations"].filter((name) => there.has(name))) {
		rows.push(await connection.query(`SELECT * EXCEPT arrived_at FROM ${table} FINAL ORDER BY ALL`));
	}
	return rows;
};

test.each([
	["a server", false],
	["embedded", true],
] as const)(
	"a process that is overtaken at any statement, and ends there, undoes nothing of another's: %s",
	async (where, embedded) => {
		await emptyDatabase(`overtaken_${embedded ? "embedded" : "server"}`);
		const ran: string[] = [];
		for (const [level, sql] of SQL[embedded ? 1 : 0].entries()) {
			await run(sql);
			ran.push(...sql);
			if (MIGRATIONS[level] === "0002-evidence.sql") {
				await run(landed);
			}
			const before = [await schema(), ran.some((one) => one.includes("arrived_at")) ? await evidence() : []];
			// the newest first, so that nothing that a statement undid is done again by a later one
			for (const statement of [...ran].reverse()) {
				await connection.command(statement);
			}
			const after = [await schema(), ran.some((one) => one.includes("arrived_at")) ? await evidence() : []];
			expect(after, `${where}, ${MIGRATIONS[level]}`).toEqual(before);
		}
		// nor once a later migration has given the tables another column
		await run(["calls", "exposures", "evaluations"].map((table) => `ALTER TABLE ${table} ADD COLUMN later UInt8`));
		const later = [await schema(), await evidence()];
		await run([...ran].reverse());
		expect([await schema(), await evidence()]).toEqual(later);

		const [calls, exposures] = (await evidence()) as { environment: string; segments?: object }[][];
		expect(calls?.map(({ environment }) => environment)).toEqual(["production", "staging", ""]);
		expect(exposures?.map(({ segments }) => segments)).toEqual([{ plan: "pro" }]);
	},
);

test.each([
	["a server", false],
	["embedded", true],
] as const)("the calls of earlier versions are copied once, whoever comes late: %s", async (_, embedded) => {
	await emptyDatabase(`copied_${embedded ? "embedded" : "server"}`);
	const level = MIGRATIONS.indexOf("0011-compact-calls.sql");
	for (const name of MIGRATIONS.slice(0, level)) {
		await run(statements(recordedSql(name)));
		if (name === "0009-snapshots.sql") await run(landed);
	}
	// older than what landed, without a unit, without a time, and twice
	const old = (environment: string, columns: string, values: string) =>
		`INSERT INTO llm_calls (experiment, iteration, trace_id, span_id, environment, arrived_at, latency_us, ${columns}) VALUES ('old', 1, 't9', 's9', '${environment}', toDateTime(1767225600, 'UTC'), 7, ${values})`;
	for (const environment of ["", "production", "production"]) {
		await run([
			old(environment, "unit_id, started_at", "'u9', '2026-01-01 00:00:00.123456'"),
			old(environment, "started_at", "'2026-01-01 00:00:00.123456'"),
			old(environment, "unit_id, quarantined", "'u8', true"),
		]);
	}
	await run(SQL[embedded ? 1 : 0].slice(0, level).flat());
	const copied = () =>
		connection.query(`SELECT unit_id, environment, toString(started_at) AS at, toString(arrived_at) AS arrived, latency_us = 7 AS same, quarantined,
			call_hash = toUInt32(bitAnd(sipHash64('t9', 's9'), 0xFFFFFFFF)) AS by_hash, trace_hash = bitAnd(sipHash64('t9'), 0xFFFFFFFFFFFF) AS by_trace
			FROM calls FINAL WHERE experiment = 'old' ORDER BY ALL`);
	const sql = SQL[embedded ? 1 : 0][level] ?? [];
	// killed after each statement, and another process from the beginning
	for (let done = 1; done < sql.length; done += 1) await run(sql.slice(0, done));
	await run(sql);
	const row = (unit: string, environment: string) => ({
		...{ unit_id: unit, environment, at: unit === "u8" ? null : "2026-01-01 00:00:00.123456", same: 1, by_hash: 1 },
		...{ arrived: "2026-01-01 00:00:00", quarantined: unit === "u8", by_trace: unit === "" ? 1 : 0 },
	});
	const expected = ["", "u8", "u9"].flatMap((unit) => ["", "production"].map((environment) => row(unit, environment)));
	expect(await copied()).toEqual(expected);
	const units = async () =>
		connection.query("SELECT unit_id, environment FROM calls FINAL WHERE experiment = 'tone' ORDER BY unit_id");
	expect(await units()).toEqual([
		{ unit_id: "u1", environment: "production" },
		{ unit_id: "u2", environment: "staging" },
		{ unit_id: "u3", environment: "" },
	]);
	const before = [await schema(), await copied(), await units()];
	await run(
		SQL[embedded ? 1 : 0]
			.slice(0, level + 1)
			.flat()
			.reverse(),
	);
	expect([await schema(), await copied(), await units()]).toEqual(before);
	expect((await schema()).map(({ name }) => name)).not.toContain("llm_calls");
});

test("however far a process came before it was killed, the next one leaves what an undisturbed one leaves", async () => {
	await emptyDatabase("undisturbed");
	await migrate(connection);
	await run(landed);
	const expected = [await schema(), await evidence()];
	const all = SQL[1].flat();
	// seven processes, each killed a few statements further than the one before
	await emptyDatabase("killed");
	for (let kills = 1; kills <= 7; kills++) {
		await run(all.slice(0, Math.floor((all.length * kills) / 8)));
		if (kills === 3) {
			await run(landed);
		}
	}
	expect(await migrate(connection)).toEqual([...MIGRATIONS]);
	expect([await schema(), await evidence()]).toEqual(expected);
});
