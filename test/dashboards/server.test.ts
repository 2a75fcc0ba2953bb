import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { askAs, PASSWORDS, startDeployedClickHouse } from "../compose/deployed-clickhouse.ts";
import { ClickHouseServer, serverUnavailable } from "../conformance/clickhouse-server.ts";
import { dashboards, panels, queryContext } from "./committed-dashboards.ts";
import { expand } from "./grafana-macros.ts";
import { loadStore } from "./loaded-store.ts";

const unavailable = serverUnavailable();
if (unavailable !== undefined) {
	if (process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1") throw new Error(unavailable);
	process.stderr.write(`\nSKIPPED: dashboards on a ClickHouse server: ${unavailable}\n`);
}

const file = new URL("../../dashboards/provisioning/alerting/armspan.yaml", import.meta.url);
const [{ rules }]: [{ rules: { title: string; data: [{ model: { rawSql: string } }] }[] }] = parse(
	readFileSync(file, "utf8"),
).groups;

/** Of panels, annotations and variables, as they are sent. */
const statements = (now: Date) =>
	[
		...panels.map(({ name, target }) => ({ name, sql: target.rawSql })),
		...dashboards.flatMap(({ uid, annotations }) =>
			annotations.list.map(({ name, target }) => ({ name: `${uid} / ${name}`, sql: target.rawSql })),
		),
		...dashboards.flatMap(({ uid, templating }) =>
			templating.list
				.filter(({ type }) => type === "query")
				.map(({ name, query }) => ({ name: `${uid} / ${name}`, sql: query })),
		),
	].map(({ name, sql }) => ({ name, sql: expand(sql, queryContext(now)) }));

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

	test("every panel, annotation and variable is answered with rows", { timeout: 120_000 }, async () => {
		const failed: string[] = [];
		for (const { name, sql } of statements(now)) {
			const answer = await ask(sql);
			if (answer === "" || answer.startsWith("!")) failed.push(`${name}: ${answer}`);
		}
		expect(failed).toEqual([]);
	});

	test("every alert rule is answered", async () => {
		for (const { title, data } of rules) {
			expect([title, (await ask(data[0].model.rawSql)).startsWith("!")]).toEqual([title, false]);
		}
	});

	test("Grafana cannot write", async () => {
		expect(await ask("SELECT 1")).toBe("[1]");
		expect(await askAs(server, "grafana", "TRUNCATE TABLE snapshots")).toMatch(/^!(ACCESS_DENIED|READONLY)$/);
	});
});

describe.skipIf(unavailable !== undefined)("on two shards", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-dashboards-shards-"));
	let servers: ClickHouseServer[] = [];
	afterAll(async () => {
		for (const server of servers) server.stop();
		await Promise.all(servers.map((server) => server.stopped()));
		rmSync(folder, { recursive: true, force: true });
	});

	test("every statement is answered, and a look is read as it was written", { timeout: 180_000 }, async () => {
		servers = await ClickHouseServer.startShards(folder, 2);
		const nodes: Store[] = [];
		for (const { url } of servers) {
			const node = await openStore({ kind: "server", url, cluster: { name: "shards", replicated: false } });
			await node.migrate();
			nodes.push(node);
		}
		const [first, second] = nodes as [Store, Store];
		const now = new Date();
		try {
			await loadStore(first, now);
			const key = { experiment: "support-tone", iteration: 1, environment: "production", until: now };
			const looks = await second.latestLooks(key);
			expect(looks).toHaveLength(2);
			expect(await first.latestLooks(key)).toEqual(looks);
			const failed: string[] = [];
			const all = [...statements(now), ...rules.map(({ title, data }) => ({ name: title, sql: data[0].model.rawSql }))];
			for (const { name, sql } of all) {
				const answer = await servers[1]?.run(`${sql}\nFORMAT JSONCompactEachRow`).catch((error) => `!${error}`);
				const mayBeEmpty = rules.some(({ title }) => title === name);
				if (answer?.startsWith("!") || (answer === "" && !mayBeEmpty)) failed.push(`${name}: ${answer}`);
			}
			expect(failed).toEqual([]);
		} finally {
			for (const node of nodes) await node.close();
		}
	});
});
