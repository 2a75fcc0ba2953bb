import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileBundle, writeBundle } from "@armspan/router";
import { Environment } from "@armspan/schema";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runArmspan } from "../test-support/run-armspan.ts";
import type { Check } from "./doctor-check.ts";

const modules = fileURLToPath(new URL("../../../../node_modules", import.meta.url));
// Below node_modules, so that packages resolve as in an application.
const apps = join(modules, ".cache/armspan-hosts");
let folder: string;
let server: Server;
let collector: string;
let bundle: string;

/** What an application is that Armspan can say nothing against. */
const SOUND = { ARMSPAN_UNIT_KEY: "a secret", ARMSPAN_SELF_CHECK: "off" };

beforeAll(async () => {
	mkdirSync(apps, { recursive: true });
	folder = mkdtempSync(join(apps, "doctor-"));
	server = createServer((request, response) => {
		request.resume();
		response.writeHead(request.headers["x-key"] === "wrong" ? 401 : 200).end();
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	collector = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	bundle = join(folder, "bundle");
	const bytes = new TextEncoder().encode("---\nmodel: m\n---\nHello");
	const release = { bytes, digest: "0".repeat(64), model: "m", config: {} };
	const { promptDigest } = await import("../../../prompt/src/index.ts");
	await writeBundle(
		bundle,
		compileBundle({
			revision: 7,
			environmentName: "test",
			environment: Environment.parse({ prompts: { "support/greet": "1.0.0" } }),
			experiments: [],
			prompts: new Map([["support/greet@1.0.0", { ...release, digest: promptDigest(bytes) }]]),
			sourceCommit: "0".repeat(40),
		}),
	);
});
afterAll(() => {
	rmSync(folder, { recursive: true });
	server.close();
});

interface App {
	readonly type?: "module" | "commonjs";
	readonly source: string;
	/** More files, by path. */
	readonly files?: Readonly<Record<string, string>>;
	readonly env?: Readonly<Record<string, string>>;
	readonly args?: readonly string[];
	readonly under?: string;
}

async function doctor({ type = "module", source, files = {}, env = {}, args = [], under = folder }: App) {
	const app = mkdtempSync(join(under, "app-"));
	for (const [path, content] of Object.entries({
		"package.json": JSON.stringify({ type }),
		"app.js": source,
		...files,
	})) {
		mkdirSync(dirname(join(app, path)), { recursive: true });
		writeFileSync(join(app, path), content);
	}
	const all = { OTEL_EXPORTER_OTLP_ENDPOINT: collector, ...SOUND, ...env };
	// Long: only the application that never ends is to meet it.
	const options = args.length > 0 ? args : ["--time-limit", "120", "--json"];
	const { code, stdout, stderr } = await runArmspan(["doctor", ...options, join(app, "app.js")], { env: all });
	expect(stderr).not.toMatch(/^\s+at /m);
	const { checks } = JSON.parse(stdout) as { checks: Check[] };
	return { app, code, stderr, checks, of: (name: string) => checks.filter((check) => check.name === name) };
}

const OPENAI = { module: 'import OpenAI from "openai";', commonjs: 'const OpenAI = require("openai");' };

test.each(["module", "commonjs"] as const)("a sound %s application", async (type) => {
	const mapping = 'prompts: [{ prompt: greet, match: { template: "Hello dear {{name}}" } }]';
	const { code, stderr, checks, of } = await doctor({
		type,
		source: `${OPENAI[type]}\nnew OpenAI({ apiKey: "x" });`,
		env: { ARMSPAN_ROUTING: bundle, ARMSPAN_PROMPTS: join(folder, "prompts.yaml") },
		files: { "../prompts.yaml": mapping },
	});
	expect(checks.filter(({ status }) => status !== "ok")).toEqual([]);
	expect([code, stderr]).toEqual([0, ""]);
	const kind = type === "module" ? "ESM" : "CommonJS";
	expect(of("llm sdk")[0]?.message).toMatch(
		new RegExp(`^openai 7\\.55\\.0 \\(${kind}\\) at .*: patched by @armspan/register$`),
	);
	expect(of("routing")[0]?.message).toContain("revision 7, confirmed");
	expect(of("prompts")[0]?.message).toBe("1 in the bundle: support/greet");
	expect(of("mapping")[0]?.message).toMatch(/prompts\.yaml: 1 prompt$/);
	expect(of("processors")[0]?.message).toMatch(/^ArmspanSpanProcessor, /);
	expect(of("exporter").map(({ message }) => message)).toEqual([
		`${collector}/v1/traces takes OTLP`,
		`${collector}/v1/logs takes OTLP`,
	]);
});

test("what is configured and does not work is a failure that says what to do", async () => {
	const { code, stderr, of } = await doctor({
		source: OPENAI.module,
		env: {
			ARMSPAN_ROUTING: join(folder, "nowhere"),
			ARMSPAN_PROMPTS: join(folder, "broken.yaml"),
			ARMSPAN_UNIT_KEY: "",
			OTEL_EXPORTER_OTLP_HEADERS: "x-key=wrong",
			OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://me:secret@127.0.0.1:1/v1/logs?token=secret",
		},
		files: { "../broken.yaml": "prompts:\n  - { prompt: 'No Name', match: { template: long enough } }" },
	});
	expect(code).toBe(1);
	expect(stderr).toMatch(/^CHECKS_FAILED: 5 of \d+ checks failed\n$/);
	expect(of("routing")[0]).toMatchObject({ status: "fail", message: expect.stringContaining("nowhere") });
	expect(of("mapping")[0]?.message).toMatch(/broken\.yaml:2: prompts\.0\.prompt: .*; found "No Name"$/);
	expect(of("unit ids")[0]).toMatchObject({ status: "fail", fix: expect.stringContaining("ARMSPAN_UNIT_KEY") });
	expect(of("exporter")[0]).toMatchObject({
		message: `${collector}/v1/traces: HTTP 401`,
		fix: expect.stringContaining("HEADERS"),
	});
	expect(of("exporter")[1]?.message).toBe("http://127.0.0.1:1/v1/logs: ECONNREFUSED");
});

test("a copy of openai that is too old is named, and the one beside it is not blamed", async () => {
	const { app, code, of } = await doctor({
		source: 'import "./old/use.js";\nimport OpenAI from "openai";\nnew OpenAI({ apiKey: "x" });',
		files: {
			"old/use.js": 'import { OpenAIApi } from "openai";\nnew OpenAIApi();',
			"old/node_modules/openai/package.json": '{ "name": "openai", "version": "3.3.0", "main": "dist/index.js" }',
			"old/node_modules/openai/dist/index.js": "exports.OpenAIApi = class {};",
		},
	});
	expect(code).toBe(1);
	expect(of("llm sdk")).toEqual([
		{
			name: "llm sdk",
			status: "fail",
			message: `openai 3.3.0 (CommonJS) at ${join(app, "old/node_modules/openai")}: not patched, so no spans and no tags`,
			fix: "npm install openai 4.19 to 7",
		},
		expect.objectContaining({ status: "ok", message: expect.stringContaining("openai 7.55.0 (ESM)") }),
	]);
});

test("copies of @opentelemetry/api: an older one sees what is set up, a newer one does not", async () => {
	const older = join(modules, "@arizeai/openinference-core/node_modules/@opentelemetry/api");
	const copies = mkdtempSync(join(folder, "copies-"));
	for (const [version, source] of [
		["1.9.1", older],
		["1.99.0", join(modules, "@opentelemetry/api")],
	] as const) {
		const copy = join(copies, version, "node_modules/@opentelemetry/api");
		cpSync(source, copy, { recursive: true });
		const manifest = JSON.parse(readFileSync(join(copy, "package.json"), "utf8")) as Record<string, unknown>;
		writeFileSync(join(copy, "package.json"), JSON.stringify({ ...manifest, version }));
		writeFileSync(join(copies, version, "use.cjs"), 'require("@opentelemetry/api").trace.getTracer("t");');
	}
	const { of } = await doctor({ source: `import "${copies}/1.9.1/use.cjs";\nimport "${copies}/1.99.0/use.cjs";` });
	const found = Object.fromEntries(of("api").map(({ message, status }) => [/api (\S+)/.exec(message)?.[1], status]));
	expect(found).toEqual({ "1.10.0": "ok", "1.9.1": "ok", "1.99.0": "fail" });
	expect(of("api").find(({ status }) => status === "fail")?.message).toContain("cannot see what 1.10.0 has set up");
});

test("a package that is missing, and a crash", async () => {
	const outside = mkdtempSync(join(tmpdir(), "armspan-doctor-test-"));
	try {
		const missing = await doctor({ source: 'import "@opentelemetry/api";', under: outside });
		expect(missing.of("application")[0]).toMatchObject({ status: "fail", fix: "npm install @opentelemetry/api" });
		expect(missing.code).toBe(1);
	} finally {
		rmSync(outside, { recursive: true });
	}
	const crash = await doctor({
		type: "commonjs",
		source: 'setTimeout(() => { throw new TypeError("boom\\nsecond"); }, 5);',
	});
	expect(crash.of("application")[0]?.message).toBe("ended with code 1: TypeError: boom");
	const silent = await doctor({ source: "process.exit(3);" });
	expect(silent.of("application")[0]?.message).toBe("ended with code 3: no reason on stderr");
});

test("an application that ends at once, loads no SDK, and routes nothing: warnings, no failure", async () => {
	const { code, checks, of } = await doctor({ source: "process.exit(0);" });
	expect(code).toBe(0);
	expect(of("application")[0]?.message).toBe("ended by itself with code 0");
	const warned = checks.filter(({ status }) => status === "warn");
	expect(warned.map(({ name }) => name)).toEqual(["llm sdk", "routing"]);
	expect(warned.every(({ fix }) => fix !== undefined)).toBe(true);
});

test("an application that never ends is ended, with its children", async () => {
	const pids = join(folder, "pids");
	const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);';
	const source = `
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const child = spawn(process.execPath, ["--eval", ${JSON.stringify(stubborn)}], { env: {}, stdio: "inherit" });
writeFileSync(${JSON.stringify(pids)}, process.pid + " " + child.pid);
${stubborn}`;
	const { code, of } = await doctor({ source, args: ["--time-limit", "10", "--json"] });
	expect(code).toBe(0);
	expect(of("application")[0]?.message).toBe("was running after 10 s, and was ended");
	const isAlive = (pid: number) =>
		existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
	await vi.waitFor(() => expect(readFileSync(pids, "utf8").split(" ").map(Number).filter(isAlive)).toEqual([]), {
		timeout: 10_000,
	});
});

test("an SDK in a worker thread is seen, and that there are several threads is said", async () => {
	const { of } = await doctor({
		source: 'import { Worker } from "node:worker_threads";\nnew Worker(new URL("./worker.js", import.meta.url));',
		files: { "worker.js": OPENAI.module },
	});
	expect(of("llm sdk")[0]).toMatchObject({
		status: "ok",
		message: expect.stringContaining("patched by @armspan/register"),
	});
	expect(of("processes")[0]?.message).toMatch(/^process \d+ is shown; 1 more/);
});

test("register loaded twice is one report, and the first copy's", async () => {
	const register = new URL("../../../register/src/index.ts?again", import.meta.url).href;
	const { checks, of } = await doctor({ source: `await import("${register}"); process.exit(0);` });
	expect(of("register")).toEqual([expect.objectContaining({ status: "ok" })]);
	expect(checks.length).toBeGreaterThan(8);
});

test("a second OpenTelemetry set-up, and methods that others have wrapped", async () => {
	const { of } = await doctor({
		source: `
import { NodeSDK } from "@opentelemetry/sdk-node";
import OpenAI from "openai";
new NodeSDK({ traceExporter: { export() {}, async shutdown() {} }, metricReaders: [], logRecordProcessors: [] }).start();
const { prototype } = OpenAI.Chat.Completions;
const original = prototype.create;
prototype.create = Object.assign(function (...values) { return original.apply(this, values); }, { __wrapped: true, __original: original });
process.exit(0);`,
	});
	expect(of("opentelemetry")[0]).toMatchObject({
		status: "warn",
		message: expect.stringMatching(/^a second set-up was refused \(@opentelemetry\/sdk-node 0\.301\.0\)/),
	});
	expect(of("llm sdk")[0]).toMatchObject({
		status: "warn",
		message: expect.stringContaining("wrapped by another instrumentation"),
	});
});

const OWN_SET_UP = (sampler: string) => `
import { NodeSDK } from "@opentelemetry/sdk-node";
import { AlwaysOffSampler, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import { armspan } from "@armspan/instrumentation";
import { ArmspanSampler, armspanSpanProcessors, instrumentLlmSdks } from "@armspan/register/own-set-up";
const exporter = { export() {}, async shutdown() {} };
const spanProcessors = [...armspanSpanProcessors(), new SimpleSpanProcessor({ exporter })];
new NodeSDK({ sampler: ${sampler}, spanProcessors, metricReaders: [], logRecordProcessors: [] }).start();
armspan.start();
instrumentLlmSdks();
await import("openai");
process.exit(0);`;

test("a set-up of the application's own is judged as it would be without register", async () => {
	const source = OWN_SET_UP("new ArmspanSampler(new AlwaysOffSampler())");
	const { code, checks, of } = await doctor({ source, env: { ARMSPAN_ROUTING: bundle } });
	expect(checks.filter(({ status }) => status !== "ok")).toEqual([]);
	expect(code).toBe(0);
	expect(of("register")[0]?.message).toContain("has only looked on");
	expect(of("opentelemetry")[0]?.message).toMatch(/^set up by the application \(.*@opentelemetry\/sdk-node 0\.301\.0/);
	expect(of("processors")[0]?.message).toMatch(/^ArmspanSpanProcessor, .*CostSpanProcessor, SimpleSpanProcessor$/);
	expect(of("llm sdk")[0]?.message).toContain("patched by @armspan/register");
	expect(of("sampling")[0]?.message).toContain("ArmspanSampler{");
});

test("a sampler that drops routed calls is named", async () => {
	const { code, of } = await doctor({ source: OWN_SET_UP("new AlwaysOffSampler()") });
	expect(code).toBe(1);
	expect(of("sampling")[0]).toMatchObject({
		status: "fail",
		message: expect.stringMatching(/^AlwaysOff.* drops spans/),
	});
});

test("OTEL_SDK_DISABLED is said, and nothing is called patched", async () => {
	const { of } = await doctor({ source: OPENAI.module, env: { OTEL_SDK_DISABLED: "true" } });
	for (const name of ["opentelemetry", "processors", "llm sdk"]) {
		expect(of(name)[0]).toMatchObject({ status: "warn", message: expect.stringMatching(/OTEL_SDK_DISABLED|no spans/) });
	}
	expect(of("exporter")).toEqual([]);
});

test("for people: a line each, with the remedy below; options after the program are the program's", async () => {
	const app = mkdtempSync(join(folder, "app-"));
	writeFileSync(join(app, "app.cjs"), 'process.exit(process.argv.includes("--json") ? 0 : 4);');
	const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
	const command = ["--", process.execPath, "--no-deprecation", join(app, "app.cjs"), "--json"];
	const { code, stdout, stderr } = await runArmspan(["doctor", "--time-limit", "120", ...command], { env });
	expect([code, stderr]).toEqual([1, expect.stringMatching(/^CHECKS_FAILED: 2 of/)]);
	expect(stdout).toMatch(/^ok {4}application {3}ended by itself with code 0\n/);
	expect(stdout).toMatch(
		/^fail {2}exporter {6}http:\/\/127\.0\.0\.1:1\/v1\/traces: ECONNREFUSED\n {20}→ start a collector/m,
	);
	expect(stdout).toMatch(/^warn {2}unit ids .*\n +→ set ARMSPAN_UNIT_KEY/m);
});

test.each([
	[
		["doctor", "/nowhere/program"],
		1,
		"APPLICATION_NOT_STARTED: /nowhere/program cannot be run: spawn /nowhere/program ENOENT",
	],
	[["doctor"], 2, "missing required argument"],
	[["doctor", "--time-limit", "0", "app.js"], 2, 'expected a whole number from 1 to 300, found "0"'],
])("%j: exit code %i", async (args, expected, message) => {
	const { code, stdout, stderr } = await runArmspan(args);
	expect([code, stdout]).toEqual([expected, ""]);
	expect(stderr).toContain(message);
});
