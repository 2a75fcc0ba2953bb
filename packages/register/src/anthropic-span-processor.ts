import { GEN_AI_RESPONSE_FINISH_REASONS } from "@armspan/schema/semconv";
import type { Span, SpanProcessor } from "@opentelemetry/sdk-trace";

/** What `@anthropic-ai/sdk` calls the finish reason on the spans that it makes itself. */
const STOP_REASON = "anthropic.message.stop_reason";

/** Gives the spans that `@anthropic-ai/sdk` makes itself the finish reason under its standard name. */
export class AnthropicSpanProcessor implements SpanProcessor {
	onStart(): void {}

	onEnding(span: Span): void {
		const reason = span.attributes[STOP_REASON];
		if (typeof reason !== "string" || span.attributes[GEN_AI_RESPONSE_FINISH_REASONS] !== undefined) return;
		span.setAttribute(GEN_AI_RESPONSE_FINISH_REASONS, [reason]);
	}

	onEnd(): void {}

	async forceFlush(): Promise<void> {}

	async shutdown(): Promise<void> {}
}
