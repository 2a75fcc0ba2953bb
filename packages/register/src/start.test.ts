import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { type ChatServer, startChatServer } from "./fixtures/chat-server.ts";
import { type HostOptions, runHost } from "./fixtures/host.ts";
import { type OtlpCollector, startOtlpCollector } from "./fixtures/otlp-collector.ts";

let chat: ChatServer;
let collector: OtlpCollector;
let env: Record<string, string>;

beforeAll(async () => {
	chat = await startChatServer();
	collector = await startOtlpCollector();
	env = {
		CHAT_URL: chat.baseURL,
		ARMSPAN_ROUTING: await writeSupportBundle(),
		OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
		OTEL_EXPORTER_OTLP_HEADERS: "x-team=blue",
	};
});
afterAll(() => Promise.all([chat.close(), collector.close()]));
beforeEach(() => {
	collector.spans.length = 0;
	collector.logs.length = 0;
});

/** The lines that the README teaches, and a farewell. */
const BODY = `
const client = new OpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test", maxRetries: 0 });
async function reply(user) {
	const routed = armspan.prompt("support-reply", { user, variables: { question: "Where is it?" } });
	const answer = await routed.run(() => client.chat.completions.create({ ...routed.config, model: routed.model, messages: routed.messages }));
	routed.feedback({ score: 1 });
	return answer.choices[0].message.content.trim();
}
`;
const IMPORTS = {
	module: 'import OpenAI from "openai";\nimport { armspan } from "@armspan/instrumentation";\n',
	commonjs: 'const OpenAI = require("openai");\nconst { armspan } = require("@armspan/instrumentation");\n',
};

function host(type: HostOptions["type"], end: string, more: Partial<HostOptions> = {}) {
	return runHost({ type, source: IMPORTS[type] + BODY + end, ...more, env: { ...env, ...more.env } });
}

const REPLY_AND_END = 'void reply("u1").then((text) => console.log(text));\n';

describe.each(["module", "commonjs"] as const)("a %s host", (type) => {
	it("gets tagged spans and events without printing a word", async () => {
		const { exited, stdout, stderr } = host(type, REPLY_AND_END);
		expect(await exited).toEqual({ code: 0, signal: null });
		expect(stdout()).toBe("Where is it?\n");
		expect(stderr()).toBe("");
		expect(collector.spans).toHaveLength(1);
		const [span] = collector.spans;
		expect(span?.name).toMatch(/^chat gpt-4o/);
		expect(span?.attributes).toMatchObject({
			"gen_ai.prompt.name": "support-reply",
			"armspan.experiment": "polite",
			"armspan.unit.id": "u1",
			"gen_ai.usage.input_tokens": 1000,
			"armspan.cost.source": "price-table",
		});
		expect(span?.headers["x-team"]).toBe("blue");
		expect(span?.resource).toMatchObject({ "service.name": "test-host", "service.instance.id": expect.any(String) });
		expect(Object.keys(span?.resource ?? {}).filter((key) => key.startsWith("process."))).toEqual([]);
		expect(collector.logs.map(({ name }) => name).sort()).toEqual([
			"feature_flag.evaluation",
			"gen_ai.evaluation.result",
		]);
		expect(collector.logs[0]?.attributes["armspan.unit.id"]).toBe("u1");
	});
});

it.each([
	[{ OTEL_TRACES_SAMPLER: "always_off" }, 1],
	[{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, 1],
	[{ OTEL_TRACES_SAMPLER: "always_on" }, 2],
])("%j: the routed call has its span, and one outside is the sampler's", async (sampling, spans) => {
	const unsampled = `
import { context, trace } from "@opentelemetry/api";
const header = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 0, isRemote: true };
trace.getTracer("app").startSpan("outside").end();
const text = await context.with(trace.setSpanContext(context.active(), header), () => reply("u1"));
console.log(text, armspan.status().drops.spans.unsampled);
`;
	const { exited, stdout, stderr } = host("module", unsampled, { env: sampling });
	expect((await exited).code).toBe(0);
	expect([stdout(), stderr()]).toEqual(["Where is it? 0\n", ""]);
	expect(collector.spans).toHaveLength(spans);
	expect(collector.spans.find(({ name }) => name.startsWith("chat"))?.attributes["armspan.unit.id"]).toBe("u1");
});

describe("leaving", () => {
	const STAY = 'void reply("u1").then(() => console.log("ready"));\nsetInterval(() => {}, 1000);\n';

	it.each(["SIGTERM", "SIGINT"] as const)("on %s sends what there is and dies of the signal", async (signal) => {
		const running = host("module", STAY);
		await running.says("ready");
		running.child.kill(signal);
		expect(await running.exited).toEqual({ code: null, signal });
		expect(collector.spans).toHaveLength(1);
		expect(collector.logs).toHaveLength(2);
	});

	it("is left to a host that handles the signal", async () => {
		const own = 'process.on("SIGTERM", () => { console.log("mine"); setTimeout(() => process.exit(7), 500); });\n';
		const running = host("module", own + STAY);
		await running.says("ready");
		running.child.kill("SIGTERM");
		expect(await running.exited).toEqual({ code: 7, signal: null });
		expect(running.stdout()).toBe("ready\nmine\n");
		expect(collector.spans).toHaveLength(1);
	});

	it("is not prevented when a host ignores nothing but cleans up with signal-exit", async () => {
		// What signal-exit 4 does: it re-raises only when all listeners are its own.
		const signalExit = `
const emitter = (globalThis[Symbol.for("signal-exit emitter")] = { count: 1 });
const listener = () => { if (process.listeners("SIGTERM").length === emitter.count) { process.off("SIGTERM", listener); console.log("clean"); process.kill(process.pid, "SIGTERM"); } };
process.on("SIGTERM", listener);
`;
		const running = host("module", signalExit + STAY);
		await running.says("ready");
		running.child.kill("SIGTERM");
		expect(await running.exited).toEqual({ code: null, signal: "SIGTERM" });
		expect(running.stdout()).toBe("ready\nclean\n");
	});

	it("keeps the host's exit code when the collector is down", async () => {
		const down = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", ARMSPAN_FLUSH_LIMIT_MS: "300" };
		const ended = host("module", `process.exitCode = 3;\n${REPLY_AND_END}`, { env: down });
		expect(await ended.exited).toEqual({ code: 3, signal: null });
		expect(ended.stdout()).toBe("Where is it?\n");
		const killed = host("module", STAY, { env: down });
		await killed.says("ready");
		killed.child.kill("SIGTERM");
		expect(await killed.exited).toEqual({ code: null, signal: "SIGTERM" });
	});
});

it("leaves in time when the collector takes everything and never answers", async () => {
	const silent = createServer(() => {});
	await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
	const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
	const { exited, stdout } = host("module", REPLY_AND_END, {
		// Long enough that the test would fail on its own time limit.
		env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: "600000", ARMSPAN_FLUSH_LIMIT_MS: "200" },
	});
	expect(await exited).toEqual({ code: 0, signal: null });
	expect(stdout()).toBe("Where is it?\n");
	silent.closeAllConnections();
	silent.close();
});

describe("the host", () => {
	it("runs untouched when the SDK is disabled", async () => {
		const { exited, stdout } = host("module", REPLY_AND_END, { env: { OTEL_SDK_DISABLED: "true" } });
		expect((await exited).code).toBe(0);
		expect(stdout()).toBe("Where is it?\n");
		expect(collector.spans).toEqual([]);
	});

	it("keeps stdout to itself at every log level, and may name its service", async () => {
		const { exited, stdout } = host("module", REPLY_AND_END, {
			env: { OTEL_LOG_LEVEL: "debug", OTEL_SERVICE_NAME: "shop" },
		});
		expect((await exited).code).toBe(0);
		expect(stdout()).toBe("Where is it?\n");
		expect(collector.spans[0]?.resource["service.name"]).toBe("shop");
	});

	it("gets an error as it is, and the span says which", async () => {
		const end = `
client.chat.completions.create({ model: "gpt-4o", messages: [], user: "error-500" }).catch((error) => console.log(error.status));
`;
		const { exited, stdout } = host("module", end);
		expect((await exited).code).toBe(0);
		expect(stdout()).toBe("500\n");
		expect(collector.spans[0]?.attributes["error.type"]).toBe("InternalServerError");
	});

	it("is served beside import-in-the-middle", async () => {
		const hook = `
import { register } from "node:module";
register("import-in-the-middle/hook.mjs", import.meta.url);
`;
		const { exited, stdout } = host("module", REPLY_AND_END, {
			files: { "iitm.mjs": hook },
			execArgv: ["--import", "./iitm.mjs"],
		});
		expect((await exited).code).toBe(0);
		expect(stdout()).toBe("Where is it?\n");
		expect(collector.spans).toHaveLength(1);
	});
});
