import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Armspan, createArmspan, type ExecuteFunction } from "@armspan/instrumentation";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { writeShadowBundle } from "../../instrumentation/src/fixtures/shadow-bundle.ts";
import { runHost } from "./fixtures/host.ts";
import { startOtlpCollector } from "./fixtures/otlp-collector.ts";
import { type Provider, startProvider } from "./fixtures/provider.ts";
import { recordSpans } from "./fixtures/recorded-spans.ts";
import { instrumentOpenAi } from "./instrument-openai.ts";

const spans = recordSpans();
instrumentOpenAi(OpenAI);
const folder = mkdtempSync(join(tmpdir(), "armspan-shadow-"));
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
const call = { user: "u1", variables: { question: "Where is my order?" } };
let provider: Provider;
let client: OpenAI;

beforeAll(async () => {
	process.on("unhandledRejection", onUnhandled);
	provider = await startProvider();
	client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: "test", maxRetries: 0 });
	await writeShadowBundle(join(folder, "wide"), { maxConcurrent: 1000, maxCallsPerMinute: 1_000_000 });
	await writeShadowBundle(join(folder, "narrow"), { maxConcurrent: 3, maxCallsPerMinute: 100 });
});
afterAll(async () => {
	process.off("unhandledRejection", onUnhandled);
	await provider.close();
	rmSync(folder, { recursive: true });
});
beforeEach(() => {
	spans.reset();
	unhandled.length = 0;
});

function start(limits: "wide" | "narrow"): Armspan {
	const armspan = createArmspan({ routingDirectory: join(folder, limits) });
	onTestFinished(() => armspan.close());
	return armspan;
}

/** As an application writes it; `fault` is what the provider does to the shadow alone. */
const complete =
	(fault?: string): ExecuteFunction<PromiseLike<OpenAI.ChatCompletion>> =>
	(prompt, { signal, isShadow }) =>
		client.chat.completions.create(
			{ ...prompt.config, model: prompt.model, messages: prompt.messages },
			{ signal, ...(isShadow && fault !== undefined ? { headers: { "x-simulated-fault": fault } } : {}) },
		);

const finished = (shadow: boolean) =>
	spans.all().filter(({ attributes }) => (attributes["armspan.shadow"] === true) === shadow);

describe("with the openai SDK", () => {
	it("answers with control, and makes a span of the shadow that says so, in a trace of its own", async () => {
		const armspan = start("wide");
		const answer = armspan.execute("support-reply", call, complete());
		expect(answer).toHaveProperty("asResponse"); // the SDK's own promise
		expect((await answer).choices[0]?.message.content).toBeTruthy();
		await vi.waitFor(() => expect(finished(true)).toHaveLength(1), { timeout: 10_000 });
		const [live] = finished(false);
		const [shadow] = finished(true);
		expect(live?.attributes).toMatchObject({
			"gen_ai.prompt.version": "1.0.0",
			"gen_ai.request.model": "gpt-4o-mini",
			"armspan.enrolled": false,
		});
		expect(live?.attributes).not.toHaveProperty("armspan.experiment");
		expect(shadow?.attributes).toMatchObject({
			"gen_ai.prompt.version": "2.0.0",
			"gen_ai.request.model": "gpt-4o",
			"armspan.experiment": "quiet",
			"armspan.iteration": 3,
			"feature_flag.result.variant": "quiet.friendly",
			"armspan.enrolled": false,
			"armspan.unit.id": "u1",
			"gen_ai.usage.output_tokens": expect.any(Number),
		});
		expect(shadow?.spanContext().traceId).not.toBe(live?.spanContext().traceId);
		expect(shadow?.parentSpanContext).toBeUndefined();
		expect(shadow?.links.map(({ context }) => context.spanId)).toEqual([live?.spanContext().spanId]);
		expect(armspan.status().counters).toMatchObject({ shadowCalls: 1, shadowFailed: 0, exposuresEmitted: 0 });
	});

	it.each(["500", "429", "hang", "disconnect", "malformed"])(
		"a shadow that meets %s leaves the answer alone",
		async (fault) => {
			const armspan = start("wide");
			const answer = await armspan.execute("support-reply", { ...call, shadowTimeoutMs: 200 }, complete(fault));
			expect(answer.model).toBe("gpt-4o-mini");
			await vi.waitFor(() => expect(armspan.status().counters.shadowFailed).toBe(1), { timeout: 10_000 });
			await vi.waitFor(() => expect(finished(true)).toHaveLength(1), { timeout: 10_000 });
			expect(unhandled).toEqual([]);
		},
	);

	it("does not wait for the shadow", async () => {
		const armspan = start("wide");
		const order: string[] = [];
		const answers = Array.from({ length: 20 }, async () => {
			await armspan.execute("support-reply", call, complete("hang"));
			order.push(`answered, ${armspan.status().counters.shadowFailed} shadows ended`);
		});
		await Promise.all(answers);
		expect(new Set(order)).toEqual(new Set(["answered, 0 shadows ended"]));
		armspan.close();
		await vi.waitFor(() => expect(armspan.status().counters.shadowFailed).toBe(20), { timeout: 10_000 });
	});

	it("the caller's cancellation ends the live call, and not its shadow", async () => {
		const armspan = start("wide");
		const canceller = new AbortController();
		const answer = armspan.execute("support-reply", { ...call, signal: canceller.signal }, complete());
		canceller.abort();
		await expect(answer).rejects.toThrow("aborted");
		await vi.waitFor(() => expect(finished(true)).toHaveLength(1), { timeout: 10_000 });
		expect(armspan.status().counters).toMatchObject({ shadowCalls: 1, shadowFailed: 0 });
	});

	it.each(["never-ends", "failure-event"])("a streaming shadow that meets %s is ended and counted", async (fault) => {
		const armspan = start("wide");
		const given = { ...call, shadowTimeoutMs: 200 };
		const stream = await armspan.execute("support-reply", given, (prompt, { signal, isShadow }) =>
			client.chat.completions.create(
				{ model: prompt.model, messages: prompt.messages, stream: true },
				{ signal, ...(isShadow ? { headers: { "x-simulated-fault": fault } } : {}) },
			),
		);
		for await (const chunk of stream) expect(chunk.model).toBe("gpt-4o-mini");
		await vi.waitFor(() => expect(armspan.status().counters.shadowFailed).toBe(1), { timeout: 10_000 });
		await vi.waitFor(() => expect(finished(true)).toHaveLength(1), { timeout: 10_000 });
		expect(unhandled).toEqual([]);
	});

	it("reads a stream of the shadow to its end, and leaves the live one to the caller", async () => {
		const armspan = start("wide");
		const stream = await armspan.execute("support-reply", call, (prompt, { signal }) =>
			client.chat.completions.create(
				{ model: prompt.model, messages: prompt.messages, stream: true, stream_options: { include_usage: true } },
				{ signal },
			),
		);
		await vi.waitFor(() => expect(finished(true)).toHaveLength(1), { timeout: 10_000 });
		expect(finished(true)[0]?.attributes["gen_ai.usage.output_tokens"]).toBeGreaterThan(0);
		let chunks = 0;
		for await (const _ of stream) chunks++;
		expect(chunks).toBeGreaterThan(3);
		expect(armspan.status().counters.shadowFailed).toBe(0);
	});

	it("keeps to its budget under a thousand calls at once", async () => {
		const armspan = start("narrow");
		const before = provider.served();
		const answers = await Promise.all(
			Array.from({ length: 1000 }, (_, user) =>
				armspan.execute("support-reply", { ...call, user: `u${user}` }, complete("hang")),
			),
		);
		expect(answers.every(({ model }) => model === "gpt-4o-mini")).toBe(true);
		expect(armspan.status().counters).toMatchObject({ shadowCalls: 3, shadowDropped: 997, routedCalls: 1000 });
		expect(provider.served() - before).toBeLessThanOrEqual(1003);
		expect(unhandled).toEqual([]);
	});
});

const HOST = `
import { armspan } from "@armspan/instrumentation";
import OpenAI from "openai";
const client = new OpenAI({ maxRetries: 0 });
const started = Promise.withResolvers();
const answer = await armspan.execute("support-reply", { user: "u1", variables: { question: "Why?" } }, (prompt, { signal, isShadow }) => {
	if (isShadow) started.resolve();
	return client.chat.completions.create({ model: prompt.model, messages: prompt.messages },
		{ signal, headers: isShadow ? { "x-simulated-fault": "hang" } : {} });
});
await started.promise;
console.log(answer.model, armspan.status().counters.shadowCalls);
`;

it("a shadow that hangs does not keep the process from ending, and its span is not lost", async () => {
	const collector = await startOtlpCollector();
	onTestFinished(() => collector.close());
	const host = runHost({
		source: HOST,
		type: "module",
		env: {
			ARMSPAN_ROUTING: join(folder, "wide"),
			OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
			OPENAI_BASE_URL: `${provider.url}/v1`,
			OPENAI_API_KEY: "test",
		},
	});
	const { code } = await host.exited;
	expect([host.stdout(), code]).toEqual(["gpt-4o-mini 1\n", 0]);
	expect(host.stderr()).not.toContain("nhandled");
	expect(collector.spans.map(({ attributes }) => attributes["armspan.shadow"])).toEqual([undefined, true]);
});
