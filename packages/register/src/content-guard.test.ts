import { diag, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { describe, expect, it, vi } from "vitest";
import { guardContent, guardLogContent } from "./content.ts";
import { ContentGuard, type ContentOptions } from "./content-guard.ts";

const CANARY = "canary-7c1f";

/** Attributes as they are on the spans of others. */
const CONTENT: Readonly<Record<string, string>> = Object.fromEntries(
	[
		"gen_ai.input.messages",
		"gen_ai.output.messages",
		"gen_ai.system_instructions",
		"gen_ai.prompt.0.content",
		"gen_ai.completion.0.content",
		"gen_ai.prompt.variable.name",
		"ai.prompt",
		"ai.prompt.messages",
		"ai.response.text",
		"ai.response.object",
		"ai.response.toolCalls",
		"ai.toolCall.args",
		"ai.toolCall.result",
		"llm.input_messages.0.message.content",
		"llm.output_messages.0.message.content",
		"llm.invocation_parameters",
		"llm.prompt_template.variables",
		"input.value",
		"output.value",
		"retrieval.documents.0.document.content",
		"traceloop.entity.input",
		"langfuse.observation.input",
		"mlflow.spanInputs",
		"gcp.vertex.agent.llm_request",
		"gcp.vertex.agent.llm_response",
		"lk.user_input",
		"logfire.msg",
	].map((key) => [key, `[{"content":"${CANARY}"}]`]),
);
const KEPT = {
	"gen_ai.prompt.name": "support-reply",
	"gen_ai.prompt.version": "1.0.0",
	"gen_ai.usage.input_tokens": 7,
	"ai.response.finishReason": "stop",
	"llm.model_name": "gpt-4o",
	"llm.token_count.prompt": 7,
	"armspan.unit.id": "u1",
};

function throwDeep(): never {
	throw new TypeError(`400 bad request:\n    at prompt "${CANARY}"\nsecond line ${CANARY}`);
}

function export_(options?: ContentOptions): ReadableSpan {
	const exporter = new InMemorySpanExporter();
	const provider = new TracerProvider({
		resource: resourceFromAttributes({ "service.name": "test" }),
		spanProcessors: [new SimpleSpanProcessor({ exporter: guardContent(exporter, options) })],
	});
	const span = provider
		.getTracer("ai")
		.startSpan("chat", { kind: SpanKind.CLIENT, attributes: { ...CONTENT, ...KEPT } });
	span.addEvent("gen_ai.content.prompt", { "gen_ai.prompt": CANARY, index: 3 });
	span.addEvent("gen_ai.user.message", { content: CANARY, whatever: CANARY, role: "user", "gen_ai.system": "openai" });
	span.addEvent("retrieved", { hits: 2, from: "index" });
	span.addLink({ context: span.spanContext(), attributes: { "input.value": CANARY } });
	try {
		throwDeep();
	} catch (error) {
		span.recordException(error as Error);
		span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
	}
	span.end();
	return exporter.getFinishedSpans()[0]!;
}

const written = (span: ReadableSpan) =>
	JSON.stringify([span.name, span.attributes, span.events, span.links, span.status, span.resource.attributes]);

describe("a span of anybody", () => {
	it("loses its content and keeps what is measured, where it failed, and its identity", () => {
		const span = export_();
		expect(written(span)).not.toContain(CANARY);
		expect(span.attributes).toEqual(KEPT);
		expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
		expect(span.events.map(({ name }) => name)).toEqual([
			"gen_ai.content.prompt",
			"gen_ai.user.message",
			"retrieved",
			"exception",
		]);
		expect(span.events[0]?.attributes).toEqual({ index: 3 });
		expect(span.events[1]?.attributes).toEqual({ role: "user", "gen_ai.system": "openai" });
		expect(span.events[2]?.attributes).toEqual({ hits: 2, from: "index" });
		const { "exception.type": type, "exception.stacktrace": stack } = span.events[3]?.attributes ?? {};
		expect(type).toBe("TypeError");
		expect(stack).toContain("throwDeep");
		expect(span.spanContext().spanId).toMatch(/^[0-9a-f]{16}$/);
		expect(span.kind).toBe(SpanKind.CLIENT);
	});

	it("goes through redaction in every place, when content is asked for", () => {
		const places = new Set<string>();
		const span = export_({
			capture: true,
			redact(text, { where }) {
				places.add(where);
				return text.replaceAll(CANARY, "***");
			},
		});
		expect(written(span)).not.toContain(CANARY);
		expect(span.attributes["ai.prompt"]).toBe('[{"content":"***"}]');
		for (const key of [
			...Object.keys(CONTENT),
			"exception.message",
			"exception.stacktrace",
			"status.message",
			"gen_ai.prompt",
		]) {
			expect(places).toContain(key);
		}
		expect(written(export_({ capture: true }))).toContain(CANARY);
	});

	it.each([
		[
			"throws",
			() => {
				throw new Error(CANARY);
			},
		],
		["answers with nothing", () => undefined],
		["answers with a promise", async (text: string) => text],
	] as [string, never][])("loses every text for which redaction %s", (_what, redact) => {
		const span = export_({ capture: true, redact });
		expect(written(span)).not.toContain(CANARY);
		expect(span.attributes).toEqual(KEPT);
	});

	it("loses a long text that nobody knows when it is an LLM library's or inside a routed call, and keeps it elsewhere", () => {
		const long = CANARY.padEnd(1001, "…");
		const attributes = {
			"app.text": long,
			"app.texts": [long, ""],
			"app.short": "s".repeat(1000),
			"code.stacktrace": long,
		};
		const kept = (more: Record<string, string>, options?: ContentOptions) => {
			const span = new TracerProvider().getTracer("t").startSpan("s", { attributes: { ...attributes, ...more } });
			return new ContentGuard(options ?? { capture: false }).span(span as unknown as ReadableSpan).attributes;
		};
		const { "app.short": short, "code.stacktrace": stack } = attributes;
		for (const key of ["gen_ai.prompt.name", "gen_ai.operation.name", "openinference.span.kind", "lk.provider"]) {
			expect(kept({ [key]: "x" })).toEqual({ "app.short": short, "code.stacktrace": stack, [key]: "x" });
		}
		expect(kept({ "http.route": "/" })).toEqual({ ...attributes, "http.route": "/" });
		const redacted = kept({ "gen_ai.system": "x" }, { capture: true, redact: () => "***" });
		expect(redacted).toMatchObject({ "app.text": "***", "app.texts": ["***", "***"], "app.short": short });
	});

	it("says once that a redaction function throws, or cannot be waited for, and not what it threw", () => {
		const warn = vi.fn();
		diag.setLogger({ error() {}, warn, info() {}, debug() {}, verbose() {} });
		try {
			const refuse = (() => Promise.reject(new Error(CANARY))) as never;
			export_({ capture: true, redact: refuse });
			expect(warn.mock.calls).toEqual([[expect.stringContaining("it must answer at once")]]);
			const fail = () => {
				throw new Error(CANARY);
			};
			export_({ capture: true, redact: fail });
			expect(warn).toHaveBeenCalledTimes(2);
			expect(String(warn.mock.calls)).not.toContain(CANARY);
		} finally {
			diag.disable();
		}
	});

	it("stays the same object when there is nothing to take out", () => {
		const exporter = new InMemorySpanExporter();
		const seen: ReadableSpan[] = [];
		const provider = new TracerProvider({
			spanProcessors: [
				new SimpleSpanProcessor({ exporter: guardContent(exporter) }),
				{ onStart() {}, onEnd: (span) => void seen.push(span), forceFlush: async () => {}, shutdown: async () => {} },
			],
		});
		provider.getTracer("t").startSpan("plain", { attributes: KEPT }).end();
		expect(exporter.getFinishedSpans()[0]).toBe(seen[0]);
	});
});

it("takes content out of events, and leaves the application's own lines and the evaluation's words", () => {
	const exporter = new InMemoryLogRecordExporter();
	const emit = (options: ContentOptions | undefined) => {
		exporter.reset();
		const provider = new LoggerProvider({
			processors: [new SimpleLogRecordProcessor({ exporter: guardLogContent(exporter as never, options) as never })],
		});
		const logger = provider.getLogger("ai");
		logger.emit({
			eventName: "gen_ai.user.message",
			body: { content: CANARY },
			attributes: { "gen_ai.system": "openai" },
		});
		logger.emit({ attributes: { "event.name": "gen_ai.choice" }, body: CANARY });
		logger.emit({
			eventName: "gen_ai.client.inference.operation.details",
			attributes: { "gen_ai.input.messages": [{ parts: [{ content: CANARY }] }] } as never,
		});
		logger.emit({ body: "started", attributes: { "exception.message": CANARY } });
		logger.emit({ eventName: "gen_ai.evaluation.result", attributes: { "gen_ai.evaluation.explanation": "too long" } });
		return exporter.getFinishedLogRecords();
	};
	const dropped = emit(undefined);
	expect(JSON.stringify(dropped.map(({ body, attributes }) => [body, attributes]))).not.toContain(CANARY);
	expect(dropped[0]?.attributes).toEqual({ "gen_ai.system": "openai" });
	expect(dropped[3]?.body).toBe("started");
	expect(dropped[4]?.attributes).toEqual({ "gen_ai.evaluation.explanation": "too long" });
	const redacted = emit({ capture: true, redact: (text) => text.replaceAll(CANARY, "***") });
	expect(redacted[0]?.body).toEqual({ content: "***" });
	const circular: Record<string, unknown> = { text: CANARY };
	circular.self = circular;
	const record = { ...redacted[0]!, eventName: "gen_ai.choice", body: circular as never };
	const guard = new ContentGuard({ capture: true, redact: (text) => text });
	expect(guard.logRecord(record).body).toBeUndefined();
	expect(redacted[2]?.attributes).toEqual({ "gen_ai.input.messages": [{ parts: [{ content: "***" }] }] });
});
