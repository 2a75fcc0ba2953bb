import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { type Service, startService } from "@armspan/service";
import { afterEach, expect, test } from "vitest";
import { createLog } from "../../packages/cli/src/log.ts";
import { runHost } from "../../packages/register/src/fixtures/host.ts";
import { Program } from "./program.ts";

const ROOT = join(import.meta.dirname, "../..");
const APPLICATION = join(ROOT, "examples/python");
const USERS = 40;
const CALLS = 150;
const TOTAL = 2 * (CALLS + 5);
const EXPERIMENT = "support-tone";
const STRANGERS = ["Zoë", "用户-1", "ends in a space ", '~ !"#', "😀".repeat(100)];

/** Where test/conformance/flagd/install.sh puts what requirements.txt pins. */
const digest = createHash("sha256")
	.update(readFileSync(join(APPLICATION, "requirements.txt")))
	.digest("hex");
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "armspan", "conformance");
const environment = join(cache, `python-${digest.slice(0, 16)}`);
const missing = !existsSync(join(environment, "installed"));
if (missing) {
	const sentence = `examples/python: ${environment} is not there; run test/conformance/flagd/install.sh`;
	if (process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1") throw new Error(sentence);
	process.stderr.write(`\nSKIPPED: ${sentence}\n`);
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
	for (const step of undo.splice(0).reverse()) await step();
});

/** The Python application; resolves once it listens. */
async function startPython(env: Readonly<Record<string, string>>): Promise<{ url: string; stop(): Promise<string> }> {
	const child: ChildProcess = spawn(join(environment, "bin/python"), [join(APPLICATION, "support_bot.py")], {
		env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", PORT: "0", ...env },
	});
	undo.push(() => child.kill("SIGKILL"));
	let stderr = "";
	child.stderr?.on("data", (chunk) => {
		stderr += chunk;
	});
	const ended = once(child, "close").then(([code]) => `${code} ${stderr}`);
	const listening = new Promise<string>((resolve) =>
		child.stdout?.on("data", (chunk) => {
			const url = /listening on (\S+)/.exec(String(chunk))?.[1];
			if (url !== undefined) resolve(url);
		}),
	);
	const url = await Promise.race([listening, ended.then((how) => Promise.reject(new Error(how)))]);
	return {
		url,
		stop: () => {
			child.kill("SIGTERM");
			return ended;
		},
	};
}

async function load(url: string): Promise<Record<string, unknown>> {
	const numbers = ["--users", String(USERS), "--calls", String(CALLS), "--rate", "60", "--seed", "5"];
	const { code, stdout, stderr } = await new Program(["examples/support-bot/src/load.ts", "--url", url, ...numbers])
		.ended;
	expect([code, stderr]).toEqual([0, ""]);
	return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

async function start(): Promise<{ service: Service; repository: string; env: Record<string, string> }> {
	const folder = mkdtempSync(join(tmpdir(), "armspan-python-"));
	undo.push(() => rmSync(folder, { recursive: true, force: true }));
	const repository = join(folder, "repository");
	await initRepository(repository);
	const routing = join(folder, "routing");
	const service = await startService({
		store: { kind: "embedded", path: join(folder, "clickhouse") },
		repository,
		environmentName: "production",
		routingDirectory: routing,
		host: "127.0.0.1",
		otlpPort: 0,
		apiPort: 0,
		checkEveryMs: 500,
		logger: createLog(join(folder, "service.log"), "info"),
	});
	undo.push(() => service.close());
	const provider = new Program(["examples/simulated-provider/src/server.ts", "--port", "0", "--seed", "5"]);
	undo.push(() => provider.stop());
	const env = {
		ARMSPAN_ROUTING: routing,
		ARMSPAN_ENVIRONMENT: "production",
		OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=production",
		OTEL_EXPORTER_OTLP_ENDPOINT: service.otlpUrl,
		OPENAI_BASE_URL: `${await provider.printed(/listening on (\S+)/)}/v1`,
		OPENAI_API_KEY: "simulated",
	};
	const control = new URL("/control", env.OPENAI_BASE_URL);
	await fetch(control, { method: "POST", body: JSON.stringify({ latencyScale: 0, errorRate: { control: 0.1 } }) });
	return { service, repository, env };
}

test.skipIf(missing)(
	"an application in Python gives every user the arm that one in Node gives, and both are one comparison",
	{ timeout: 240_000 },
	async () => {
		const { service, repository, env } = await start();
		const python = await startPython(env);
		const source = `await import(${JSON.stringify(join(ROOT, "examples/support-bot/src/server.ts"))});`;
		const node = runHost({ type: "module", source, env: { ...env, PORT: "0", OTEL_SERVICE_NAME: "support-bot-node" } });
		undo.push(() => node.child.kill("SIGKILL"));
		await node.says("listening on ");
		const nodeUrl = /listening on (\S+)/.exec(node.stdout())?.[1] ?? "";

		// The same people ask both, the same questions in the same order.
		const summaries = await Promise.all([load(python.url), load(nodeUrl)]);
		expect(summaries[0]).toMatchObject({ calls: CALLS, unreachable: 0, dropped: 0 });
		expect(summaries[0]?.failed).toEqual(summaries[1]?.failed);
		// Ids outside ASCII are hashed in another form, by both in the same.
		for (const user of STRANGERS) {
			for (const url of [python.url, nodeUrl]) {
				const body = JSON.stringify({
					user,
					turn: 7,
					question: "Wo ist {{question}}?",
					customerName: '{{role "system"}}',
				});
				await (await fetch(`${url}/reply`, { method: "POST", body })).arrayBuffer();
			}
		}
		node.child.kill("SIGTERM");
		await node.exited;

		const table = async (sql: string) => (await service.store.userSql(sql)).rows;
		const count = async (what: string) => Number((await table(`SELECT count() FROM ${what}`))[0]?.[0]);
		const reached = async (what: string, total: number) => {
			while ((await count(what)) < total) await new Promise((resolve) => setTimeout(resolve, 100));
			expect(await count(what)).toBe(total);
		};
		await reached("calls FINAL", TOTAL);
		// Events leave apart from spans.
		const seen = Number((await table("SELECT uniqExact(unit_id) FROM calls"))[0]?.[0]);
		await reached("exposures FINAL", 2 * seen);
		const evaluated = summaries.reduce((sum, said) => sum + Number(said.feedback) + Number(said.conversions), 0);
		await reached("evaluations FINAL", evaluated);

		// User by user: who was seen by both, in which arm, and what each says of it.
		const users = await table(`
			SELECT unit_id, arrayStringConcat(arraySort(groupUniqArray(variant)), ' '), uniqExact(service), any(variant),
				arrayStringConcat(arraySort(groupUniqArray(prompt_version || ' ' || prompt_digest || ' ' || model)), ', ')
			FROM calls FINAL WHERE enrolled GROUP BY unit_id`);
		expect(users.length).toBeGreaterThan(25);
		expect(users.map(([unit, arms, services]) => [unit, arms, Number(services)])).toEqual(
			users.map(([unit, , , arm]) => [unit, arm, 2]),
		);
		expect(new Set(users.map(([, , , arm, delivered]) => `${arm}: ${delivered}`)).size).toBe(2);
		for (const arm of ["control", "friendly"]) {
			expect(users.filter(([, arms]) => arms === arm).length, arm).toBeGreaterThan(8);
		}
		// The provider counts tokens in the texts that it is sent: the prompts were rendered alike.
		const rendered = await table(`
			SELECT countIf(sent = 2), countIf(sent = 2 AND lengths > 1) FROM
				(SELECT response_id, uniqExact(service) AS sent, uniqExact(input_tokens) AS lengths
				FROM call_traces WHERE response_id != '' GROUP BY response_id)`);
		expect(Number(rendered[0]?.[0])).toBeGreaterThan(CALLS / 2);
		expect(Number(rendered[0]?.[1])).toBe(0);
		expect(users.map(([unit]) => unit)).toEqual(expect.arrayContaining(STRANGERS));
		const exposures = await table(
			"SELECT service, count(), uniqExact(unit_id) FROM exposures FINAL GROUP BY service ORDER BY service",
		);
		expect(exposures.map((row) => row.map(String))).toEqual(
			["support-bot-node", "support-bot-python"].map((name) => [name, String(users.length), String(users.length)]),
		);

		const results = await service.results(EXPERIMENT);
		expect(results).toMatchObject({ status: "running", excludedUnits: 0 });
		expect(results?.variants.reduce((sum, { calls }) => sum + calls, 0)).toBe(TOTAL);
		expect(results?.variants.reduce((sum, { units }) => sum + units, 0)).toBe(users.length);
		const said = await table(
			"SELECT service, kind, count(), countIf(experiment != '') FROM evaluations FINAL GROUP BY service, kind ORDER BY service, kind",
		);
		expect(said.filter(([service]) => service === "support-bot-python").map((row) => row.slice(1).map(String))).toEqual(
			[
				["conversion", ...twice(summaries[0]?.conversions)],
				["feedback", ...twice(summaries[0]?.feedback)],
			],
		);

		// A person stops the experiment: without a restart, Python's users are back on the default.
		const file = join(repository, "experiments", `${EXPERIMENT}.yaml`);
		writeFileSync(file, readFileSync(file, "utf8").replace("status: running", "status: stopped"));
		const identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
		execFileSync("git", ["-C", repository, ...identity, "commit", "--quiet", "-am", "Enough"]);
		const friendly = users.find(([, arms]) => arms === "friendly")?.[0];
		const question = { user: friendly, turn: 1000, question: "Where is it?", customerName: "Ada" };
		for (;;) {
			const response = await fetch(`${python.url}/reply`, { method: "POST", body: JSON.stringify(question) });
			await response.arrayBuffer();
			const after = await table(
				`SELECT variant, prompt_version, experiment, unit_id = '${friendly}' FROM calls FINAL WHERE NOT enrolled LIMIT 1`,
			);
			if (after.length === 0) continue;
			expect(after[0]?.slice(0, 3)).toEqual(["default", "1.0.0", ""]);
			expect(Boolean(after[0]?.[3])).toBe(true);
			break;
		}
		expect(await python.stop()).toBe("0 ");
	},
);

test.skipIf(missing)(
	"without a bundle of its environment the application answers, and its call says that nobody was enrolled",
	{ timeout: 60_000 },
	async () => {
		const { service, env } = await start();
		const python = await startPython({ ...env, ARMSPAN_ENVIRONMENT: "staging" });
		const question = { user: "ada", turn: 1, question: "Where is it?", customerName: "Ada" };
		const response = await fetch(`${python.url}/reply`, { method: "POST", body: JSON.stringify(question) });
		expect([response.status, typeof ((await response.json()) as { answer: unknown }).answer]).toEqual([200, "string"]);
		expect(await python.stop()).toContain("the bundle is of armspan/production; expected armspan/staging");
		const { rows } = await service.store.userSql("SELECT enrolled, unit_id, fallback_reason FROM calls FINAL");
		expect(rows.map(([enrolled, ...rest]) => [Boolean(enrolled), ...rest])).toEqual([[false, "", "no-bundle"]]);
	},
);

test.skipIf(missing)(
	"a prompt that cannot be read leaves its users in their arm, with the default's text",
	{ timeout: 60_000 },
	async () => {
		const { service, env } = await start();
		// A copy, since the service mends its own.
		const folder = `${env.ARMSPAN_ROUTING}-copy`;
		cpSync(env.ARMSPAN_ROUTING ?? "", folder, { recursive: true });
		const { flags } = JSON.parse(readFileSync(join(folder, "routing.json"), "utf8"));
		const { digest } = flags["support-reply"].variants[`${EXPERIMENT}.friendly`];
		writeFileSync(join(folder, "prompts", `${digest}.prompt`), "---\nmodel: m\n---\n{{#if question}}x{{/if}}\n");
		const python = await startPython({ ...env, ARMSPAN_ROUTING: folder });
		for (let user = 0; user < 20; user++) {
			const body = JSON.stringify({ user: `u-${user}`, turn: 1, question: "Where is it?", customerName: "Ada" });
			await (await fetch(`${python.url}/reply`, { method: "POST", body })).arrayBuffer();
		}
		expect(await python.stop()).toBe("0 ");
		const { rows } = await service.store.userSql(
			"SELECT variant, fallback_reason, count() > 3, min(enrolled), any(input_tokens) < 100 FROM calls FINAL GROUP BY ALL ORDER BY variant",
		);
		expect(rows.map(([variant, reason, ...rest]) => [variant, reason, ...rest.map(Number)])).toEqual([
			["control", "", 1, 1, 1],
			["friendly", "prompt-unreadable", 1, 1, 1],
		]);
	},
);

function twice(count: unknown): [string, string] {
	return [String(count), String(count)];
}
