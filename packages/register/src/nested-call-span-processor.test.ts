import { createRequire } from "node:module";
import Anthropic from "@anthropic-ai/sdk";
import { AnthropicInstrumentation } from "@arizeai/openinference-instrumentation-anthropic";
import { createArmspan } from "@armspan/instrumentation";
import { context, trace } from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { writeSupportBundle } from "../../instrumentation/src/fixtures/support-bundle.ts";
import { type Provider, startProvider } from "./fixtures/provider.ts";
import { recordSpans } from "./fixtures/recorded-spans.ts";
import { instrumentAnthropic } from "./instrument-anthropic.ts";

type Module = typeof import("@anthropic-ai/sdk");

const spans = recordSpans();
const published = new AnthropicInstrumentation();
const required = createRequire(import.meta.url)("@anthropic-ai/sdk") as Module;
// Each build of the SDK has classes of its own: one is patched by us first, the other by OpenInference first.
instrumentAnthropic(Anthropic);
published.manuallyInstrument(Anthropic as unknown as Parameters<typeof published.manuallyInstrument>[0]);
published.manuallyInstrument(required as unknown as Parameters<typeof published.manuallyInstrument>[0]);
instrumentAnthropic(required);

let provider: Provider;
let armspan: ReturnType<typeof createArmspan>;
beforeAll(async () => {
	provider = await startProvider();
	armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
});
afterAll(async () => {
	armspan.close();
	await provider.close();
});
beforeEach(() => spans.reset());

/** 500 fresh at 2 $ per million, 200 read at 0.2 $, 300 written at 2.5 $, 100 out at 10 $. */
const COST = (500 * 2 + 200 * 0.2 + 300 * 2.5 + 100 * 10) / 1e6;

it.each([
	["ours first, the SDK's own spans", Anthropic, undefined, 2],
	["ours first, spans of ours", Anthropic, false, 1],
	["OpenInference first, the SDK's own spans", required.Anthropic, undefined, 2],
	["OpenInference first, spans of ours", required.Anthropic, false, 2],
] as const)("one call counts once, with its cost (%s)", async (_, Client, openTelemetry, made) => {
	const client = new Client({
		baseURL: provider.url,
		apiKey: "k",
		defaultHeaders: { "x-simulated-usage": "input=1000,cacheRead=200,cacheWrite=300,output=100" },
		...(openTelemetry === undefined ? {} : { openTelemetry }),
	});
	const { run } = armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } });
	const messages = [{ role: "user" as const, content: "Hello" }];
	await run(() => client.messages.create({ model: "claude-sonnet-5-5", max_tokens: 100, messages }));
	await vi.waitFor(() => expect(spans.all()).toHaveLength(made));
	// The evidence takes leaf spans that name their prompt.
	const counted = spans.all().filter(({ attributes }) => attributes["gen_ai.prompt.name"] === "support-reply");
	expect(counted).toHaveLength(1);
	expect(counted[0]?.attributes["armspan.cost.usd"]).toBeCloseTo(COST, 10);
	expect(counted[0]?.attributes["armspan.unit.id"]).toBe("u1");
});

it("leaves calls alone that are side by side, or inside an agent's span", async () => {
	const tracer = trace.getTracer("test");
	const { run } = armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } });
	await run(async () => {
		const agent = tracer.startSpan("agent", { attributes: { "gen_ai.operation.name": "invoke_agent" } });
		for (const name of ["first", "second"]) {
			const attributes = { "gen_ai.operation.name": "chat" };
			tracer.startSpan(name, { attributes }, trace.setSpan(context.active(), agent)).end();
		}
		agent.end();
	});
	const counted = spans.all().filter(({ attributes }) => attributes["gen_ai.prompt.name"] === "support-reply");
	expect(counted.map(({ name }) => name)).toEqual(["first", "second", "agent"]);
});
