import { createRequire } from "node:module";
import Anthropic from "@anthropic-ai/sdk";
import {
	context,
	INVALID_SPAN_CONTEXT,
	SpanStatusCode,
	type Tracer,
	type TracerProvider,
	trace,
} from "@opentelemetry/api";
import {
	InMemorySpanExporter,
	TracerProvider as SdkTracerProvider,
	SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Provider, startProvider } from "./fixtures/provider.ts";
import { readAll } from "./fixtures/read-all.ts";
import { recordSpans } from "./fixtures/recorded-spans.ts";
import { instrumentAnthropic } from "./instrument-anthropic.ts";

const spans = recordSpans();
instrumentAnthropic(Anthropic);

let provider: Provider;
beforeAll(async () => {
	provider = await startProvider();
});
afterAll(() => provider.close());
beforeEach(() => spans.reset());

const MODEL = "claude-sonnet-5-5";
const request = { model: MODEL, max_tokens: 500, messages: [{ role: "user" as const, content: "my secret" }] };
const USAGE = "input=1000,cacheRead=200,cacheWrite=300,cacheWriteOneHour=100,output=100,reasoning=40";
/** 500 fresh at 2 $ per million, 200 read at 0.2 $, 200 written at 2.5 $, 100 written for an hour at 4 $, 100 out at 10 $. */
const COST = (500 * 2 + 200 * 0.2 + 200 * 2.5 + 100 * 4 + 100 * 10) / 1e6;

interface ClientOptions {
	readonly fault?: string;
	readonly usage?: string;
	readonly maxRetries?: number;
}

const USAGE_ATTRIBUTES = {
	"gen_ai.operation.name": "chat",
	"gen_ai.provider.name": "anthropic",
	"gen_ai.request.model": MODEL,
	"gen_ai.request.max_tokens": 500,
	"gen_ai.response.id": expect.stringMatching(/^msg_/),
	"gen_ai.response.model": MODEL,
	"gen_ai.response.finish_reasons": ["end_turn"],
	"gen_ai.usage.input_tokens": 1000,
	"gen_ai.usage.output_tokens": 100,
	"gen_ai.usage.cache_read.input_tokens": 200,
	"gen_ai.usage.cache_write.input_tokens": 300,
	"gen_ai.usage.reasoning.output_tokens": 40,
	"armspan.cost.usd": expect.closeTo(COST, 10),
	"armspan.cost.source": "price-table",
	"server.address": "127.0.0.1",
};

// Told to make no spans, the SDK is as it was before 0.134: ours make them. Otherwise its own are left to it.
describe.each([
	["the SDK's own spans", undefined],
	["our spans", false],
] as const)("%s", (_, openTelemetry) => {
	function createClient({ fault, usage, maxRetries = 0 }: ClientOptions = {}): Anthropic {
		return new Anthropic({
			baseURL: provider.url,
			apiKey: "test",
			maxRetries,
			logLevel: "off",
			defaultHeaders: {
				...(fault === undefined ? {} : { "x-simulated-fault": fault }),
				...(usage === undefined ? {} : { "x-simulated-usage": usage }),
			},
			...(openTelemetry === undefined ? {} : { openTelemetry }),
		});
	}

	it("state usage as the convention has it, and what cached tokens cost", async () => {
		const message = await createClient({ usage: USAGE }).messages.create(request);
		expect(message.usage.input_tokens).toBe(500);
		const { attributes } = await spans.only();
		expect(attributes).toMatchObject({ ...USAGE_ATTRIBUTES, "server.port": provider.port });
		expect(JSON.stringify(attributes)).not.toContain("secret");
	});

	it("state the same of a stream, with the time to its first chunk", async () => {
		const stream = await createClient({ usage: USAGE }).messages.create({ ...request, stream: true });
		let text = "";
		for await (const event of stream) {
			if (event.type === "content_block_delta" && event.delta.type === "text_delta") text += event.delta.text;
		}
		expect(text.length).toBeGreaterThan(20);
		expect((await spans.only()).attributes).toMatchObject({
			...USAGE_ATTRIBUTES,
			"gen_ai.request.stream": true,
			"gen_ai.response.time_to_first_chunk": expect.any(Number),
		});
	});

	it("are one for the stream helper, which keeps its events", async () => {
		const helper = createClient({ usage: USAGE }).messages.stream(request);
		const seen = new Set<string>();
		helper.on("text", () => seen.add("text")).on("connect", () => seen.add("connect"));
		helper.on("finalMessage", () => seen.add("finalMessage")).on("end", () => seen.add("end"));
		const message = await helper.finalMessage();
		expect(message.usage.output_tokens).toBe(100);
		expect(seen).toEqual(new Set(["connect", "text", "finalMessage", "end"]));
		expect((await spans.only()).attributes).toMatchObject(USAGE_ATTRIBUTES);
	});

	it("are one for beta messages, and for parse", async () => {
		await createClient().beta.messages.create(request);
		expect((await spans.only()).attributes["gen_ai.request.model"]).toBe(MODEL);
		spans.reset();
		await createClient().messages.parse(request);
		expect((await spans.only()).attributes["gen_ai.request.model"]).toBe(MODEL);
	});

	it("are no call when only tokens are counted", async () => {
		expect((await createClient().messages.countTokens({ model: MODEL, messages: request.messages })).input_tokens).toBe(
			10,
		);
		const operations = spans.all().map(({ attributes }) => attributes["gen_ai.operation.name"]);
		expect(operations.filter((operation) => operation !== undefined)).toEqual([]);
	});

	it.each([
		["429", "rate_limit_error"],
		["529", "overloaded_error"],
		["500", "api_error"],
	])("say which error a status of %s is", async (fault, type) => {
		await expect(createClient({ fault }).messages.create(request)).rejects.toThrow(fault);
		const { attributes, status } = await spans.only();
		expect(attributes).toMatchObject({ "error.type": type, "http.response.status_code": Number(fault) });
		expect(status).toEqual({ code: SpanStatusCode.ERROR });
	});

	it("say that the provider cannot be reached, and count what was sent again", async () => {
		const nowhere = createClient({ maxRetries: 1 }).withOptions({ baseURL: "http://127.0.0.1:1" });
		await expect(nowhere.messages.create(request)).rejects.toThrow("Connection");
		expect((await spans.only()).attributes).toMatchObject({
			"error.type": "connection_error",
			"http.request.resend_count": 1,
		});
	});

	it("end when the caller aborts, which is no error", async () => {
		const aborter = new AbortController();
		const pending = createClient({ fault: "hang" }).messages.create(request, { signal: aborter.signal });
		setTimeout(() => aborter.abort(), 50);
		await expect(pending).rejects.toThrow("abort");
		const { attributes, status } = await spans.only();
		expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
		expect(attributes).not.toHaveProperty("error.type");
		expect(status.code).toBe(SpanStatusCode.UNSET);
	});

	it.each(["message", "stream", "helper"])("are an error when the caller's time is up: %s", async (kind) => {
		const { messages } = createClient({ fault: kind === "message" ? "hang" : "never-ends" });
		const options = { signal: AbortSignal.timeout(100) };
		const asked: Promise<unknown> =
			kind === "message"
				? messages.create(request, options)
				: kind === "stream"
					? messages.create({ ...request, stream: true }, options).then(readAll)
					: messages.stream(request, options).finalMessage();
		await asked.catch(() => {});
		const { attributes, status } = await spans.only();
		expect(attributes["error.type"]).toBe("timeout");
		expect(status.code).toBe(SpanStatusCode.ERROR);
	});

	it("never repeat what the provider calls an error, unless it is a known name", async () => {
		const canary = "canary: my secret prompt";
		const body = JSON.stringify({ type: "error", error: { type: canary, message: canary } });
		const proxied = createClient().withOptions({
			fetch: async () => new Response(body, { status: 418, headers: { "content-type": "application/json" } }),
		});
		await expect(proxied.messages.create(request)).rejects.toThrow();
		const { attributes, status } = await spans.only();
		expect(attributes["error.type"]).toBe("418");
		expect(JSON.stringify([attributes, status])).not.toContain("canary");
	});

	it("end when the reader of a stream breaks off, with no usage of output that nobody knows", async () => {
		const stream = await createClient({ usage: USAGE, fault: "never-ends" }).messages.create({
			...request,
			stream: true,
		});
		for await (const event of stream) if (event.type === "content_block_delta") break;
		const { attributes } = await spans.only();
		expect(attributes["gen_ai.usage.input_tokens"]).toBe(1000);
		expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
		for (const name of ["error.type", "gen_ai.usage.output_tokens", "armspan.cost.usd"]) {
			expect(attributes).not.toHaveProperty(name);
		}
	});

	// The SDK's own span stays open then: it only looks at the iterator once there is one.
	it.skipIf(openTelemetry === undefined)("end when a stream is aborted and read no more", async () => {
		const stream = await createClient({ fault: "never-ends" }).messages.create({ ...request, stream: true });
		await stream[Symbol.asyncIterator]().next();
		stream.controller.abort();
		expect((await spans.only()).attributes).not.toHaveProperty("error.type");
	});

	it.each(["disconnect", "malformed", "failure-event"])("end with an error when a stream ends by %s", async (fault) => {
		const stream = await createClient({ fault }).messages.create({ ...request, stream: true });
		await expect(readAll(stream)).rejects.toThrow();
		const { attributes, status } = await spans.only();
		expect(attributes["error.type"]).toEqual(expect.any(String));
		expect(status.code).toBe(SpanStatusCode.ERROR);
	});

	it("leave the promise what it is", async () => {
		const client = createClient();
		const { data, response, request_id } = await client.messages.create(request).withResponse();
		expect([data.type, response.status, request_id]).toEqual(["message", 200, expect.stringMatching(/^req_/)]);
		await spans.only();
		spans.reset();
		const raw = await client.messages.create(request).asResponse();
		expect(await raw.json()).toMatchObject({ type: "message" });
		expect((await spans.only()).attributes["http.response.status_code"]).toBe(200);
	});

	it("are not made a second time inside another's span of the same call", async () => {
		const outer = trace.getTracer("another").startSpan("Anthropic Messages", {
			attributes: { "openinference.span.kind": "LLM" },
		});
		await context.with(trace.setSpan(context.active(), outer), () => createClient().messages.create(request));
		outer.end();
		const counted = spans.all().filter(({ attributes }) => attributes["gen_ai.prompt.name"] !== "");
		expect(counted.map(({ name }) => name)).toEqual(["Anthropic Messages"]);
	});
});

describe("a client with a tracer provider of its own", () => {
	const ask = (tracerProvider: TracerProvider) =>
		new Anthropic({ baseURL: provider.url, apiKey: "test", openTelemetry: { tracerProvider } }).messages.create(
			request,
		);

	it("gets a span of ours, because its own ones go elsewhere", async () => {
		const elsewhere = new InMemorySpanExporter();
		await ask(new SdkTracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: elsewhere })] }));
		expect((await spans.only()).name).toBe(`chat ${MODEL}`);
		expect(elsewhere.getFinishedSpans()).toHaveLength(1);
	});

	it("gets none of ours when it is the application's", async () => {
		await ask(trace.getTracerProvider());
		expect((await spans.only()).name).toBe("anthropic.messages.create");
	});
});

it("makes the span when the SDK's copy of the API records nothing", async () => {
	const client = new Anthropic({ baseURL: provider.url, apiKey: "test" });
	// What a copy of @opentelemetry/api gives that is newer than the one that set up telemetry.
	const silent: Tracer = {
		startSpan: () => trace.wrapSpanContext(INVALID_SPAN_CONTEXT),
		startActiveSpan: () => expect.unreachable(),
	};
	Object.assign(client, { _tracer: silent });
	await client.messages.create(request);
	expect((await spans.only()).name).toBe(`chat ${MODEL}`);
});

it("knows the class in every shape it is handed on, and wraps it once", () => {
	expect(instrumentAnthropic(createRequire(import.meta.url)("@anthropic-ai/sdk"))).toBe(true);
	const wrapped = Anthropic.Messages.prototype.create;
	expect(instrumentAnthropic({ default: Anthropic })).toBe(true);
	expect(Anthropic.Messages.prototype.create).toBe(wrapped);
	for (const nothing of [undefined, null, {}, class {}, 5]) expect(instrumentAnthropic(nothing)).toBe(false);
});

it("leaves a rejection that nobody handles unhandled", async () => {
	const seen: unknown[] = [];
	const listeners = process.listeners("unhandledRejection");
	process.removeAllListeners("unhandledRejection");
	process.on("unhandledRejection", (reason) => seen.push(reason));
	try {
		const client = new Anthropic({
			baseURL: provider.url,
			apiKey: "test",
			maxRetries: 0,
			openTelemetry: false,
			defaultHeaders: { "x-simulated-fault": "500" },
		});
		void client.messages.create(request);
		await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 10_000 });
	} finally {
		process.removeAllListeners("unhandledRejection");
		for (const listener of listeners) process.on("unhandledRejection", listener);
	}
});
