import type { StartupReport } from "@armspan/schema";
import { describe, expect, it } from "vitest";
import { doctorChecks, type Surroundings } from "./doctor-checks.ts";
import type { ApplicationRun } from "./doctor-run.ts";

type SetUp = NonNullable<StartupReport["setUp"]>;
type Copy = StartupReport["packages"][number];

const SET_UP: SetUp = {
	sdkDisabled: false,
	tracesUrl: "http://127.0.0.1:4318/v1/traces",
	logsUrl: "http://127.0.0.1:4318/v1/logs",
	warnings: [],
	selfCheck: null,
	routing: { directory: "/r", url: null, revision: 3, stale: false, staleReason: null, ageMs: 1400, lastError: null },
	unitIds: "hmac-sha256",
	mapping: { file: null, entries: 0, problems: [] },
	promptsInCode: { recognised: 0, unrecognised: 0, ambiguous: 0, curtailed: 0 },
};
const copy = (name: string, version: string, more: Partial<Copy> = {}): Copy => ({
	...{ name, version, directory: `/app/node_modules/${name}`, formats: ["module"], byApplication: false },
	...more,
});
const OPENAI = copy("openai", "7.55.0");
const PATCHED = { module: "/app/node_modules/openai/client.mjs", patched: true, wrappedByOthers: false };
const REPORT: StartupReport = {
	schemaVersion: 1,
	pid: 1,
	nodeVersion: "v26.10.0",
	problem: null,
	mainFile: "/app/app.js",
	packages: [OPENAI, copy("@opentelemetry/api", "1.10.0")],
	clients: [PATCHED],
	globalApiVersion: "1.10.0",
	spanProcessors: ["ArmspanSpanProcessor", "BatchSpanProcessor"],
	sampler: "ArmspanSampler{ParentBased}",
	samplerDropsCalls: false,
	ownSetUp: false,
	lookedOn: false,
	diagnostics: [],
	uncaughtError: null,
	setUp: SET_UP,
};
const AROUND: Surroundings = { probes: [], prompts: ["a"], timeLimitSeconds: 5 };
const RUN = { register: "/r.js", running: true, exitCode: null, signal: null, stderr: "" };

const checksOf = (report: Partial<StartupReport>, run: Partial<ApplicationRun> = {}, around = AROUND) =>
	doctorChecks({ ...RUN, reports: [{ ...REPORT, ...report }], ...run }, around);
const withSetUp = (setUp: Partial<SetUp>) => checksOf({ setUp: { ...SET_UP, ...setUp } });

it("finds nothing wrong with a sound report, and each other check has a remedy", () => {
	expect(checksOf({}).filter(({ status }) => status !== "ok")).toEqual([]);
	const broken = withSetUp({ unitIds: "withheld", tracesUrl: null, warnings: ["w"], selfCheck: "s" });
	const wrong = broken.filter(({ status }) => status !== "ok");
	expect(wrong.map(({ name }) => name).sort()).toEqual(["exporter", "llm sdk", "settings", "unit ids"]);
	expect(wrong.every(({ fix = "" }) => fix.length > 3)).toBe(true);
});

describe("without a report of a started register", () => {
	it.each([
		[{ register: null, reports: [] }, "register", "npm install @armspan/register"],
		[{ reports: [] }, "register", "NODE_OPTIONS"],
		[{ reports: [{ ...REPORT, problem: "Node 22.15 or newer is needed", setUp: null }] }, "node", "install Node 22.15"],
		[{ reports: [{ ...REPORT, problem: "not started: Error", setUp: null }] }, "register", "mend"],
		[{ reports: [{ ...REPORT, setUp: null }] }, "register", "mend"],
	])("%j", (run, name, fix) => {
		const failed = checksOf({}, run as Partial<ApplicationRun>).filter(({ status }) => status === "fail");
		expect(failed).toEqual([expect.objectContaining({ name, fix: expect.stringContaining(fix) })]);
	});
});

it.each([
	[["ArmspanSpanProcessor"], "ok"],
	[["BatchSpanProcessor", "ArmspanSpanProcessor"], "fail"],
	[["SimpleSpanProcessor"], "fail"],
	[null, "warn"],
] as const)("processors %j: %s", (spanProcessors, status) => {
	const found = checksOf({ spanProcessors: spanProcessors === null ? null : [...spanProcessors] });
	expect(found.find(({ name }) => name === "processors")?.status).toBe(status);
});

describe("a set-up of the application's own", () => {
	const own: Partial<StartupReport> = {
		lookedOn: true,
		packages: [OPENAI, copy("@opentelemetry/sdk-node", "0.223.0", { byApplication: true })],
		spanProcessors: ["ArmspanSpanProcessor", "CostSpanProcessor", "BatchSpanProcessor"],
	};

	it("is judged, and not blamed for being there", () => {
		const checks = checksOf(own);
		expect(checks.filter(({ status }) => status !== "ok")).toEqual([]);
		expect(checks.find(({ name }) => name === "opentelemetry")?.message).toContain("@opentelemetry/sdk-node 0.223.0");
	});

	it.each([
		[{ spanProcessors: ["ArmspanSpanProcessor"] }, "processors", "warn", "no costs"],
		[{ clients: [] }, "llm sdk", "warn", "not patched by instrumentLlmSdks()"],
		[{ sampler: "AlwaysOff", samplerDropsCalls: true }, "sampling", "fail", "AlwaysOff drops spans of routed calls"],
	] as const)("%j", (more, name, status, message) => {
		const found = checksOf({ ...own, ...more } as Partial<StartupReport>).find((check) => check.name === name);
		expect(found).toMatchObject({ status, message: expect.stringContaining(message), fix: expect.any(String) });
	});
});

it.each([
	[{ stale: true, staleReason: "FROM_CACHE" }, "warn", "revision 3, confirmed 1 s ago, old: FROM_CACHE"],
	[{ revision: null, ageMs: null }, "fail", "/r: it was not read in time"],
	[{ directory: null }, "warn", "none: only templates"],
	[{ url: "https://a", ageMs: null }, "ok", "https://a: revision 3"],
])("routing %j: %s", (routing, status, message) => {
	const found = withSetUp({ routing: { ...SET_UP.routing, ...routing } }).find(({ name }) => name === "routing");
	expect(found).toMatchObject({ status, message: expect.stringContaining(message) });
});

it("a mapping file stands in for routing, and an empty one is said", () => {
	const routing = { ...SET_UP.routing, directory: null };
	const found = withSetUp({ routing, mapping: { file: "p.yaml", entries: 0, problems: [] } });
	expect(found.find(({ name }) => name === "routing")?.status).toBe("ok");
	expect(found.find(({ name }) => name === "mapping")).toMatchObject({
		status: "warn",
		message: "p.yaml has no entries",
	});
});

it.each([
	[{ recognised: 2, unrecognised: 1 }, "ok", "2 of 3 requests recognised as a prompt in code"],
	[{ unrecognised: 1 }, "warn", "0 of 1 request recognised"],
	[{ recognised: 1, ambiguous: 1 }, "warn", "1 as several"],
	[{ recognised: 1, curtailed: 1 }, "ok", "1 too long"],
])("recognition %j: %s", (counted, status, message) => {
	const found = withSetUp({ promptsInCode: { ...SET_UP.promptsInCode, ...counted } });
	const check = found.find(({ name }) => name === "recognition");
	expect(check).toMatchObject({ status, message: expect.stringContaining(message) });
});

describe("LLM SDKs", () => {
	const AI = copy("ai", "7.0.173");
	it.each([
		[[AI], [], "warn", "nobody makes spans for it"],
		[[AI, copy("@ai-sdk/otel", "1.0.173")], [], "ok", "its spans come from @ai-sdk/otel 1.0.173"],
		[[copy("@langchain/core", "1.2.13"), OPENAI], [PATCHED], "ok", "its spans come from openai 7.55.0"],
		[[copy("ollama", "1.0.0")], [], "warn", "nobody makes spans"],
		[
			[copy("openai", "3.3.0"), copy("openlit", "1.15.0")],
			[],
			"ok",
			"not patched by register; openlit 1.15.0 is loaded",
		],
		[[copy("openai", "3.3.0")], [], "fail", "no spans and no tags"],
		// Another folder whose name begins alike is another copy.
		[[copy("openai", "7.0.0", { directory: "/app/node_modules/open" })], [PATCHED], "fail", "no spans and no tags"],
		[[OPENAI], [{ ...PATCHED, wrappedByOthers: true }], "warn", "wrapped by another instrumentation"],
		[[copy("@anthropic-ai/sdk", "1.11.0")], [], "ok", "makes its own spans"],
		[
			[copy("@anthropic-ai/sdk", "0.133.0")],
			[{ ...PATCHED, module: "/app/node_modules/@anthropic-ai/sdk/client.mjs" }],
			...(["ok", "patched by @armspan/register"] as const),
		],
		[[], [], "warn", "none was loaded"],
	] as const)("%j, patched %j: %s", (packages, clients, status, message) => {
		const found = checksOf({ packages: [...packages], clients: [...clients] }).find(({ name }) => name === "llm sdk");
		expect(found).toMatchObject({ status, message: expect.stringContaining(message) });
	});
});

it("the end of a program that failed: the message of the trace, not Node's farewell", () => {
	const ended = { running: false, exitCode: 1 };
	const messageOf = (stderr: string, signal: string | null = null) =>
		checksOf({}, { ...ended, stderr, signal }).find(({ name }) => name === "application")?.message;
	expect(messageOf("TypeError: x\n    at f (a.js:1)\n\nNode.js v26.10.0\n")).toBe("ended with code 1: TypeError: x");
	expect(messageOf("of my own\n", "SIGSEGV")).toBe("ended with SIGSEGV: of my own");
});

it("versions of the api are compared by minor, not as texts", () => {
	const statusOf = (version: string, globalApiVersion: string) =>
		checksOf({ packages: [OPENAI, copy("@opentelemetry/api", version)], globalApiVersion }).find(
			({ name }) => name === "api",
		)?.status;
	expect([statusOf("1.9.1", "1.10.0"), statusOf("1.10.0", "1.9.1"), statusOf("2.0.0", "1.10.0")]).toEqual([
		"ok",
		"fail",
		"fail",
	]);
});
