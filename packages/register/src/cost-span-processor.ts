import {
	ARMSPAN_COST_SOURCE,
	ARMSPAN_COST_USD,
	GEN_AI_OPERATION_NAME,
	GEN_AI_PROVIDER_NAME,
	GEN_AI_REQUEST_MODEL,
	GEN_AI_RESPONSE_MODEL,
	GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
	GEN_AI_USAGE_INPUT_TOKENS,
	GEN_AI_USAGE_OUTPUT_TOKENS,
	LEAF_OPERATIONS,
} from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";
import type { Span, SpanProcessor } from "@opentelemetry/sdk-trace";
import { costUsd } from "./cost-usd.ts";

const LEAVES: ReadonlySet<unknown> = new Set(LEAF_OPERATIONS);

/**
 * Puts `armspan.cost.usd` on every leaf LLM span that reports its usage, whoever made the span, just before it ends.
 * A cost that is there already stays. A model without a known price gets no cost.
 */
export class CostSpanProcessor implements SpanProcessor {
	onStart(): void {}

	onEnding(span: Span): void {
		const { attributes } = span;
		if (!LEAVES.has(attributes[GEN_AI_OPERATION_NAME]) || attributes[ARMSPAN_COST_USD] !== undefined) return;
		const cost = costOf(attributes);
		if (cost === undefined) return;
		span.setAttribute(ARMSPAN_COST_USD, cost);
		span.setAttribute(ARMSPAN_COST_SOURCE, "price-table");
	}

	onEnd(): void {}

	async forceFlush(): Promise<void> {}

	async shutdown(): Promise<void> {}
}

function costOf(attributes: Attributes): number | undefined {
	const inputTokens = attributes[GEN_AI_USAGE_INPUT_TOKENS];
	const outputTokens = attributes[GEN_AI_USAGE_OUTPUT_TOKENS];
	const cachedTokens = attributes[GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS];
	if (typeof inputTokens !== "number") return undefined;
	// Only an embedding has no output to pay for; elsewhere half a usage would be half a cost.
	if (typeof outputTokens !== "number" && attributes[GEN_AI_OPERATION_NAME] !== "embeddings") return undefined;
	const usage = {
		inputTokens,
		outputTokens: typeof outputTokens === "number" ? outputTokens : 0,
		cachedTokens: typeof cachedTokens === "number" ? cachedTokens : 0,
	};
	const provider = attributes[GEN_AI_PROVIDER_NAME];
	// The response names the dated model that was billed; a proxy may answer with a name of its own.
	for (const model of [attributes[GEN_AI_RESPONSE_MODEL], attributes[GEN_AI_REQUEST_MODEL]]) {
		if (typeof model !== "string") continue;
		const cost = costUsd(usage, model, typeof provider === "string" ? provider : undefined);
		if (cost !== undefined) return cost;
	}
	return undefined;
}
