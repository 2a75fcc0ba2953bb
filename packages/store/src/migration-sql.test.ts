import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { MIGRATIONS } from "./migrate.ts";
import { migrationDigest, migrationSql } from "./migration-sql.ts";
import { statements } from "./sql-file.ts";

test("released migrations, for one server, are the bytes that earlier databases recorded", () => {
	expect(Object.fromEntries(MIGRATIONS.slice(0, 10).map((name) => [name, migrationDigest(name)]))).toEqual({
		"0001-otel-landing.sql": "d97cffbb5f6bef735fb6f35a6c4749fb67225d805afaf1bcc7a5998a4ff3bddb",
		"0002-evidence.sql": "9305ccdd5886dfb4dcadc46e3f4e3ce81285588f8102213b4f5048dfa354803d",
		"0003-decisions.sql": "2a27f2d32ac0b366dcd999b704c65478215d065230443a4b82227bf16ff9a1f9",
		"0004-environment.sql": "f33686f487522870dc801fe92ee427956ea308967b7200f39178df0c652cde6b",
		"0005-erasures.sql": "dc6b73d399878c1922bf70deec2a925753f41e48c12493a59735e79402fbfb47",
		"0006-cheaper-inserts.sql": "1cffc03fbbeffd51e85c4bd2bf908a5e7642c6ae5d3cdf129da2d68b1da1252b",
		"0007-unit-sums.sql": "6c6db5ade4766afb6c2647171e57abfe7e4a788e88b527eaa2a03f400f01e579",
		"0008-segments.sql": "17c604de8830ae803944c31417d422aee4e3ad1893af79319b8d2afaf7caa0e9",
		"0009-snapshots.sql": "8a0c3e8b5111ab608c9549c90b50692fd08a95966dbb0b0c9092f52ca17a06df",
		"0010-landed-before.sql": "f33785881e97e75e67dca2c2497f54d3214ca010a3d04ebee95a11a2f412b263",
	});
	expect(migrationSql("0004-environment.sql")).not.toContain("INSERT");
	for (const name of MIGRATIONS.slice(0, 10)) {
		expect(migrationSql(name, { name: "c" })).not.toContain("llm_calls");
	}
	expect(migrationDigest(MIGRATIONS[0])).toBe(createHash("sha256").update(migrationSql(MIGRATIONS[0])).digest("hex"));
});

test("no placeholder is left, whatever the topology", () => {
	for (const cluster of [undefined, { name: "c" }, { name: "c", replicated: false }]) {
		for (const name of MIGRATIONS) {
			expect(migrationSql(name, cluster)).not.toMatch(/\{\{|\}\}/);
		}
	}
});

test("on a cluster every table is one of rows on each node and one over all of them", () => {
	const sql = MIGRATIONS.flatMap((name) => statements(migrationSql(name, { name: "blue" })));
	const created = sql.flatMap((statement) => {
		const [, table] = /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement) ?? [];
		return table === undefined ? [] : [[table, statement] as const];
	});
	expect(created.length).toBeGreaterThan(10);
	for (const [table, statement] of created) {
		expect(statement).toContain("ON CLUSTER 'blue'");
		expect(statement).toMatch(
			table.endsWith("_local")
				? /ENGINE = Replicated(Replacing)?MergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'\)/
				: /ENGINE = Distributed\('blue', currentDatabase\(\), '\w+_local', cityHash64\(.+\)\)/,
		);
	}
	expect(sql.filter((statement) => /^(ALTER|CREATE) /.test(statement) && !statement.includes("ON CLUSTER"))).toEqual(
		[],
	);
});

test("a cluster's name is no SQL", () => {
	expect(() => migrationSql(MIGRATIONS[0], { name: "c'; DROP TABLE x" })).toThrow("invalid cluster");
});

test("the landing tables lose their costly indexes only where they are ours, and a migration is the same everywhere", () => {
	const name = "0006-cheaper-inserts.sql";
	const dropping = (cluster: { name: string } | undefined, embedded: boolean) =>
		statements(migrationSql(name, cluster, embedded)).filter((statement) => statement.includes("DROP INDEX")).length;
	expect([dropping(undefined, true), dropping(undefined, false), dropping({ name: "c" }, false)]).toEqual([2, 0, 0]);
	for (const released of MIGRATIONS.slice(0, 5)) {
		expect(migrationSql(released, undefined, true)).toBe(migrationSql(released));
	}
});
