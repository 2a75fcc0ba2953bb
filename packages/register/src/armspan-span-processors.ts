import { ArmspanSpanProcessor } from "@armspan/instrumentation";
import type { Context, Span } from "@opentelemetry/api";
import { AbortSpanProcessor } from "./abort-span-processor.ts";
import { AnthropicSpanProcessor } from "./anthropic-span-processor.ts";
import { CostSpanProcessor } from "./cost-span-processor.ts";
import { NestedCallSpanProcessor } from "./nested-call-span-processor.ts";

/** A `SpanProcessor` of OpenTelemetry's SDK 2.x and 3.x, by shape. */
export interface ArmspanProcessor {
	onStart(span: Span, parentContext: Context): void;
	onEnding(span: Span): void;
	onEnd(): void;
	forceFlush(): Promise<void>;
	shutdown(): Promise<void>;
}

/**
 * What register does to spans, for an OpenTelemetry set-up of your own: tags of routed and recognised calls, one count
 * for a call that two instrumentations see, finish reasons of `@anthropic-ai/sdk`'s own spans, how aborted calls ended, and costs. In this order,
 * before the processors that export.
 */
export function armspanSpanProcessors(): ArmspanProcessor[] {
	return [
		new ArmspanSpanProcessor(),
		new NestedCallSpanProcessor(),
		new AnthropicSpanProcessor(),
		new AbortSpanProcessor(),
		new CostSpanProcessor() as ArmspanProcessor,
	];
}
