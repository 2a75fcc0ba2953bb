import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { ExperimentResults, MetricList, PowerPlan, SqlAnswer, VersionComparison } from "@armspan/schema";
import { openStore } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runArmspan } from "../../packages/cli/src/test-support/run-armspan.ts";
import { loadEvidence } from "../../packages/service/src/test-support/loaded-evidence.ts";
import { ClickHouseServer, serverUnavailable } from "./clickhouse-server.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-evidence-commands-"));
const repository = join(folder, "prompts");
const unavailable = serverUnavailable();
if (unavailable !== undefined) {
	process.stderr.write(`\nSKIPPED: the command line on a ClickHouse server is not tested here: ${unavailable}\n`);
}

const user = (name: string, profile: string, more: string) =>
	`<${name}><password>${name === "default" ? "" : "secret"}</password><networks><ip>127.0.0.1</ip></networks>
	<profile>${profile}</profile><quota>default</quota>${more}</${name}>`;
const CONFIG = `<clickhouse>
	<users_config>${join(folder, "server", "config.xml")}</users_config>
	<profiles>
		<default/>
		<armspan_reader><readonly>1</readonly><max_execution_time>10</max_execution_time></armspan_reader>
	</profiles>
	<quotas><default/></quotas>
	<users>
		${user("default", "default", "")}
		${user("armspan_reader", "armspan_reader", "<grants><query>GRANT SELECT ON default.*</query></grants>")}
	</users>
</clickhouse>`;

const VIEW = `CREATE VIEW my_orders AS
SELECT unit_id, started_at AS time, toFloat64(NOT is_error) AS numerator FROM calls FINAL`;
const ORDERS = `key: orders
description: Successful calls of a unit, by a view
source: sql
query: SELECT * FROM my_orders
kind: mean
per: unit
value: numerator
direction: increase
`;

describe.skipIf(unavailable !== undefined)("questions about the evidence of a ClickHouse server", () => {
	let server: ClickHouseServer;

	beforeAll(async () => {
		await initRepository(repository, { author: { name: "Ada", email: "ada@example.org" } });
		const experiment = join(repository, "experiments/support-tone.yaml");
		mkdirSync(join(repository, "metrics"), { recursive: true });
		writeFileSync(join(repository, "metrics/orders.yaml"), ORDERS);
		appendFileSync(experiment, "segments: [plan]\n");
		execFileSync("sed", ["-i", "s/^secondaryMetrics:/secondaryMetrics:\\n  - orders/", experiment]);
		const git = (...args: string[]) =>
			execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=a@example.org", ...args], { cwd: repository });
		git("add", ".");
		git("commit", "-qm", "Orders, by plan");
		server = await ClickHouseServer.start(join(folder, "server"), CONFIG);
		const store = await openStore({ kind: "server", url: server.url });
		await store.migrate();
		await loadEvidence(store, new Date());
		expect((await fetch(server.url, { method: "POST", body: VIEW })).status).toBe(200);
		await store.close();
	}, 120_000);
	afterAll(async () => {
		server?.stop();
		await server?.stopped();
		rmSync(folder, { recursive: true, force: true });
	});

	const armspan = (args: string[], env: Record<string, string> = {}) =>
		runArmspan([...args, "--clickhouse-url", server.url], { env });
	const asReader = { CLICKHOUSE_READER_USER: "armspan_reader", CLICKHOUSE_READER_PASSWORD: "secret" };

	test.each([
		["the owner", {}],
		["a reader for SQL", asReader],
	])("analyze, with segments and a metric of one's own SQL, as %s", async (_who, env) => {
		const { code, stdout, stderr } = await armspan(
			["analyze", "support-tone", "--repository", repository, "--json"],
			env,
		);
		expect([code, stderr]).toEqual([0, ""]);
		const results = ExperimentResults.parse(JSON.parse(stdout));
		expect(results.variants.map(({ units }) => units)).toEqual([200, 200]);
		expect(results.segments.map(({ kind, value, units }) => [value ?? kind, units.control])).toEqual([
			["none", 50],
			["free", 100],
			["pro", 100 - 50],
		]);
		const of = (key: string) => results.metrics.find(({ metric }) => metric === key);
		// 4 calls of a unit, and every 29th call of all fails.
		const failed = Array.from({ length: 1600 }, (_, call) => call).filter((call) => call % 29 === 0);
		const ofControl = failed.filter((call) => Math.floor(call / 4) % 2 === 0).length;
		expect(of("orders")?.estimates.control).toMatchObject({ value: expect.closeTo((800 - ofControl) / 200, 9) });
		expect(results.warnings.map(({ code: warning }) => warning)).not.toContain("metric-source-failed");
		expect(of("latency")?.cacheAdjusted[0]?.absoluteEffect.kind).toBe("estimated");
	});

	test("versions without an experiment; rows of one's own SQL cannot be compared so", async () => {
		const asked = ["compare", "support-reply", "--from", "1.0.0", "--to", "2.0.0", "--metrics", "latency,orders"];
		const { code, stdout, stderr } = await armspan([...asked, "--repository", repository, "--json"]);
		expect([code, stderr]).toEqual([0, ""]);
		const { versions, metrics } = VersionComparison.parse(JSON.parse(stdout));
		expect(versions.map(({ calls }) => calls)).toEqual([800, 800]);
		expect(metrics.map(({ absoluteDifference: { kind } }) => kind)).toEqual(["estimated", "not-estimable"]);
		expect(metrics[1]?.sentence).toContain("name no version of a prompt");
	});

	test("metrics, power of an experiment and of a metric alone, SQL", async () => {
		const metrics = await armspan(["metrics", "--repository", repository, "--json"]);
		const listed = MetricList.parse(JSON.parse(metrics.stdout)).metrics;
		const counted = (key: string) => listed.find((metric) => metric.key === key)?.observations;
		expect([counted("error-rate"), counted("orders")]).toEqual([1600, null]);
		const forPeople = await armspan(["metrics", "--repository", repository]);
		expect(forPeople.stdout).toMatch(/\norders .* unknown +unknown +metrics\/orders\.yaml /);
		const plan = await armspan(["power", "support-tone", "--repository", repository, "--json"]);
		expect(PowerPlan.parse(JSON.parse(plan.stdout)).source).toMatchObject({ kind: "history", units: 200 });
		const alone = await armspan(["power", "--metric", "latency", "--repository", repository, "--json"], asReader);
		expect(PowerPlan.parse(JSON.parse(alone.stdout)).plannedUnits).toBe(400);
		const ownSql = await armspan(["power", "--metric", "orders", "--effect", "0.1", "--repository", repository]);
		expect([ownSql.code, ownSql.stdout]).toEqual([0, expect.stringContaining("cannot be planned from history")]);
		const asked = "SELECT variant, count() AS calls FROM calls FINAL GROUP BY variant ORDER BY variant";
		const answer = await armspan(["sql", asked, "--format", "json"], asReader);
		expect(SqlAnswer.parse(JSON.parse(answer.stdout)).rows).toEqual([
			["control", "800"],
			["friendly", "800"],
		]);
		const refused = await armspan(["sql", "SELECT * FROM file('/etc/passwd')"], asReader);
		expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("SQL_REFUSED")]);
	});

	test("a server that is not there", async () => {
		const { code, stderr } = await runArmspan(["sql", "SELECT 1", "--clickhouse-url", "http://127.0.0.1:1"]);
		expect([code, stderr]).toEqual([1, expect.stringMatching(/STORE_UNAVAILABLE|ECONNREFUSED/)]);
	});
});
