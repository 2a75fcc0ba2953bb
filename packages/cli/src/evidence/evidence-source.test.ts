import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { ExperimentResults, MetricList, PowerPlan, SqlAnswer, VersionComparison } from "@armspan/schema";
import { type Service, startService } from "@armspan/service";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadEvidence } from "../../../service/src/test-support/loaded-evidence.ts";
import { type Ended, runArmspan } from "../test-support/run-armspan.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-evidence-cli-"));
const repository = join(folder, "prompts");
const data = join(folder, "data");
const TOKEN = "the token of this test";
const CAPPED = `metrics:
  - { key: capped-latency, source: calls, kind: mean, value: latency, winsorCap: 700, direction: decrease }
`;
let service: Service;

beforeAll(async () => {
	await initRepository(repository, { author: { name: "Ada", email: "ada@example.org" } });
	const experiment = join(repository, "experiments/support-tone.yaml");
	appendFileSync(experiment, `segments: [plan]\n${CAPPED}`);
	writeFileSync(experiment, readFileSync(experiment, "utf8").replace(/^secondaryMetrics:/m, "$&\n  - capped-latency"));
	execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=a@example.org", "commit", "-qam", "By plan"], {
		cwd: repository,
	});
	mkdirSync(data);
	service = await startService({
		store: { kind: "embedded", path: join(data, "clickhouse") },
		...{ repository, environmentName: "production", routingDirectory: join(data, "routing") },
		...{ host: "127.0.0.1", otlpPort: 0, apiPort: 0, token: TOKEN, checkEveryMs: 60_000 },
		logger: pino({ level: "silent" }),
	});
	await loadEvidence(service.store, new Date());
}, 60_000);
afterAll(async () => {
	await service.close();
	rmSync(folder, { recursive: true, force: true });
});

const armspan = (...args: string[]): Promise<Ended> => runArmspan(args, { env: { ARMSPAN_TOKEN: TOKEN } });
const ofService = (...args: string[]) => armspan(...args, "--url", service.apiUrl);

describe("of a service", () => {
	test("analyze: a table for people with health and verdict", async () => {
		const { code, stdout, stderr } = await ofService("analyze", "support-tone");
		expect([code, stderr]).toEqual([0, ""]);
		expect(stdout).toMatch(/^support-tone, iteration 1: running; by user, always-valid, alpha 0.05\n/);
		expect(stdout).toMatch(/\nlatency +\d+ ms +\d+ ms /);
		expect(stdout).toMatch(/\nsample ratio: no mismatch found \(p 1\.0\)\n/);
		expect(stdout).toMatch(
			/\ncapped-latency is capped at 700 ms; without the cap: control \d+ ms \([\d.]+ % above the cap\), friendly \d+ ms \(/,
		);
		expect(stdout).toMatch(/\nleft out: 0 units seen in two arms; /);
		expect(stdout).toMatch(/\nverdict: [A-Z-]+\. \S/);
	});

	test("analyze: JSON is the API's document, CSV has a row for each metric, arm and stratum", async () => {
		const json = ExperimentResults.parse(JSON.parse((await ofService("analyze", "support-tone", "--json")).stdout));
		const { stdout } = await ofService("analyze", "support-tone", "--csv");
		const [heading = "", ...rows] = stdout.trimEnd().split("\n");
		expect(json.segments.map(({ kind, value }) => value ?? kind)).toEqual(["none", "free", "pro"]);
		const adjusted = json.metrics.flatMap(({ cacheAdjusted }) => cacheAdjusted).length;
		expect(adjusted).toBeGreaterThan(1);
		expect(rows).toHaveLength(json.metrics.length * 2 * (1 + json.days.length + json.segments.length) + adjusted);
		const columns = heading.split(",");
		const cell = (row: string, column: string) => row.split(",")[columns.indexOf(column)];
		const latency = rows.find((row) => /,latency,.*,friendly,overall,/.test(row)) ?? "";
		const { estimates, comparisons } = json.metrics.find(({ metric }) => metric === "latency") ?? json.metrics[0]!;
		expect(Number(cell(latency, "estimate"))).toBe(
			estimates.friendly?.kind === "estimated" && estimates.friendly.value,
		);
		expect(cell(latency, "against")).toBe("control");
		expect(cell(latency, "conclusion")).toBe(comparisons[0]?.conclusion);
		expect(rows.every((row) => row.split(",").length === columns.length)).toBe(true);
	});

	test("analyze --segment: each part of the units, and that it is exploratory", async () => {
		const { code, stdout } = await ofService("analyze", "support-tone", "--segment", "plan");
		expect(code).toBe(0);
		expect(stdout).toMatch(/\nplan: not reported +50 \/ 50 +no mismatch found +\S/);
		expect(stdout).toMatch(/\nplan = free +100 \/ 100 +no mismatch found +\S/);
		expect(stdout).toMatch(/\n +latency +worse +[\d.e-]+ +\+[\d.]+ % .*\[/);
		expect(stdout).toMatch(/\nSegments are exploratory: .*\n.* no verdict looks at them\./);
		const json = ExperimentResults.parse(JSON.parse((await ofService("analyze", "support-tone", "--json")).stdout));
		const csv = (await ofService("analyze", "support-tone", "--csv")).stdout.trimEnd().split("\n");
		const columns = csv[0]?.split(",") ?? [];
		const [row = ""] = csv.filter((line) => /,latency,.*,friendly,segment,.*,plan,value,pro,/.test(line));
		const latency = json.segments[2]?.metrics.find(({ metric }) => metric === "latency");
		expect(Number(row.split(",")[columns.indexOf("adjusted_p_value")])).toBe(latency?.comparisons[0]?.adjustedPValue);
		const unknown = await ofService("analyze", "support-tone", "--segment", "country");
		expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("there are plan")]);
	});

	test("analyze --exit-code tells the verdict", async () => {
		const verdict = JSON.parse((await ofService("analyze", "support-tone", "--json")).stdout).verdict.kind;
		const status = { ship: 0, halt: 20, halted: 20, invalid: 30 }[verdict as string] ?? 10;
		const { code, stderr } = await ofService("analyze", "support-tone", "--exit-code");
		expect([code, stderr]).toEqual([status, ""]);
	});

	test("compare: two versions as they were used, and that nobody was randomized", async () => {
		const asked = ["compare", "support-reply", "--from", "1.0.0", "--to", "2.0.0", "--metrics", "latency,cost"];
		const { code, stdout, stderr } = await ofService(...asked);
		expect([code, stderr]).toEqual([0, ""]);
		expect(stdout).toMatch(/^support-reply: 1\.0\.0 and 2\.0\.0 as they were used, NOT RANDOMIZED; calls from /);
		expect(stdout).toMatch(/\n2\.0\.0: 200 units, 800 calls, units first seen from /);
		expect(stdout).toMatch(/\nlatency +\d+ ms +\d+ ms +\+[\d.]+ % +\+\d+ ms +\[\+\d+ ms, \+\d+ ms\]\n/);
		expect(stdout).toContain("nobody was randomized, so this need not be the version's doing.");
		expect(stdout).toMatch(/\nTo know whether 2\.0\.0 is the cause, route both at random/);
		const json = VersionComparison.parse(JSON.parse((await ofService(...asked, "--json")).stdout));
		expect([json.design, json.metrics.map(({ metric }) => metric)]).toEqual(["not-randomized", ["latency", "cost"]]);
		const unknown = await ofService("compare", "support-reply", "--from", "1.0.0", "--to", "9.9.9");
		expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("called were 1.0.0, 2.0.0")]);
	});

	test("metrics: how many observations each has", async () => {
		const { stdout } = await ofService("metrics");
		expect(stdout).toMatch(
			/\nerror-rate +share +lower +proportion per call +1,600 +400 +built-in +Share of calls that failed\n/,
		);
		expect(MetricList.parse(JSON.parse((await ofService("metrics", "--json")).stdout)).window).not.toBeNull();
	});

	test("power: from history", async () => {
		const { code, stdout } = await ofService("power", "support-tone", "--metric", "latency", "--effect", "0.05");
		expect(code).toBe(0);
		expect(stdout).toMatch(/^support-tone: latency −5 % of \d+ ms, alpha 0.05, power 0.8, 2 arms\n/);
		expect(stdout).toMatch(/design effect [\d.]+; 80, 80, 80, 80, 80 new units a day, 100 % enrolled\n/);
		expect(stdout).toMatch(/\nalways-valid \(chosen\) +[\d,]+ /);
		const json = PowerPlan.parse(JSON.parse((await ofService("power", "support-tone", "--json")).stdout));
		expect(json.plans.map(({ chosen }) => chosen)).toEqual([false, false, false, true]);
	});

	test("power of a metric alone: baseline, traffic and effect of the prompt's history", async () => {
		const { code, stdout } = await ofService("power", "--metric", "latency");
		expect(code).toBe(0);
		expect(stdout).toMatch(
			/^plan: latency −[\d.]+ % of \d+ ms, alpha 0.05, power 0.8, 2 arms\nfrom 200 units .* of support-reply 1\.0\.0, /,
		);
		expect(stdout).toContain("note: No effect was named: it is the smallest that the 400 units of these days");
		const asked = ["power", "--metric", "latency", "--prompt", "support-reply", "--effect", "0.1", "--json"];
		const plan = PowerPlan.parse(JSON.parse((await ofService(...asked)).stdout));
		expect([plan.effect, plan.experiment, plan.plannedUnits]).toEqual([-0.1, null, 400]);
		const smallest = PowerPlan.parse(JSON.parse((await ofService("power", "--metric", "latency", "--json")).stdout));
		const [alwaysValid] = smallest.plans.filter(({ chosen }) => chosen);
		expect(alwaysValid?.powerAtPlannedUnits).toMatchObject({ value: expect.closeTo(0.8, 2) });
		const nobody = await ofService("power", "--metric", "latency", "--prompt", "nobody");
		expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("UNKNOWN_PROMPT: no call of nobody")]);
		expect(nobody.stderr).toContain("calls of today count from tomorrow on");
	});

	test("sql: table, JSON, CSV, and hostile texts do not reach the terminal", async () => {
		const statement = "SELECT variant, count() AS calls FROM calls FINAL GROUP BY variant ORDER BY variant";
		expect((await ofService("sql", statement)).stdout).toBe("variant   calls\ncontrol     800\nfriendly    800\n");
		const json = SqlAnswer.parse(JSON.parse((await ofService("sql", statement, "--format", "json")).stdout));
		expect(json.rows[0]).toEqual(["control", "800"]);
		const hostile = "SELECT char(27) || '[2J\"x\",\\n' AS a, NULL AS b, [1, 2] AS c";
		expect((await ofService("sql", hostile, "--format", "csv")).stdout).toBe('a,b,c\n"\u001b[2J""x"",\n",,"[1,2]"\n');
		expect((await ofService("sql", hostile)).stdout).toContain('\\u001b[2J"x",\\n');
		const cut = await ofService("sql", "SELECT number FROM numbers(9)", "--max-rows", "2");
		expect([cut.stdout, cut.stderr]).toEqual([
			"number\n     0\n     1\n",
			"note: there are more rows; the first 2 are shown (--max-rows)\n",
		]);
	});

	test("forget: by the service that has the evidence open, under the hash, too", async () => {
		const forget = (unit: string) => ofService("forget", unit, "--json", "--by", "Grace");
		expect(JSON.parse((await forget("user-399")).stdout)).toMatchObject({
			...{ schemaVersion: 1, erased: { calls: 4, exposures: 1 }, remaining: [] },
		});
		expect(JSON.parse((await forget("user-399")).stdout)).toMatchObject({ erased: {}, remaining: [] });
		const left = "SELECT count() AS n FROM calls WHERE unit_id = 'user-399'";
		expect((await ofService("sql", left)).stdout).toBe("n\n0\n");
		const [record] = JSON.parse(
			(await ofService("sql", "SELECT actor FROM erasures ORDER BY erased_at LIMIT 1", "--format", "json")).stdout,
		).rows;
		expect(record).toEqual(["Grace"]);
	});

	test("what it refuses is told", async () => {
		const refused = await ofService("sql", "SELECT file('/etc/passwd')");
		expect([refused.code, refused.stdout]).toEqual([1, ""]);
		expect(refused.stderr).toContain("SQL_REFUSED: the statement is refused: the function file is not allowed");
		const unknown = await ofService("analyze", "nobody");
		expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("UNKNOWN_EXPERIMENT")]);
		const stranger = await runArmspan(["sql", "SELECT 1", "--url", service.apiUrl], {
			env: { ARMSPAN_TOKEN: "wrong" },
		});
		expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringContaining("answered 401")]);
	});

	test("a folder that a service has open is not opened, and it says whom to ask", async () => {
		const { code, stderr } = await armspan("analyze", "support-tone", "--repository", repository, "--data", data);
		expect([code, stderr]).toEqual([1, expect.stringMatching(/STORE_LOCKED[\s\S]*--url ADDRESS/)]);
	});
});

test("of a folder: the same answers, without a service", async () => {
	const own = mkdtempSync(join(folder, "own-"));
	mkdirSync(join(own, "clickhouse"));
	const asked = ["--repository", repository, "--data", own];
	const empty = await armspan("analyze", "support-tone", ...asked, "--exit-code");
	expect([empty.code, empty.stderr]).toEqual([10, ""]);
	expect(empty.stdout).toContain("verdict: NO-DATA.");
	const plan = await armspan("power", "support-tone", ...asked);
	expect([plan.code, plan.stdout]).toEqual([0, expect.stringContaining("no-observations")]);
	expect(plan.stdout).toMatch(
		/\nnot estimable: There is no feedback of 1\.0\.0 .*calls of today count from tomorrow on/,
	);
	expect((await armspan("sql", "SELECT count() AS n FROM exposures", "--data", own)).stdout).toBe("n\n0\n");
}, 60_000);

test("nothing is made where there is no evidence", async () => {
	const { code, stderr } = await armspan("sql", "SELECT 1", "--data", join(folder, "nowhere"));
	expect([code, stderr]).toEqual([1, expect.stringContaining("NO_EVIDENCE")]);
});

describe("without any evidence", () => {
	test("metrics --offline lists definitions, those of the repository too", async () => {
		const list = await armspan("metrics", "--offline", "--repository", repository);
		expect(list.stdout).toMatch(/^metric +unit +better +kind +defined by +what it is\n/);
		expect(list.stdout).toMatch(/\nlatency-p95 +ms +lower +quantile 0.95 per call +built-in /);
	});

	test("power plans with given numbers", async () => {
		const { code, stdout } = await armspan(
			...["power", "--baseline", "850", "--sd", "400", "--effect", "0.05", "--direction", "decrease"],
			...["--units-per-day", "500", "--planned-units", "5000", "--json"],
		);
		const plan = PowerPlan.parse(JSON.parse(stdout));
		expect([code, plan.effect, plan.baseline]).toEqual([0, -0.05, 850]);
		const [fixed] = plan.plans;
		// 2 · 2 · (1.960 + 0.842)² · 400² / 42.5² = 2781, and two more for Student's t
		expect(fixed?.requiredUnits).toMatchObject({ kind: "estimated", units: 2783 });
		expect(fixed?.duration).toMatchObject({ days: 7, enrollmentDays: 6 });
	});

	test.each([
		[["power"], "name an experiment"],
		[["power", "support-tone", "--prompt", "support-reply"], "goes with --metric alone"],
		[["power", "--baseline", "0.5", "--effect", "0.1", "--prompt", "x"], "goes with --metric alone"],
		[["power", "support-tone", "--baseline", "0.5"], "one of them"],
		[["power", "--baseline", "0.5"], "needs --effect"],
		[["power", "--baseline", "5", "--effect", "0.1"], "needs --sd"],
		[["power", "--baseline", "0.5", "--effect", "0"], "expected a number"],
		[["power", "--baseline", "0.5", "--effect", "0.1", "--weights", "1"], "two or more"],
		[["power", "--baseline", "nan"], 'expected a number, found "nan"'],
		[["power", "--baseline", "5", "--sd", "0"], 'expected a number above 0, found "0"'],
		[["compare", "reply", "--from", "1.0.0"], "--to <version>"],
		[["compare", "reply", "--from", "1.0.0", "--to", "1.0.0"], "name two versions"],
		[["compare", "reply", "--from", "1.0.0", "--to", "2.0.0", "--until", "soon"], "expected a time"],
		[["compare", "reply", "--from", "1.0.0", "--to", "2.0.0", "--metrics", ","], "expected keys"],
		[["sql", "SELECT 1", "--format", "xml"], "Allowed choices"],
		[["analyze", "x", "--json", "--csv"], "cannot be used with"],
		[["analyze", "x", "--url", "http://127.0.0.1:1", "--clickhouse-url", "http://127.0.0.1:1"], "cannot be used with"],
	])("%j is wrong usage", async (args, message) => {
		const { code, stdout, stderr } = await armspan(...args);
		expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
	});

	test("a service that is not there", async () => {
		const { code, stderr } = await armspan("metrics", "--url", "http://127.0.0.1:1");
		expect([code, stderr]).toEqual([1, expect.stringContaining("SERVICE_UNREACHABLE")]);
	});
});
