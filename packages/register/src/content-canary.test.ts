import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { type ChatServer, startChatServer } from "./fixtures/chat-server.ts";
import { runHost } from "./fixtures/host.ts";
import { type OtlpCollector, startOtlpCollector } from "./fixtures/otlp-collector.ts";
import { type Provider, startProvider } from "./fixtures/provider.ts";

/** Long enough that the test server quotes it in no id. */
const CANARY = "canary-7c1f93e0a4b2d8c6";
let chat: ChatServer;
let provider: Provider;
let collector: OtlpCollector;
let env: Record<string, string>;

beforeAll(async () => {
	[chat, provider, collector] = await Promise.all([startChatServer(), startProvider(), startOtlpCollector()]);
	env = {
		CHAT_URL: chat.baseURL,
		PROVIDER_URL: provider.url,
		CANARY,
		ARMSPAN_ROUTING: await writeSupportBundle(),
		OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
	};
});
afterAll(() => Promise.all([chat.close(), provider.close(), collector.close()]));
beforeEach(() => {
	collector.bytes.length = 0;
	collector.spans.length = 0;
});

/** Every way that a text has into telemetry: requests, answers, streams, errors, exceptions, spans and events of others. */
const SOURCE = `
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { createOpenAI } from "@ai-sdk/openai";
import { LegacyOpenTelemetry, OpenTelemetry } from "@ai-sdk/otel";
import { generateText, registerTelemetry, streamText } from "ai";
import { armspan } from "@armspan/instrumentation";
import { logs, trace } from "@opentelemetry/api";

const { CANARY, CHAT_URL, PROVIDER_URL } = process.env;
const openai = new OpenAI({ baseURL: CHAT_URL, apiKey: "test", maxRetries: 0 });
const messages = [{ role: "system", content: "system " + CANARY }, { role: "user", content: "say " + CANARY + " please" }];
const ask = (more) => openai.chat.completions.create({ model: "gpt-4o", messages, ...more });
const tracer = trace.getTracer("app");

await armspan.prompt("support-reply", { user: "u1", variables: { question: CANARY } }).run(() => ask());
for await (const _ of await ask({ stream: true })) {}
await ask({ user: "error-500" }).catch((error) =>
	tracer.startActiveSpan("request", (span) => {
		const quoting = new Error("failed: " + CANARY + "\\n    at " + CANARY, { cause: error });
		span.recordException(quoting);
		span.recordException(CANARY);
		span.setStatus({ code: 2, message: quoting.message });
		span.end();
	}),
);
try { for await (const _ of await ask({ stream: true, user: "drop" })) {} } catch {}
await openai.responses.create({ model: "gpt-4o", instructions: CANARY, input: CANARY });
try { for await (const _ of await openai.responses.create({ model: "gpt-4o", input: CANARY, stream: true, user: "fails" })) {} } catch {}
await openai.embeddings.create({ model: "text-embedding-3-small", input: CANARY });
await new Anthropic({ baseURL: PROVIDER_URL, apiKey: "test", maxRetries: 0, openTelemetry: false }).messages
	.create({ model: "claude-sonnet-4-5", max_tokens: 10, messages: [{ role: "user", content: CANARY }] }).catch(() => {});
await new Anthropic({ baseURL: PROVIDER_URL, apiKey: "test", maxRetries: 0 }).messages
	.create({ model: "claude-sonnet-4-5", max_tokens: 10, messages: [{ role: "user", content: CANARY }] }).catch(() => {});
await new GoogleGenAI({ apiKey: "test", httpOptions: { baseUrl: PROVIDER_URL } }).models
	.generateContent({ model: "gemini-2.5-flash", contents: CANARY, config: { systemInstruction: CANARY } }).catch(() => {});
// AI SDK, which records content unless told not to, under its new names and its old ones.
registerTelemetry(new OpenTelemetry());
registerTelemetry(new LegacyOpenTelemetry());
const model = createOpenAI({ baseURL: CHAT_URL, apiKey: "test" }).chat("gpt-4o");
const call = { model, system: CANARY, prompt: "say " + CANARY + " please", maxRetries: 0 };
await generateText(call);
await streamText(call).consumeStream();
await generateText({ ...call, providerOptions: { openai: { user: "error-500" } } }).catch(() => {});
// As OpenInference and others record them.
tracer.startActiveSpan("ai.generateText.doGenerate", (span) => {
	span.setAttributes({ "ai.prompt": CANARY, "ai.prompt.messages": CANARY, "ai.response.text": CANARY, "gen_ai.system": "openai" });
	span.setAttributes({ "llm.input_messages.0.message.content": CANARY, "input.value": CANARY, "output.value": CANARY });
	span.addEvent("gen_ai.content.completion", { "gen_ai.completion": CANARY });
	span.end();
});
logs.getLogger("app").emit({ eventName: "gen_ai.user.message", body: { content: CANARY } });
console.log("done");
`;

async function run(more: Record<string, string> = {}, files?: Record<string, string>) {
	const host = runHost({ type: "module", source: SOURCE, env: { ...env, ...more }, ...(files ? { files } : {}) });
	const ended = await host.exited;
	expect([ended.code, host.stdout()], host.stderr()).toEqual([0, "done\n"]);
	return { exported: Buffer.concat(collector.bytes).toString("latin1"), stderr: host.stderr() };
}

describe("the canary", () => {
	it("appears in no exported byte unless asked for", async () => {
		const { exported, stderr } = await run();
		expect(collector.spans.length).toBeGreaterThanOrEqual(11);
		expect(exported).toContain("support-reply");
		expect(exported).not.toContain(CANARY);
		expect(stderr).not.toContain(CANARY);
	});

	it("is redacted everywhere when content is asked for, also where a stream cuts it", async () => {
		const redact = 'export default (text, { where }) => text.replaceAll(process.env.CANARY, "<" + where + ">");\n';
		const { exported } = await run(
			{ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true", ARMSPAN_REDACT: "./redact.mjs" },
			{ "redact.mjs": redact },
		);
		expect(exported).not.toContain(CANARY);
		const texts = (key: string) => collector.spans.map(({ attributes }) => String(attributes[key] ?? ""));
		expect(texts("ai.response.text")).toContain("say <ai.response.text> please");
		expect(texts("ai.prompt.messages").filter((text) => text.includes("<ai.prompt.messages>")).length).toBeGreaterThan(
			2,
		);
		const streamed = collector.spans.find(({ attributes }) => attributes["gen_ai.request.stream"] === true);
		expect(streamed?.attributes["gen_ai.input.messages"]).toContain("say <gen_ai.input.messages> please");
		expect(streamed?.attributes["gen_ai.output.messages"]).toContain("say <gen_ai.output.messages> please");
	});

	it("is dropped when the redaction cannot be loaded, and somebody is told", async () => {
		const { exported, stderr } = await run({ ARMSPAN_CAPTURE_CONTENT: "true", ARMSPAN_REDACT: "./missing.mjs" });
		expect(exported).not.toContain(CANARY);
		expect(stderr).toContain("ARMSPAN_REDACT=./missing.mjs cannot be used, so content is dropped");
	});

	it("would be found, were it there", async () => {
		expect((await run({ ARMSPAN_CAPTURE_CONTENT: "true" })).exported).toContain(CANARY);
	});
});
