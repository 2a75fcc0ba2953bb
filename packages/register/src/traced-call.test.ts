import Anthropic from "@anthropic-ai/sdk";
import { createArmspan } from "@armspan/instrumentation";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { type Provider, startProvider } from "./fixtures/provider.ts";
import { recordSpans } from "./fixtures/recorded-spans.ts";
import { instrumentAnthropic } from "./instrument-anthropic.ts";
import { instrumentGoogleGenAi } from "./instrument-google-genai.ts";
import { instrumentOpenAi } from "./instrument-openai.ts";

const spans = recordSpans();
instrumentOpenAi(OpenAI);
instrumentAnthropic(Anthropic);
instrumentGoogleGenAi(new GoogleGenAI({ apiKey: "test" }));

let provider: Provider;
beforeAll(async () => {
	provider = await startProvider();
});
afterAll(() => provider.close());
beforeEach(() => spans.reset());

const text = "Hello";
const messages = [{ role: "user" as const, content: text }];

/** One call each; gives the id of the response. The user goes along, so that every user gets ids of their own. */
type Call = (user: string) => Promise<string>;

async function idOf<Event>(stream: AsyncIterable<Event>, read: (event: Event) => string | undefined): Promise<string> {
	let id = "";
	for await (const event of stream) {
		id = read(event) ?? id;
		// Others get their turn between any two events.
		await new Promise((resolve) => setImmediate(resolve));
	}
	return id;
}

function calls(): Record<string, Call> {
	const defaultHeaders = (user: string) => ({ "x-simulated-user": user });
	const openAi = (user: string) =>
		new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: "k", maxRetries: 0, defaultHeaders: defaultHeaders(user) });
	const anthropic = (user: string, own: boolean) =>
		new Anthropic({
			baseURL: provider.url,
			apiKey: "k",
			maxRetries: 0,
			defaultHeaders: defaultHeaders(user),
			...(own ? {} : { openTelemetry: false }),
		});
	const google = (user: string) =>
		new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: provider.url, headers: defaultHeaders(user) } }).models;
	const chat = { model: "gpt-4o-mini", messages };
	const ask = { model: "claude-sonnet-5-5", max_tokens: 100, messages };
	const content = { model: "gemini-2.5-flash", contents: text };
	return {
		"openai chat": async (user) => (await openAi(user).chat.completions.create(chat)).id,
		"openai chat stream": async (user) =>
			idOf(await openAi(user).chat.completions.create({ ...chat, stream: true }), ({ id }) => id),
		"openai responses": async (user) => (await openAi(user).responses.create({ model: "gpt-4o", input: text })).id,
		"openai responses stream": async (user) =>
			idOf(await openAi(user).responses.create({ model: "gpt-4o", input: text, stream: true }), (event) =>
				"response" in event ? event.response.id : undefined,
			),
		"anthropic, its own span": async (user) => (await anthropic(user, true).messages.create(ask)).id,
		"anthropic, our span": async (user) => (await anthropic(user, false).messages.create(ask)).id,
		"anthropic stream, its own span": async (user) =>
			idOf(await anthropic(user, true).messages.create({ ...ask, stream: true }), (event) =>
				event.type === "message_start" ? event.message.id : undefined,
			),
		"anthropic helper, our span": async (user) => (await anthropic(user, false).messages.stream(ask).finalMessage()).id,
		"google content": async (user) => (await google(user).generateContent(content)).responseId ?? "",
		"google content stream": async (user) =>
			idOf(await google(user).generateContentStream(content), ({ responseId }) => responseId),
	};
}

it("200 users in one go, across all SDKs, streaming and not: every span carries its own user", async () => {
	const armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
	const users = new Map<string, string>();
	const kinds = Object.values(calls());
	await Promise.all(
		Array.from({ length: 200 }, async (_, index) => {
			const user = `user-${index}`;
			const { run } = armspan.prompt("support-reply", { user, variables: { question: "?" } });
			users.set(await run(() => kinds[index % kinds.length]!(user)), user);
		}),
	);
	await vi.waitFor(() => expect(spans.all().length).toBe(200), { timeout: 10_000 });
	expect(users.size).toBe(200);
	const wrong = spans.all().filter(({ attributes }) => {
		const user = users.get(String(attributes["gen_ai.response.id"]));
		return user === undefined || attributes["armspan.unit.id"] !== user;
	});
	expect(wrong).toEqual([]);
	armspan.close();
});

describe("openai", () => {
	const client = (headers: Record<string, string>, maxRetries = 0) =>
		new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: "k", maxRetries, defaultHeaders: headers });
	const usage = { "x-simulated-usage": "input=1000,cacheRead=200,output=100,reasoning=40" };
	/** 800 fresh at 1.25 $ per million, 200 cached at 0.125 $, 100 out, reasoning included, at 10 $. */
	const priced = {
		"gen_ai.usage.input_tokens": 1000,
		"gen_ai.usage.cache_read.input_tokens": 200,
		"gen_ai.usage.output_tokens": 100,
		"gen_ai.usage.reasoning.output_tokens": 40,
		"armspan.cost.usd": expect.closeTo((800 * 1.25 + 200 * 0.125 + 100 * 10) / 1e6, 10),
	};
	const model = "gpt-5";

	it.each([
		["chat", () => client(usage).chat.completions.create({ model, messages })],
		[
			"chat stream",
			async () =>
				idOf(
					await client(usage).chat.completions.create({
						model,
						messages,
						stream: true,
						stream_options: { include_usage: true },
					}),
					({ id }) => id,
				),
		],
		["responses", () => client(usage).responses.create({ model, input: text })],
		[
			"responses stream",
			async () => idOf(await client(usage).responses.create({ model, input: text, stream: true }), () => undefined),
		],
	] as const)("states cached and reasoning tokens of %s, and their price", async (_, call) => {
		await call();
		expect((await spans.only()).attributes).toMatchObject(priced);
	});

	it("makes a span for a legacy completion, streamed or not", async () => {
		const request = { model: "gpt-3.5-turbo-instruct", prompt: text };
		await client({}).completions.create(request);
		await idOf(await client({}).completions.create({ ...request, stream: true }), ({ id }) => id);
		await vi.waitFor(() => expect(spans.all()).toHaveLength(2));
		for (const { attributes } of spans.all()) {
			expect(attributes["gen_ai.operation.name"]).toBe("text_completion");
			expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["stop"]);
		}
	});

	it("counts how often a request was sent again", async () => {
		await expect(
			client({ "x-simulated-fault": "500" }, 1).chat.completions.create({ model, messages }),
		).rejects.toThrow("500");
		expect((await spans.only()).attributes).toMatchObject({
			"http.request.resend_count": 1,
			"error.type": "InternalServerError",
		});
	});
});
