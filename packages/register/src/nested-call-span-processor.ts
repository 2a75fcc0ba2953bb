import { GEN_AI_PROMPT_NAME } from "@armspan/schema/semconv";
import { type Context, type Span, trace } from "@opentelemetry/api";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import { isLeafSpan } from "./leaf-span.ts";

/**
 * Takes the prompt's name off a leaf LLM span that is started directly inside another: both are of the same call, made
 * by two instrumentations, and the evidence would count the call, and pay for it, twice. The outer one counts.
 * The span itself is its maker's and stays as it is. Put it after Armspan's processor.
 */
export class NestedCallSpanProcessor implements SpanProcessor {
	readonly #insideLeaf = new WeakSet<Span>();

	onStart(span: Span, parentContext: Context): void {
		if (isLeafSpan(trace.getSpan(parentContext))) this.#insideLeaf.add(span);
	}

	/** Not before: OpenInference says what a span is after it has started it. */
	onEnding(span: Span): void {
		if (this.#insideLeaf.has(span) && isLeafSpan(span)) span.setAttribute(GEN_AI_PROMPT_NAME, "");
	}

	onEnd(): void {}

	async forceFlush(): Promise<void> {}

	async shutdown(): Promise<void> {}
}
