import { createRequire } from "node:module";
import { ArmspanSpanProcessor, createArmspan } from "@armspan/instrumentation";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { recordTelemetry } from "../../instrumentation/src/fixtures/telemetry.ts";
import { CostSpanProcessor } from "./cost-span-processor.ts";
import { type ChatServer, startChatServer } from "./fixtures/chat-server.ts";
import { readAll } from "./fixtures/read-all.ts";
import { instrumentOpenAi } from "./instrument-openai.ts";
import { openCalls } from "./open-calls.ts";
import { endUnreadResponses } from "./raw-response.ts";

recordTelemetry();
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
	new TracerProvider({
		spanProcessors: [new ArmspanSpanProcessor(), new CostSpanProcessor(), new SimpleSpanProcessor({ exporter })],
	}),
);
instrumentOpenAi(OpenAI);

let server: ChatServer;
let client: OpenAI;

beforeAll(async () => {
	server = await startChatServer();
	client = new OpenAI({ baseURL: server.baseURL, apiKey: "test", maxRetries: 0 });
});
afterAll(() => server.close());
beforeEach(() => exporter.reset());

const request = (content: string, user?: string) => ({
	model: "gpt-4o-mini",
	messages: [{ role: "user" as const, content }],
	...(user === undefined ? {} : { user }),
});

/** The only span there must be; a stream's span may end just after its last chunk. */
async function onlySpan(): Promise<ReadableSpan> {
	await vi.waitFor(() => expect(exporter.getFinishedSpans().length).toBeGreaterThan(0), { timeout: 10_000 });
	const spans = exporter.getFinishedSpans();
	expect(spans).toHaveLength(1);
	return spans[0]!;
}

describe("a request", () => {
	it("makes one client span with usage and cost, and no prompt content", async () => {
		const answer = await client.chat.completions.create({ ...request("hello there"), temperature: 0.5, max_tokens: 7 });
		expect(answer.choices[0]?.message.content).toBe("hello there");
		const span = await onlySpan();
		expect(span.name).toBe("chat gpt-4o-mini");
		expect(span.attributes).toEqual({
			"gen_ai.operation.name": "chat",
			"gen_ai.provider.name": "openai",
			"gen_ai.request.model": "gpt-4o-mini",
			"gen_ai.request.temperature": 0.5,
			"gen_ai.request.max_tokens": 7,
			"gen_ai.response.id": "chat-hello there",
			"gen_ai.response.model": "gpt-4o-mini",
			"gen_ai.response.finish_reasons": ["stop"],
			"gen_ai.usage.input_tokens": 1000,
			"gen_ai.usage.output_tokens": 100,
			"server.address": "127.0.0.1",
			"server.port": Number(new URL(server.baseURL).port),
			"armspan.cost.usd": expect.closeTo(0.00021, 8),
			"armspan.cost.source": "price-table",
		});
	});

	it("without a known price has no cost", async () => {
		await client.chat.completions.create({ ...request("x"), model: "house-model" });
		expect((await onlySpan()).attributes).not.toHaveProperty("armspan.cost.usd");
	});

	it("that fails says how, and not what was asked", async () => {
		await expect(client.chat.completions.create(request("my secret", "error-500"))).rejects.toThrow("500");
		const span = await onlySpan();
		expect(span.attributes).toMatchObject({ "error.type": "InternalServerError", "http.response.status_code": 500 });
		expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
		expect(JSON.stringify(span.attributes)).not.toContain("secret");
	});

	it("that cannot connect says how", async () => {
		const nowhere = new OpenAI({ baseURL: "http://127.0.0.1:1/v1", apiKey: "test", maxRetries: 0 });
		await expect(nowhere.chat.completions.create(request("x"))).rejects.toThrow("Connection");
		expect((await onlySpan()).attributes["error.type"]).toBe("APIConnectionError");
	});

	it("that the caller aborts ends its span, and is no error of the provider's", async () => {
		const aborter = new AbortController();
		const pending = client.chat.completions.create(request("x", "hang"), { signal: aborter.signal });
		await vi.waitFor(() => expect(server.requests.at(-1)?.user).toBe("hang"));
		aborter.abort();
		await expect(pending).rejects.toThrow("abort");
		const { attributes, status } = await onlySpan();
		expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
		expect(attributes).not.toHaveProperty("error.type");
		expect(status.code).toBe(SpanStatusCode.UNSET);
	});

	it("that hangs until the caller's time is up is an error, whatever carries the signal", async () => {
		const own = AbortSignal.timeout(50);
		const hanging = request("x", "hang");
		const calls: (() => Promise<unknown>)[] = [
			() => client.chat.completions.create(hanging, { signal: AbortSignal.timeout(50) }),
			() => client.chat.completions.create(hanging, { signal: AbortSignal.any([own, new AbortController().signal]) }),
			() => client.chat.completions.stream(hanging, { signal: AbortSignal.timeout(50) }).finalContent(),
			async () => {
				const stream = await client.chat.completions.create(
					{ ...request("abc", "never-ends"), stream: true },
					{ signal: AbortSignal.timeout(50) },
				);
				await readAll(stream);
			},
		];
		for (const call of calls) {
			await call().catch(() => {});
			const { attributes, status } = await onlySpan();
			expect(attributes["error.type"]).toBe("timeout");
			expect(attributes).not.toHaveProperty("gen_ai.response.finish_reasons");
			expect(status.code).toBe(SpanStatusCode.ERROR);
			exporter.reset();
		}
	});

	it("of the other endpoints makes spans too", async () => {
		await client.embeddings.create({ model: "text-embedding-3-small", input: "x", encoding_format: "float" });
		const embedded = await onlySpan();
		expect(embedded.name).toBe("embeddings text-embedding-3-small");
		expect(embedded.attributes["armspan.cost.usd"]).toBeGreaterThan(0);
		exporter.reset();
		await client.responses.create({ model: "gpt-4o-mini", input: "x" });
		expect((await onlySpan()).attributes).toMatchObject({
			"gen_ai.operation.name": "chat",
			"gen_ai.response.id": "resp-1",
			"gen_ai.response.finish_reasons": ["completed"],
			"gen_ai.usage.input_tokens": 20,
			"gen_ai.usage.output_tokens": 5,
		});
	});

	it("is wrapped once, however often it is asked for", async () => {
		expect(instrumentOpenAi(OpenAI)).toBe(true);
		await client.chat.completions.create(request("once"));
		await onlySpan();
		const required: unknown = createRequire(import.meta.url)("openai");
		expect(instrumentOpenAi(required)).toBe(true);
		for (const nothing of [undefined, null, {}, class {}, 5]) expect(instrumentOpenAi(nothing)).toBe(false);
	});
});

describe("the promise", () => {
	it("keeps withResponse", async () => {
		const { data, response, request_id } = await client.chat.completions.create(request("w")).withResponse();
		expect([data.id, response.status, request_id]).toEqual(["chat-w", 200, "req-1"]);
		expect((await onlySpan()).attributes["gen_ai.usage.input_tokens"]).toBe(1000);
	});

	it.each(["json", "text"] as const)("keeps asResponse, with the body unread, and sees %s()", async (read) => {
		const response = await client.chat.completions.create(request("raw")).asResponse();
		expect(Object.keys(response)).toEqual([]);
		expect(exporter.getFinishedSpans()).toEqual([]);
		const body: unknown = read === "json" ? await response.json() : JSON.parse(await response.text());
		expect(body).toMatchObject({ id: "chat-raw" });
		expect((await onlySpan()).attributes).toMatchObject({
			"http.response.status_code": 200,
			"gen_ai.usage.input_tokens": 1000,
			"armspan.cost.usd": expect.any(Number),
		});
	});

	it("gives a body that nobody reads, or reads otherwise, a span all the same", async () => {
		const response = await client.chat.completions.create(request("raw")).asResponse();
		expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(10);
		expect((await onlySpan()).attributes).toMatchObject({ "http.response.status_code": 200 });
		exporter.reset();
		await client.chat.completions.create(request("raw")).asResponse();
		endUnreadResponses();
		expect(exporter.getFinishedSpans()).toHaveLength(1);
		exporter.reset();
		const stream = await client.chat.completions.create({ ...request("abc"), stream: true }).asResponse();
		expect(exporter.getFinishedSpans()).toHaveLength(1);
		expect(await stream.text()).toContain("[DONE]");
	});

	it("serves parse and stream helpers", async () => {
		const parsed = await client.chat.completions.parse(request("p"));
		expect(parsed.choices[0]?.message.content).toBe("p");
		expect((await onlySpan()).attributes["gen_ai.response.id"]).toBe("chat-p");
		exporter.reset();
		expect(await client.chat.completions.stream(request("streamed")).finalContent()).toBe("streamed");
		expect((await onlySpan()).attributes["gen_ai.response.id"]).toBe("chat-streamed");
	});

	it("of a helper fails as it would without us, and says so on the span", async () => {
		await expect(client.chat.completions.parse(request("p", "error-500"))).rejects.toThrow("500");
		expect((await onlySpan()).attributes["error.type"]).toBe("InternalServerError");
	});

	it("that nobody awaits still rejects unhandled", async () => {
		const seen: unknown[] = [];
		const listeners = process.listeners("unhandledRejection");
		process.removeAllListeners("unhandledRejection");
		process.on("unhandledRejection", (reason) => seen.push(reason));
		try {
			void client.chat.completions.create(request("x", "error-500"));
			await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 10_000 });
			expect(String(seen[0])).toContain("500");
		} finally {
			process.removeAllListeners("unhandledRejection");
			for (const listener of listeners) process.on("unhandledRejection", listener);
		}
	});
});

describe("a stream", () => {
	const streamed = (content: string, user?: string) =>
		client.chat.completions.create({
			...request(content, user),
			stream: true,
			stream_options: { include_usage: true },
		});

	it("ends its span when it ends, with usage and time to first chunk", async () => {
		const stream = await streamed("abcdefgh");
		expect(exporter.getFinishedSpans()).toEqual([]);
		let text = "";
		for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
		expect(text).toBe("abcdefgh");
		expect((await onlySpan()).attributes).toMatchObject({
			"gen_ai.request.stream": true,
			"gen_ai.response.id": "chat-abcdefgh",
			"gen_ai.response.finish_reasons": ["stop"],
			"gen_ai.response.time_to_first_chunk": expect.any(Number),
			"gen_ai.usage.output_tokens": 100,
			"armspan.cost.usd": expect.any(Number),
		});
	});

	it("may be had together with its response", async () => {
		const create = client.chat.completions.create({ ...request("abc"), stream: true });
		const { data, response } = await create.withResponse();
		expect([response.status, (await readAll(data)).length]).toEqual([200, 2]);
		expect((await onlySpan()).attributes["gen_ai.response.finish_reasons"]).toEqual(["stop"]);
	});

	it("ends its span when the reader breaks off", async () => {
		for await (const _ of await streamed("abcdef", "never-ends")) break;
		const { attributes } = await onlySpan();
		expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
		expect(attributes).not.toHaveProperty("error.type");
		expect(attributes).not.toHaveProperty("gen_ai.usage.output_tokens");
	});

	it("keeps its finish reason when the reader leaves after it", async () => {
		for await (const { choices } of await streamed("abc")) if (choices[0]?.finish_reason === "stop") break;
		expect((await onlySpan()).attributes["gen_ai.response.finish_reasons"]).toEqual(["stop"]);
	});

	it("that is open when the process leaves is neither success nor failure, and ends once", async () => {
		// Calls of other tests that nobody awaited.
		openCalls.abandonAll();
		exporter.reset();
		const stream = await streamed("abc", "never-ends");
		await stream[Symbol.asyncIterator]().next();
		openCalls.abandonAll();
		const { attributes, status } = await onlySpan();
		expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["abandoned"]);
		expect(attributes).not.toHaveProperty("error.type");
		expect(status.code).toBe(SpanStatusCode.UNSET);
		stream.controller.abort();
		openCalls.abandonAll();
		expect(exporter.getFinishedSpans()).toHaveLength(1);
	});

	it("ends its span when it is aborted and read no more", async () => {
		const stream = await streamed("abc", "never-ends");
		await stream[Symbol.asyncIterator]().next();
		stream.controller.abort();
		expect((await onlySpan()).attributes["gen_ai.response.id"]).toBe("chat-abc");
	});

	it("ends its span with an error when the connection drops", async () => {
		const stream = await streamed("abcdef", "drop");
		await expect(readAll(stream)).rejects.toThrow();
		const span = await onlySpan();
		expect(span.status.code).toBe(SpanStatusCode.ERROR);
		expect(span.attributes["error.type"]).toEqual(expect.any(String));
	});

	it("of the Responses API says how it ended", async () => {
		const responses = (user?: string) =>
			client.responses.create({
				model: "gpt-4o-mini",
				input: "x",
				stream: true,
				...(user === undefined ? {} : { user }),
			});
		await readAll(await responses());
		expect((await onlySpan()).attributes).toMatchObject({
			"gen_ai.response.id": "resp-1",
			"gen_ai.response.finish_reasons": ["completed"],
			"gen_ai.usage.output_tokens": 5,
		});
		exporter.reset();
		await readAll(await responses("fails"));
		const failed = await onlySpan();
		expect(failed.attributes["error.type"]).toBe("server_error");
		expect(JSON.stringify(failed.attributes)).not.toContain("secret");
		exporter.reset();
		for await (const _ of await responses()) break;
		expect((await onlySpan()).attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
	});

	it("may be split, or read as a web stream", async () => {
		const [left, right] = (await streamed("abcdef")).tee();
		expect((await readAll(left)).length).toBe((await readAll(right)).length);
		await onlySpan();
		exporter.reset();
		await new Response((await streamed("abc")).toReadableStream()).text();
		expect((await onlySpan()).attributes["gen_ai.usage.input_tokens"]).toBe(1000);
	});
});

it("50 concurrent users, streaming and not, consumed outside of run: every span carries its own user", async () => {
	const armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
	const users = Array.from({ length: 50 }, (_, index) => `user-${index}`);
	await Promise.all(
		users.map(async (user, index) => {
			for (let turn = 0; turn < 2; turn++) {
				const { messages, model, run } = armspan.prompt("support-reply", { user, variables: { question: user } });
				if ((index + turn) % 2 === 0) {
					await run(() => client.chat.completions.create({ model, messages }));
				} else {
					const stream = await run(() => client.chat.completions.create({ model, messages, stream: true }));
					for await (const _ of stream) await new Promise((resolve) => setImmediate(resolve));
				}
			}
		}),
	);
	const spans = exporter.getFinishedSpans();
	expect(spans).toHaveLength(100);
	const wrong = spans.filter(({ attributes }) => {
		const user = String(attributes["armspan.unit.id"]);
		const { version, variant } = armspan.prompt("support-reply", { user, variables: { question: user } });
		return (
			String(attributes["gen_ai.response.id"]).trim() !== `chat-${user}` ||
			attributes["gen_ai.prompt.version"] !== version ||
			attributes["feature_flag.result.variant"] !== `polite.${variant}`
		);
	});
	expect(wrong).toEqual([]);
	expect(context.active()).toBeDefined();
	armspan.close();
});
