import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClickHouseServer, serverUnavailable } from "../conformance/clickhouse-server.ts";
import { Collector, collectorUnavailable } from "../pipeline/collector.ts";
import { callSpan, send, tracesRequest } from "../pipeline/otlp.ts";
import { askAs, PASSWORDS, startDeployedClickHouse } from "./deployed-clickhouse.ts";

const unavailable = serverUnavailable() ?? collectorUnavailable();
if (unavailable !== undefined) {
	if (process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1") throw new Error(unavailable);
	process.stderr.write(`\nSKIPPED: deploy/clickhouse: ${unavailable}\n`);
}

describe.skipIf(unavailable !== undefined)("the users of deploy/clickhouse, on a real server", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-users-"));
	let server: ClickHouseServer;
	let store: Store;

	beforeAll(async () => {
		server = await startDeployedClickHouse(join(folder, "server"), join(folder, "backups"));
		store = await openStore({
			...{ kind: "server", url: server.url, username: "armspan", password: PASSWORDS.armspan },
			reader: { username: "armspan_reader", password: PASSWORDS.armspan_reader },
		});
		await store.migrate();
	}, 60_000);

	afterAll(async () => {
		await store.close();
		server.stop();
		await server.stopped();
		rmSync(folder, { recursive: true, force: true });
	});

	test("nobody comes in without a password", async () => {
		for (const name of Object.keys(PASSWORDS)) {
			for (const password of ["", "x"]) {
				const headers = { "x-clickhouse-user": name, "x-clickhouse-key": password };
				const { status } = await fetch(server.url, { method: "POST", body: "SELECT 1", headers });
				expect([name, status]).toEqual([name, 403]);
			}
		}
	});

	test("the service migrates, sets retention, forgets, and answers questions as the reader", {
		timeout: 60_000,
	}, async () => {
		expect(await store.setRetention({ landingDays: 30, evidenceDays: 400, now: new Date() })).toMatchObject({
			warnings: [],
		});
		expect((await store.forgetUnit({ unitIds: ["ada"], actor: "test" })).remaining).toEqual([]);
		expect((await store.userSql("SELECT count() FROM calls")).rows).toEqual([["0"]]);
		expect(await askAs(server, "armspan", "CREATE USER mallory")).toBe("!ACCESS_DENIED");
		expect(await askAs(server, "armspan", "DROP DATABASE default")).toBe("!ACCESS_DENIED");
		expect(await askAs(server, "armspan", "SELECT * FROM file('/etc/passwd', LineAsString)")).toBe("!ACCESS_DENIED");
	});

	test("the Collector adds spans that become calls, and sees nothing else", { timeout: 60_000 }, async () => {
		const gateway = await Collector.start({
			kind: "gateway",
			folder: join(folder, "gateway"),
			env: {
				CLICKHOUSE_ENDPOINT: server.nativeUrl,
				CLICKHOUSE_USER: "collector",
				CLICKHOUSE_PASSWORD: PASSWORDS.collector,
			},
		});
		try {
			await send(gateway.otlpUrl, "traces", tracesRequest([callSpan(1), callSpan(2)]));
			while ((await store.counts()).calls < 2) await new Promise((resolve) => setTimeout(resolve, 50));
		} finally {
			await gateway.stop();
		}
		expect(await askAs(server, "collector", "SELECT count() FROM calls")).toBe("!ACCESS_DENIED");
		expect(await askAs(server, "collector", "SELECT count() FROM decisions")).toBe("!ACCESS_DENIED");
		expect(await askAs(server, "collector", "INSERT INTO decisions (id) VALUES ('x')")).toBe("!ACCESS_DENIED");
		expect(await askAs(server, "collector", "TRUNCATE TABLE otel_traces")).toBe("!ACCESS_DENIED");
		expect(await askAs(server, "collector", "SHOW TABLES")).toBe("otel_logs\notel_traces");
	});

	test.each(["grafana", "armspan_reader"] as const)(
		"%s reads this database and nothing else, within limits",
		async (user) => {
			expect(Number(await askAs(server, user, "SELECT count() >= 0 FROM calls"))).toBe(1);
			for (const sql of [
				"SELECT * FROM file('/etc/passwd', LineAsString)",
				"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
				"SELECT * FROM remote('127.0.0.1', system.one)",
			]) {
				expect([sql, await askAs(server, user, sql)]).toEqual([
					sql,
					expect.stringMatching(/^!(ACCESS_DENIED|READONLY)$/),
				]);
			}
			for (const sql of [
				"INSERT INTO calls (unit_id) VALUES ('x')",
				"TRUNCATE TABLE calls",
				"CREATE TABLE x (a Int8) ENGINE = Memory",
			]) {
				expect([sql, await askAs(server, user, sql)]).toEqual([
					sql,
					expect.stringMatching(/^!(ACCESS_DENIED|READONLY)$/),
				]);
			}
		},
	);

	test("Grafana's data source may set a limit, but none beyond ours", async () => {
		expect(await askAs(server, "grafana", "SELECT 1 SETTINGS max_execution_time = 30")).toBe("1");
		for (const setting of [
			"max_execution_time = 0",
			"max_execution_time = 61",
			"max_memory_usage = 0",
			"max_threads = 64",
			"max_result_rows = 0",
		]) {
			expect([setting, await askAs(server, "grafana", `SELECT 1 SETTINGS ${setting}`)]).toEqual([
				setting,
				"!SETTING_CONSTRAINT_VIOLATION",
			]);
		}
		expect(await askAs(server, "armspan_reader", "SELECT 1 SETTINGS max_execution_time = 5")).toBe("!READONLY");
	});

	test("the image's version is that of the engine that is tested", async () => {
		const { readFileSync } = await import("node:fs");
		const compose = readFileSync(join(import.meta.dirname, "../../docker-compose.yml"), "utf8");
		const line = (version = "") => version.split(".").slice(0, 2).join(".");
		expect(line(/clickhouse-server:(\S+)/.exec(compose)?.[1])).toBe(line(await server.run("SELECT version()")));
	});
});
