import { type Attributes, SpanStatusCode, trace } from "@opentelemetry/api";
import { beforeEach, expect, it } from "vitest";
import { recordSpans } from "./fixtures/recorded-spans.ts";

const spans = recordSpans();
beforeEach(() => spans.reset());

const CHAT = { "gen_ai.operation.name": "chat" };

/** A span as `@ai-sdk/otel` ends it after an error of that name. */
function endAiSdkSpan(errorName: string | undefined, attributes: Attributes = {}, scope = "gen_ai") {
	const span = trace.getTracer(scope).startSpan("chat", { attributes: { ...CHAT, ...attributes } });
	if (errorName !== undefined) {
		span.recordException({ name: errorName, message: "my secret" });
		span.setStatus({ code: SpanStatusCode.ERROR, message: "my secret" });
	}
	span.end();
	return spans.only();
}

it("takes the AI SDK's error of an abort back", async () => {
	const { attributes, status } = await endAiSdkSpan("AbortError");
	expect(attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
	expect(attributes).not.toHaveProperty("error.type");
	expect(status).toEqual({ code: SpanStatusCode.OK });
});

it("knows a stream of the AI SDK that was aborted by its missing finish reason", async () => {
	expect((await endAiSdkSpan(undefined)).attributes["gen_ai.response.finish_reasons"]).toEqual(["aborted"]);
});

it.each([
	["TimeoutError", "timeout"],
	["AI_APICallError", "AI_APICallError"],
])("gives the AI SDK's %s the type %s, and leaves it an error", async (name, type) => {
	const { attributes, status } = await endAiSdkSpan(name);
	expect(attributes["error.type"]).toBe(type);
	expect(attributes).not.toHaveProperty("gen_ai.response.finish_reasons");
	expect(status.code).toBe(SpanStatusCode.ERROR);
});

it("leaves answers, embeddings and spans of others as they are", async () => {
	const finished = { "gen_ai.response.finish_reasons": ["stop"] };
	expect((await endAiSdkSpan(undefined, finished)).attributes).toEqual({ ...CHAT, ...finished });
	spans.reset();
	const embedding = { "gen_ai.operation.name": "embeddings" };
	expect((await endAiSdkSpan(undefined, embedding)).attributes).toEqual(embedding);
	spans.reset();
	expect((await endAiSdkSpan("AbortError", {}, "another")).status.code).toBe(SpanStatusCode.ERROR);
});

it("lets no text out as the type of an error, whoever made the span", async () => {
	const quoting = await endAiSdkSpan("my secret is long");
	expect(quoting.attributes).not.toHaveProperty("error.type");
	spans.reset();
	const { attributes } = await endAiSdkSpan(undefined, { "error.type": "canary: my secret" }, "another");
	expect(attributes["error.type"]).toBe("_OTHER");
});
