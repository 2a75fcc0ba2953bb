import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { type ChatServer, startChatServer } from "./fixtures/chat-server.ts";
import { type HostOptions, runHost } from "./fixtures/host.ts";
import { type OtlpCollector, startOtlpCollector } from "./fixtures/otlp-collector.ts";

// Processes of their own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let chat: ChatServer;
let collector: OtlpCollector;
let env: Record<string, string>;

beforeAll(async () => {
	chat = await startChatServer();
	collector = await startOtlpCollector();
	env = {
		CHAT_URL: chat.baseURL,
		ARMSPAN_ROUTING: await writeSupportBundle(),
		ARMSPAN_FLUSH_LIMIT_MS: "20000",
		OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
	};
});
afterAll(() => Promise.all([chat.close(), collector.close()]));
beforeEach(() => {
	collector.spans.length = 0;
	chat.requests.length = 0;
});

const OPENAI = `
import OpenAI from "openai";
import { armspan } from "@armspan/instrumentation";
const client = new OpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test", maxRetries: 0 });
const routed = armspan.prompt("support-reply", { user: "u1", variables: { question: "Where is it?" } });
const ask = (user, more = {}) =>
	routed.run(() => client.chat.completions.create({ model: "gpt-4o-mini", messages: routed.messages, user, ...more }));
`;
const ABANDONED = JSON.stringify(["abandoned"]);

function host(end: string, more: Partial<HostOptions> = {}) {
	return runHost({ type: "module", source: end, ...more, env: { ...env, ...more.env } });
}

/** Finish reasons and error types of the leaf spans that came. */
const outcomes = () =>
	collector.spans
		.filter(({ attributes }) => attributes["gen_ai.operation.name"] === "chat")
		.map(({ attributes }) => [JSON.stringify(attributes["gen_ai.response.finish_reasons"]), attributes["error.type"]]);

it("a call in flight when a signal ends the process is abandoned, not erased", async () => {
	const { child, exited } = host(`${OPENAI}void ask("hang");`);
	await vi.waitFor(() => expect(chat.requests).toHaveLength(1), { timeout: 30_000 });
	child.kill("SIGTERM");
	expect(await exited).toEqual({ code: null, signal: "SIGTERM" });
	expect(outcomes()).toEqual([[ABANDONED, undefined]]);
	expect(collector.spans[0]?.attributes["armspan.unit.id"]).toBe("u1");
});

it.each([
	[
		"@anthropic-ai/sdk",
		`import Anthropic from "@anthropic-ai/sdk";
const ask = () => new Anthropic({ baseURL: process.env.CHAT_URL, apiKey: "test" }).messages.create({ model: "hang", max_tokens: 5, messages: [] });`,
	],
	[
		"ai",
		`import { createOpenAI } from "@ai-sdk/openai";
import { OpenTelemetry } from "@ai-sdk/otel";
import { generateText, registerTelemetry } from "ai";
registerTelemetry(new OpenTelemetry());
const model = createOpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test" }).chat("gpt-4o-mini");
const ask = () => generateText({ model, prompt: "x", providerOptions: { openai: { user: "hang" } } });`,
	],
])("so is one whose span %s makes itself", async (_, source) => {
	const silent = createServer(() => running.child.kill("SIGTERM"));
	await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
	const CHAT_URL = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
	const running = host(
		`${source}
import { armspan } from "@armspan/instrumentation";
void armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } }).run(ask).catch(() => {});`,
		{ env: { CHAT_URL } },
	);
	expect(await running.exited, running.stderr()).toEqual({ code: null, signal: "SIGTERM" });
	expect(outcomes()).toEqual([[ABANDONED, undefined]]);
	silent.closeAllConnections();
	silent.close();
});

it("a call that the host waits for after a signal ends as it does", async () => {
	const end = `
process.on("SIGTERM", () => {
	aborter.abort(new DOMException("", "TimeoutError"));
	setTimeout(() => process.exit(), 1500);
});
const aborter = new AbortController();
routed.run(() => client.chat.completions.create({ model: "m", messages: routed.messages, user: "hang" }, { signal: aborter.signal })).catch(() => {});
`;
	const { child, exited } = host(OPENAI + end, { env: { OTEL_BSP_SCHEDULE_DELAY: "100" } });
	await vi.waitFor(() => expect(chat.requests).toHaveLength(1), { timeout: 30_000 });
	child.kill("SIGTERM");
	expect((await exited).code).toBe(0);
	expect(outcomes()).toEqual([[undefined, "timeout"]]);
});

it("process.exit() leaves the call in the spool", async () => {
	const spool = mkdtempSync(join(tmpdir(), "armspan-unfinished-"));
	const end = `${OPENAI}void ask("hang");\nsetTimeout(() => process.exit(3), 300);`;
	expect((await host(end, { env: { ARMSPAN_SPOOL: spool } }).exited).code).toBe(3);
	const written = readdirSync(spool).map((name) => readFileSync(join(spool, name), "utf8"));
	expect(written.join("")).toContain('"abandoned"');
});

it("a stream that nobody can read any more is abandoned, one that is read is not", async () => {
	const end = `
await (async () => { await ask("never-ends", { stream: true }); })();
await (async () => { for await (const _ of await ask("never-ends", { stream: true })) { void _; break; } })();
async function read() {
	let chunks = 0;
	for await (const chunk of await ask(undefined, { stream: true })) {
		chunks += chunk.choices.length;
		// Only the iterator is held now.
		gc();
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	return chunks;
}
await read();
for (let turn = 0; turn < 20; turn++) {
	gc();
	await new Promise((resolve) => setTimeout(resolve, 50));
}
await armspan.flush();
console.log("flushed");
setInterval(() => {}, 1000);
`;
	const running = host(OPENAI + end, { execArgv: ["--expose-gc"] });
	await running.says("flushed");
	expect(outcomes().sort()).toEqual([
		[ABANDONED, undefined],
		[JSON.stringify(["aborted"]), undefined],
		[JSON.stringify(["stop"]), undefined],
	]);
	running.child.kill("SIGKILL");
	await running.exited;
});

it("the AI SDK's aborts are no errors, and its caller's timeouts are", async () => {
	const end = `
import { createOpenAI } from "@ai-sdk/openai";
import { OpenTelemetry } from "@ai-sdk/otel";
import { armspan } from "@armspan/instrumentation";
import { generateText, registerTelemetry, streamText } from "ai";
registerTelemetry(new OpenTelemetry());
const { run } = armspan.prompt("support-reply", { user: "u1", variables: { question: "Where is it?" } });
const model = createOpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test" }).chat("gpt-4o-mini");
const asked = (abortSignal, user = "hang") =>
	({ model, prompt: "x", maxRetries: 0, abortSignal, providerOptions: { openai: { user } }, onError() {} });
const aborter = new AbortController();
setTimeout(() => aborter.abort(), 200);
await run(() => generateText(asked(aborter.signal))).catch(() => {});
await run(() => generateText(asked(AbortSignal.timeout(200)))).catch(() => {});
const second = new AbortController();
setTimeout(() => second.abort(), 200);
await run(async () => { for await (const _ of streamText(asked(second.signal)).textStream) void _; }).catch(() => {});
`;
	const running = host(end);
	expect((await running.exited).code, running.stderr()).toBe(0);
	expect(outcomes()).toEqual([
		[JSON.stringify(["aborted"]), undefined],
		[undefined, "timeout"],
		[JSON.stringify(["aborted"]), undefined],
	]);
});
