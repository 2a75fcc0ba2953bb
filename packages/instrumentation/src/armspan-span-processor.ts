import { GEN_AI_OPERATION_NAME, LEAF_OPERATIONS } from "@armspan/schema/semconv";
import { type Context, type Span, TraceFlags, trace } from "@opentelemetry/api";
import { callOf, type SpanRank } from "./call-context.ts";
import { LangChainCallbackSpans } from "./langchain-callback-spans.ts";
import { noticeUnsampled } from "./unsampled-span.ts";

const LEAVES: ReadonlySet<unknown> = new Set(LEAF_OPERATIONS);
const LLM_ATTRIBUTE = /^(?:gen_ai|llm|ai|openinference)\./;

/**
 * Tags every span that is started inside `RoutedPrompt.run` with the call's assignment, whoever makes the span.
 * It is an OpenTelemetry `SpanProcessor` of SDK 2.x and 3.x by shape; no SDK is imported. Put it before the exporting
 * processor. Never throws.
 */
export class ArmspanSpanProcessor {
	readonly #callbackSpans = new LangChainCallbackSpans();

	onStart(span: Span, parentContext: Context): void {
		const call = callOf(parentContext);
		if (call === undefined) return;
		try {
			if (this.#callbackSpans.isAstray(span)) return;
			const rank = rankOf(span);
			span.setAttributes(call.attributes);
			this.#callbackSpans.started(span, call, rank === 2);
			call.spanStarted(span.spanContext(), rank);
			// Recorded, and yet not sampled; what is not recorded no processor gets to see.
			if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) noticeUnsampled(parentContext);
			const { link } = call;
			if (link !== undefined && trace.getSpan(parentContext) === undefined) span.addLink?.({ context: link });
		} catch {
			// A span that refuses attributes must not break the call that started it.
		}
	}

	onEnding(span: Span): void {
		try {
			this.#callbackSpans.ending(span);
		} catch {
			// As above.
		}
	}

	onEnd(): void {}

	async forceFlush(): Promise<void> {}

	async shutdown(): Promise<void> {}
}

function rankOf(span: Span): SpanRank {
	// The SDK's spans carry the attributes they were created with; the API's type does not promise it.
	const attributes = (span as { attributes?: Readonly<Record<string, unknown>> }).attributes;
	if (attributes === undefined) return 0;
	if (LEAVES.has(attributes[GEN_AI_OPERATION_NAME])) return 2;
	for (const key in attributes) {
		// Our own tags begin with gen_ai.prompt too: they say nothing about the span.
		if (LLM_ATTRIBUTE.test(key) && !key.startsWith("gen_ai.prompt.")) return 1;
	}
	return 0;
}
