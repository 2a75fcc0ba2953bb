import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { askAs, PASSWORDS, startDeployedClickHouse } from "../compose/deployed-clickhouse.ts";
import { type ClickHouseServer, serverUnavailable } from "../conformance/clickhouse-server.ts";
import { dashboards, panels, queryContext } from "./committed-dashboards.ts";
import { expand } from "./grafana-macros.ts";
import { loadStore } from "./loaded-store.ts";

const unavailable = serverUnavailable();
if (unavailable !== undefined) {
	if (process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1") throw new Error(unavailable);
	process.stderr.write(`\nSKIPPED: dashboards on a ClickHouse server: ${unavailable}\n`);
}

describe.skipIf(unavailable !== undefined)("on a server, as the user that docker-compose.yml gives Grafana", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-dashboards-server-"));
	const now = new Date();
	let server: ClickHouseServer;
	let store: Store;

	beforeAll(async () => {
		server = await startDeployedClickHouse(join(folder, "server"), join(folder, "backups"));
		store = await openStore({ kind: "server", url: server.url, username: "armspan", password: PASSWORDS.armspan });
		await store.migrate();
		await loadStore(store, now);
	}, 60_000);
	afterAll(async () => {
		await store.close();
		server.stop();
		await server.stopped();
		rmSync(folder, { recursive: true, force: true });
	});

	const ask = (sql: string) => askAs(server, "grafana", `${sql}\nFORMAT JSONCompactEachRow`);

	test("every panel and variable is answered with rows", { timeout: 120_000 }, async () => {
		const statements = [
			...panels.map(({ name, target }) => ({ name, sql: target.rawSql })),
			...dashboards.flatMap(({ uid, templating }) =>
				templating.list
					.filter(({ type }) => type === "query")
					.map(({ name, query }) => ({ name: `${uid} / ${name}`, sql: query })),
			),
		];
		const failed: string[] = [];
		for (const { name, sql } of statements) {
			const answer = await ask(expand(sql, queryContext(now)));
			if (answer === "" || answer.startsWith("!")) failed.push(`${name}: ${answer}`);
		}
		expect(failed).toEqual([]);
	});

	test("every alert rule is answered", async () => {
		const file = new URL("../../dashboards/provisioning/alerting/armspan.yaml", import.meta.url);
		const [{ rules }] = parse(readFileSync(file, "utf8")).groups;
		for (const { title, data } of rules) {
			expect([title, (await ask(data[0].model.rawSql)).startsWith("!")]).toEqual([title, false]);
		}
	});

	test("Grafana cannot write", async () => {
		expect(await ask("SELECT 1")).toBe("[1]");
		expect(await askAs(server, "grafana", "TRUNCATE TABLE snapshots")).toMatch(/^!(ACCESS_DENIED|READONLY)$/);
	});
});
