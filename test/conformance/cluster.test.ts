import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BUILT_IN_METRICS } from "@armspan/schema";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrationSql } from "../../packages/store/src/migration-sql.ts";
import { statements } from "../../packages/store/src/sql-file.ts";
import { ClickHouseServer, serverUnavailable } from "./clickhouse-server.ts";
import { deliver, observeEvidence, randomDeliveries, randomNumbers, repeatedAndShuffled } from "./deliveries.ts";

const unavailable = serverUnavailable();
if (unavailable !== undefined) {
	process.stderr.write(
		`\nSKIPPED: two shards, and servers that are migrated at once, are not tested here: ${unavailable}\n`,
	);
}

const NOW = new Date();
const CLUSTER = { name: "shards", replicated: false };
/** Columns of `llm_calls` before migration 0011. */
const EARLIER_CALLS = `experiment LowCardinality(String), iteration UInt32, unit_id String, trace_id String, span_id String,
	variant LowCardinality(String), enrolled Bool, shadow Bool, routing_revision UInt64, is_error Bool, quarantined Bool,
	started_at Nullable(DateTime64(6, 'UTC')), latency_us Nullable(Int64), time_to_first_chunk_us Nullable(Int64),
	cost_nano_usd Nullable(Int64), input_tokens Nullable(Int64), output_tokens Nullable(Int64), cached_tokens Nullable(Int64),
	reasoning_tokens Nullable(Int64), unit_type LowCardinality(String), service LowCardinality(String),
	operation LowCardinality(String), provider LowCardinality(String), model LowCardinality(String),
	prompt_name LowCardinality(String), prompt_version LowCardinality(String), prompt_digest LowCardinality(String),
	error_type LowCardinality(String), finish_reason LowCardinality(String), fallback_reason LowCardinality(String),
	response_id String, environment LowCardinality(String), received_at DateTime('UTC'),
	arrived_at DateTime('UTC') DEFAULT now('UTC')`;
const seed = Math.floor(Math.random() * 2 ** 31);

describe.skipIf(unavailable !== undefined)("two ClickHouse servers", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-cluster-"));
	let servers: ClickHouseServer[] = [];
	const opened: Store[] = [];

	beforeAll(async () => {
		servers = await ClickHouseServer.startShards(folder, 2);
	});
	afterAll(async () => {
		for (const store of opened) {
			await store.close();
		}
		for (const server of servers) {
			server.stop();
		}
		rmSync(folder, { recursive: true, force: true });
	});

	/** A store for each node of the cluster, in a database of that name. */
	async function shards(database: string): Promise<Store[]> {
		const stores: Store[] = [];
		for (const { url } of servers) {
			const store = await openStore({ kind: "server", url, database, cluster: CLUSTER });
			opened.push(store);
			stores.push(store);
		}
		return stores;
	}

	const onEach = (sql: string) => Promise.all(servers.map((server) => server.run(sql)));

	test(`as two shards they say what one says, to the bit (seed ${seed})`, async () => {
		const random = randomNumbers(seed);
		const deliveries = randomDeliveries(random, { units: 25, now: NOW });
		await onEach("CREATE DATABASE sharded");
		await servers[0]?.run("CREATE DATABASE single");
		const single = await openStore({ kind: "server", url: servers[0]?.url ?? "", database: "single" });
		opened.push(single);
		await single.migrate();
		await deliver([single], deliveries, random, deliveries.length);

		const nodes = await shards("sharded");
		for (const node of nodes) {
			await node.migrate();
		}
		await deliver(nodes, repeatedAndShuffled(random, deliveries), random, 100);
		const expected = await observeEvidence(single, NOW);
		expect(expected.overlap.units).toBeGreaterThan(0);
		expect(expected.byKey[0]).toMatchObject({ stray: { units: expect.any(Number) }, since: { length: 8 } });
		expect(expected.byKey[0]?.stray.units).toBeGreaterThan(0);
		expect(await observeEvidence(nodes[0] as Store, NOW)).toEqual(expected);

		// no sums per unit are made there, and it does no harm to ask for them
		const until = new Date(NOW.getTime() - 6 * 3_600_000);
		const request = { experiment: "tone", iteration: 1, metrics: [...BUILT_IN_METRICS.values()], until };
		const sealed = await nodes[1]?.sealUnitSums({ ...request, arrivedUntil: new Date() });
		expect(sealed?.seal).toBe(null);
		expect(await observeEvidence(nodes[0] as Store, NOW)).toEqual(expected);

		// each shard has some of the units, and no unit is on both
		const units = await onEach(
			"SELECT DISTINCT unit_id FROM sharded.calls_local WHERE unit_id != '' ORDER BY unit_id FORMAT TSV",
		);
		const [left = [], right = []] = units.map((list) => list.trim().split("\n"));
		expect(Math.min(left.length, right.length)).toBeGreaterThan(2);
		expect(left.filter((unit) => right.includes(unit))).toEqual([]);

		// erased on every node, as each is told by itself without Keeper
		const unit = "user-3-ü'";
		for (const node of nodes) {
			await node.forgetUnit({ unitIds: [unit], actor: "test" });
			await node.setRetention({ landingDays: 30, evidenceDays: 400, now: NOW });
		}
		await single.forgetUnit({ unitIds: [unit], actor: "test" });
		// ids of calls are those of landing rows, of which the retention that was set drops some
		const observed = async (store: Store) => ({ ...(await observeEvidence(store, NOW)), calls: [] });
		const without = await observed(single);
		expect(without.seen.units).not.toContain(unit);
		expect(await observed(nodes[1] as Store)).toEqual(without);
		expect((await nodes[0]?.forgetUnit({ unitIds: [unit], actor: "test" }))?.remaining).toEqual([]);
	}, 180_000);

	test.each([
		["each node copies its own rows, without Keeper", false],
		["one process copies all", true],
	] as const)("the calls of an earlier version, on both shards: %s", async (_, replicated) => {
		const database = `copied_${replicated ? "by_one" : "by_each"}`;
		await onEach(`CREATE DATABASE ${database}`);
		const nodes = await shards(database);
		if (replicated) for (const node of nodes) await node.migrate();
		await onEach(`CREATE TABLE ${database}.llm_calls_local (${EARLIER_CALLS}) ENGINE = ReplacingMergeTree
			ORDER BY (experiment, iteration, unit_id, trace_id, span_id, environment)`);
		await onEach(`CREATE TABLE ${database}.llm_calls AS ${database}.llm_calls_local
			ENGINE = Distributed('${CLUSTER.name}', '${database}', 'llm_calls_local', cityHash64(unit_id))`);
		for (let delivery = 0; delivery < 2; delivery += 1) {
			await servers[0]?.run(`INSERT INTO ${database}.llm_calls (experiment, unit_id, trace_id, span_id, started_at, latency_us)
				SELECT 'old', toString(number % 7), toString(number), 's', toDateTime64('2026-11-01 00:00:00', 6, 'UTC') + number, number
				FROM numbers(40) SETTINGS distributed_foreground_insert = 1`);
		}
		if (replicated) {
			// what is told to all nodes at once needs Keeper; the copying does not
			const [copy = ""] = statements(migrationSql("0011-compact-calls.sql", { name: CLUSTER.name })).filter((sql) =>
				sql.includes("FROM merge("),
			);
			const query = encodeURIComponent(copy);
			const response = await fetch(`${servers[0]?.url}/?database=${database}&query=${query}`, { method: "POST" });
			expect([response.status, await response.text()]).toEqual([200, ""]);
		} else {
			for (const node of nodes) await node.migrate();
			expect(await onEach(`SHOW TABLES FROM ${database} LIKE 'llm_calls%'`)).toEqual(["", ""]);
		}
		const copied = `SELECT count(), uniqExact(unit_id), sum(latency_us) FROM ${database}.calls FINAL WHERE experiment = 'old' FORMAT TSV`;
		expect(await onEach(copied)).toEqual(["40\t7\t780\n", "40\t7\t780\n"]);
		const local = await onEach(copied.replace(".calls", ".calls_local"));
		expect(local.map((line) => Number(line.split("\t")[0])).reduce((sum, rows) => sum + rows)).toBe(40);
		expect(local).not.toContain("40\t7\t780\n");
	});

	test("a database of one server is not taken for a cluster's, nor a cluster's for one server's", async () => {
		await onEach("CREATE DATABASE mixed");
		const [url = ""] = servers.map((server) => server.url);
		const single = await openStore({ kind: "server", url, database: "mixed" });
		opened.push(single);
		await single.migrate();
		const [node] = await shards("mixed");
		await expect(node?.migrate()).rejects.toMatchObject({ code: "SCHEMA_UNSUPPORTED" });
		await servers[0]?.run("DROP DATABASE mixed");
		await servers[0]?.run("CREATE DATABASE mixed");
		await node?.migrate();
		await expect(single.migrate()).rejects.toMatchObject({ code: "SCHEMA_UNSUPPORTED" });
	}, 60_000);

	test("processes that migrate one database at once, one of them killed, leave it as one does, and drop nothing that is written meanwhile", async () => {
		const [server] = servers;
		if (server === undefined) throw new Error("no server");
		await server.run("CREATE DATABASE raced");
		await server.run("CREATE DATABASE quiet");
		const migrating = (database: string) =>
			promisify(execFile)(process.execPath, [
				"--conditions=armspan-source",
				fileURLToPath(new URL("./fixtures/migrate-once.ts", import.meta.url)),
				server.url,
				database,
			]);
		await migrating("quiet");

		let migrated = false;
		const acknowledged: string[] = [];
		const writing = (async () => {
			while (!migrated) {
				const unit = `w${acknowledged.length}`;
				const attributes = `'armspan.unit.id', '${unit}', 'armspan.segment.plan', 'pro', 'armspan.experiment', 'tone'`;
				try {
					await server.run(
						`INSERT INTO raced.otel_logs (Timestamp, ResourceAttributes, EventName, LogAttributes) VALUES (now64(9), map('deployment.environment.name', 'production'), 'feature_flag.evaluation', map(${attributes}))`,
					);
					acknowledged.push(unit);
				} catch (error) {
					expect(String(error)).toContain("UNKNOWN_TABLE");
				}
				await new Promise((resolve) => setTimeout(resolve, 10));
			}
		})();
		const killed = migrating("raced");
		const outputs = Promise.all([migrating("raced"), migrating("raced"), migrating("raced")]);
		while (!(await server.run("SHOW TABLES FROM raced")).includes("calls_mv")) {
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
		killed.child.kill("SIGKILL");
		await killed.catch(() => undefined);
		expect((await outputs).some(({ stdout }) => JSON.parse(stdout).length > 0)).toBe(true);
		migrated = true;
		await writing;

		const schema = (database: string) =>
			server.run(
				`SELECT name, replaceAll(create_table_query, '${database}.', '') AS definition FROM system.tables WHERE database = '${database}' ORDER BY name FORMAT JSONEachRow`,
			);
		expect(await schema("raced")).toEqual(await schema("quiet"));
		expect(JSON.parse((await migrating("raced")).stdout)).toEqual([]);
		expect(acknowledged.length).toBeGreaterThan(0);
		const evidence = await server.run(
			"SELECT unit_id, environment, segments['plan'] FROM raced.exposures FINAL ORDER BY unit_id FORMAT TSV",
		);
		expect(evidence.trim().split("\n")).toEqual(acknowledged.sort().map((unit) => `${unit}\tproduction\tpro`));
	}, 120_000);
});
