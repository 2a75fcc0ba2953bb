import { createRequire } from "node:module";
import { GoogleGenAI } from "@google/genai";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type Provider, startProvider } from "./fixtures/provider.ts";
import { readAll } from "./fixtures/read-all.ts";
import { recordSpans } from "./fixtures/recorded-spans.ts";
import { instrumentGoogleGenAi } from "./instrument-google-genai.ts";

const spans = recordSpans();
instrumentGoogleGenAi(new GoogleGenAI({ apiKey: "test" }));

let provider: Provider;
beforeAll(async () => {
	provider = await startProvider();
});
afterAll(() => provider.close());
beforeEach(() => spans.reset());

const MODEL = "gemini-2.5-flash";
const request = { model: MODEL, contents: "my secret", config: { temperature: 0.5, maxOutputTokens: 500 } };
const USAGE = "input=1000,cacheRead=200,output=100,reasoning=40";
/** 800 fresh at 0.3 $ per million, 200 cached at 0.03 $, 100 out, thoughts included, at 2.5 $. */
const COST = (800 * 0.3 + 200 * 0.03 + 100 * 2.5) / 1e6;
const ATTRIBUTES = {
	"gen_ai.operation.name": "generate_content",
	"gen_ai.provider.name": "gcp.gemini",
	"gen_ai.request.model": MODEL,
	"gen_ai.request.temperature": 0.5,
	"gen_ai.request.max_tokens": 500,
	"gen_ai.response.id": expect.any(String),
	"gen_ai.response.model": MODEL,
	"gen_ai.response.finish_reasons": ["STOP"],
	"gen_ai.usage.input_tokens": 1000,
	"gen_ai.usage.output_tokens": 100,
	"gen_ai.usage.cache_read.input_tokens": 200,
	"gen_ai.usage.reasoning.output_tokens": 40,
	"armspan.cost.usd": expect.closeTo(COST, 10),
	"armspan.cost.source": "price-table",
	"server.address": "127.0.0.1",
};

function createClient(headers: Record<string, string> = {}): GoogleGenAI {
	return new GoogleGenAI({ apiKey: "test", httpOptions: { baseUrl: provider.url, headers } });
}

it("makes one span with usage and cost, and no content", async () => {
	const answer = await createClient({ "x-simulated-usage": USAGE }).models.generateContent(request);
	expect(answer.text?.length).toBeGreaterThan(20);
	const span = await spans.only();
	expect(span.name).toBe(`generate_content ${MODEL}`);
	expect(span.attributes).toEqual({ ...ATTRIBUTES, "server.port": provider.port });
});

it("makes one for a stream, with the time to its first chunk", async () => {
	const stream = await createClient({ "x-simulated-usage": USAGE }).models.generateContentStream(request);
	expect(spans.all()).toEqual([]);
	let text = "";
	for await (const chunk of stream) text += chunk.text ?? "";
	expect(text.length).toBeGreaterThan(20);
	expect((await spans.only()).attributes).toEqual({
		...ATTRIBUTES,
		"gen_ai.request.stream": true,
		"gen_ai.response.time_to_first_chunk": expect.any(Number),
		"server.port": provider.port,
	});
});

it("makes one for embeddings, and names a model by its last part", async () => {
	const answer = await createClient().models.embedContent({
		model: "models/gemini-embedding-001",
		contents: ["a", "b"],
	});
	expect(answer.embeddings).toHaveLength(2);
	expect((await spans.only()).attributes).toMatchObject({
		"gen_ai.operation.name": "embeddings",
		"gen_ai.request.model": "gemini-embedding-001",
		"gen_ai.usage.input_tokens": 13,
		"armspan.cost.usd": expect.closeTo((13 * 0.15) / 1e6, 12),
	});
});

it("makes one for each turn of a chat, streamed or not", async () => {
	const chat = createClient().chats.create({ model: MODEL });
	await chat.sendMessage({ message: "Hello" });
	for await (const chunk of await chat.sendMessageStream({ message: "And?" })) expect(chunk.candidates).toHaveLength(1);
	expect(chat.getHistory().length).toBeGreaterThanOrEqual(4);
	expect(spans.all().map(({ attributes }) => attributes["gen_ai.response.finish_reasons"])).toEqual([
		["STOP"],
		["STOP"],
	]);
});

it.each(["429", "503"])("says which error a status of %s is", async (fault) => {
	const failing = createClient({ "x-simulated-fault": fault }).models;
	await expect(failing.generateContent(request)).rejects.toMatchObject({ name: "ApiError", status: Number(fault) });
	const { attributes, status } = await spans.only();
	expect(attributes).toMatchObject({ "error.type": fault, "http.response.status_code": Number(fault) });
	expect(status).toEqual({ code: SpanStatusCode.ERROR });
	expect(JSON.stringify(attributes)).not.toContain("secret");
	spans.reset();
	await expect(failing.generateContentStream(request)).rejects.toMatchObject({ status: Number(fault) });
	expect((await spans.only()).attributes["error.type"]).toBe(fault);
});

it("tells the caller's abort from a timeout", async () => {
	const hanging = createClient({ "x-simulated-fault": "hang" }).models;
	const aborter = new AbortController();
	const pending = hanging.generateContent({ model: MODEL, contents: "x", config: { abortSignal: aborter.signal } });
	setTimeout(() => aborter.abort(), 50);
	await expect(pending).rejects.toThrow("abort");
	const aborted = await spans.only();
	expect(aborted.attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
	expect(aborted.attributes).not.toHaveProperty("error.type");
	expect(aborted.status.code).toBe(SpanStatusCode.UNSET);
	spans.reset();
	await expect(
		hanging.generateContent({ model: MODEL, contents: "x", config: { httpOptions: { timeout: 100 } } }),
	).rejects.toThrow("abort");
	expect((await spans.only()).attributes["error.type"]).toBe("timeout");
});

it("counts the caller's own timeout as an error, streamed or not", async () => {
	const config = () => ({ abortSignal: AbortSignal.timeout(100) });
	const hanging = createClient({ "x-simulated-fault": "hang" }).models;
	await expect(hanging.generateContent({ ...request, config: config() })).rejects.toThrow();
	expect((await spans.only()).attributes["error.type"]).toBe("timeout");
	spans.reset();
	const endless = createClient({ "x-simulated-fault": "never-ends" }).models;
	await expect(endless.generateContentStream({ ...request, config: config() }).then(readAll)).rejects.toThrow();
	const { attributes, status } = await spans.only();
	expect(attributes["error.type"]).toBe("timeout");
	expect(status.code).toBe(SpanStatusCode.ERROR);
});

it("ends the span when the reader breaks off", async () => {
	for await (const _ of await createClient({ "x-simulated-fault": "never-ends" }).models.generateContentStream(
		request,
	)) {
		break;
	}
	const { attributes } = await spans.only();
	expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
	expect(attributes).not.toHaveProperty("error.type");
	expect(attributes).not.toHaveProperty("armspan.cost.usd");
});

it.each(["disconnect", "malformed", "failure-event"])(
	"ends the span with an error when a stream ends by %s",
	async (fault) => {
		// Without continuation: with it, the SDK asks for the rest by itself.
		const stream = await createClient({ "x-simulated-fault": fault }).models.generateContentStream({
			...request,
			config: { automaticContinuation: false, automaticFunctionCalling: { disable: true } },
		});
		await expect(readAll(stream)).rejects.toThrow();
		const { attributes, status } = await spans.only();
		expect(attributes["error.type"]).toEqual(expect.any(String));
		expect(status.code).toBe(SpanStatusCode.ERROR);
	},
);

it("makes none inside another's span of the same call", async () => {
	const outer = trace.getTracer("another").startSpan("chat", { attributes: { "gen_ai.operation.name": "chat" } });
	await context.with(trace.setSpan(context.active(), outer), () => createClient().models.generateContent(request));
	outer.end();
	expect(spans.all().map(({ name }) => name)).toEqual(["chat"]);
});

it("leaves a rejection that nobody handles unhandled", async () => {
	const seen: unknown[] = [];
	const listeners = process.listeners("unhandledRejection");
	process.removeAllListeners("unhandledRejection");
	process.on("unhandledRejection", (reason) => seen.push(reason));
	try {
		void createClient({ "x-simulated-fault": "500" }).models.generateContent(request);
		await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 10_000 });
	} finally {
		process.removeAllListeners("unhandledRejection");
		for (const listener of listeners) process.on("unhandledRejection", listener);
	}
});

it("wraps a class once, in ESM and in CommonJS", () => {
	const required = createRequire(import.meta.url)("@google/genai") as typeof import("@google/genai");
	const { models } = new required.GoogleGenAI({ apiKey: "test" });
	expect(instrumentGoogleGenAi(models.constructor)).toBe(true);
	for (const nothing of [undefined, null, {}, class {}, 5]) expect(instrumentGoogleGenAi(nothing)).toBe(false);
});
