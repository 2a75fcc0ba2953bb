import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClickHouseServer, serverUnavailable } from "./clickhouse-server.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-user-sql-server-"));
const unavailable = serverUnavailable();
if (unavailable !== undefined) {
	process.stderr.write(`\nSKIPPED: user SQL on a ClickHouse server is not tested here: ${unavailable}\n`);
}

const ATTACKS = [
	"SELECT * FROM file('/etc/passwd', LineAsString)",
	"SELECT file('/etc/passwd')",
	"SELECT * FROM `/etc/passwd`",
	"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
	"SELECT * FROM remote('127.0.0.1', system.one)",
	"SELECT * FROM system.users",
	"SELECT 1 IN system.one",
	"SELECT 1 SETTINGS readonly = 0",
	"SELECT 1 INTO OUTFILE '/tmp/armspan-user-sql'",
	"SELECT 1; DROP TABLE calls",
	"INSERT INTO calls (unit_id) VALUES ('x')",
	"SELECT sleepEachRow(1) FROM numbers(100)",
	"SELECT 1 /* */ -- \n; SYSTEM SHUTDOWN",
];

/** Users as an operator would make them; this server has no store for `CREATE USER`. */
const user = (name: string, profile: string, more: string) =>
	`<${name}><password>${name === "default" ? "" : "secret"}</password><networks><ip>127.0.0.1</ip></networks>
	<profile>${profile}</profile><quota>default</quota>${more}</${name}>`;
const GRANTS = "<grants><query>GRANT SELECT ON default.*</query></grants>";
const CONFIG = `<clickhouse>
	<users_config>${join(folder, "server", "config.xml")}</users_config>
	<profiles>
		<default/>
		<armspan_reader>
			<readonly>1</readonly><max_execution_time>1</max_execution_time>
			<max_memory_usage>1000000000</max_memory_usage><max_threads>2</max_threads>
		</armspan_reader>
		<unlimited><readonly>1</readonly></unlimited>
	</profiles>
	<quotas><default/></quotas>
	<users>
		${user("default", "default", "")}
		${user("armspan_reader", "armspan_reader", GRANTS)}
		${user("armspan_unlimited", "unlimited", GRANTS)}
	</users>
</clickhouse>`;

describe.skipIf(unavailable !== undefined)("user SQL on a server", () => {
	let server: ClickHouseServer;
	const stores = new Map<string, Store>();

	beforeAll(async () => {
		writeFileSync(join(folder, "x"), "");
		server = await ClickHouseServer.start(join(folder, "server"), CONFIG);
		const owner = await openStore({ kind: "server", url: server.url });
		await owner.migrate();
		stores.set("the service's own user", owner);
		const reader = { username: "armspan_reader", password: "secret" };
		stores.set("a reader", await openStore({ kind: "server", url: server.url, reader }));
		const unlimited = { username: "armspan_unlimited", password: "secret" };
		stores.set("a reader without limits", await openStore({ kind: "server", url: server.url, reader: unlimited }));
	}, 60_000);

	afterAll(async () => {
		for (const store of stores.values()) await store.close();
		server?.stop();
		rmSync(folder, { recursive: true, force: true });
	});

	const of = (name: string): Store => stores.get(name) as Store;

	describe.each(["the service's own user", "a reader"])("as %s", (name) => {
		test("questions are answered", async () => {
			const { rows, columns } = await of(name).userSql(
				"WITH c AS (SELECT count() AS calls FROM calls FINAL) SELECT calls, 'a\\nb' AS text, sumIf(calls, 1) OVER () AS s FROM c -- all",
			);
			expect(rows).toEqual([["0", "a\nb", "0"]]);
			expect(columns[1]).toEqual({ name: "text", type: "String" });
			const wide = await of(name).userSql(
				"SELECT toInt64(9007199254740993), [toUInt64(18446744073709551615)], NULL::Nullable(Int64)",
			);
			expect(wide.rows).toEqual([["9007199254740993", ["18446744073709551615"], null]]);
			const first = await of(name).userSql("SELECT number FROM numbers(100)", { maxRows: 2 });
			expect(first.rows).toEqual([["0"], ["1"]]);
		});

		test.each(ATTACKS)("%s", async (statement) => {
			await expect(of(name).userSql(statement)).rejects.toMatchObject({ code: "SQL_REFUSED" });
		});

		test("endless statements are ended", async () => {
			const endless = "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)";
			await expect(of(name).userSql(endless, { maxExecutionMs: 1000 })).rejects.toMatchObject({ code: "SQL_LIMIT" });
			await expect
				.poll(() =>
					server.run(
						"SELECT count() FROM system.processes WHERE query LIKE '%cityHash64(number)%' AND query NOT LIKE '%processes%'",
					),
				)
				.toBe("0\n");
		});
	});

	test("a reader whom nothing limits is refused", async () => {
		await expect(of("a reader without limits").userSql("SELECT 1")).rejects.toMatchObject({
			code: "SQL_REFUSED",
			message: expect.stringContaining("max_execution_time"),
		});
	});
});
