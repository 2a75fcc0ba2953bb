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
} from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";
import type { Span, SpanProcessor } from "@opentelemetry/sdk-trace";
import { CACHE_WRITE_INPUT_TOKENS, CACHE_WRITE_ONE_HOUR_INPUT_TOKENS } from "./cache-write-attributes.ts";
import { costUsd, type TokenUsage } from "./cost-usd.ts";
import { isLeafSpan } from "./leaf-span.ts";

/** OpenInference's names for the same. */
const LLM_MODEL_NAME = "llm.model_name";
const LLM_PROVIDER = "llm.provider";
const LLM_COST_TOTAL = "llm.cost.total";
const LLM_TOKENS = "llm.token_count";

/**
 * Puts `armspan.cost.usd` on every leaf LLM span that reports its usage, whoever made the span, just before it ends.
 * A cost that is there already stays. A model without a known price gets no cost.
 */
export class CostSpanProcessor implements SpanProcessor {
	onStart(): void {}

	onEnding(span: Span): void {
		const { attributes } = span;
		if (attributes[ARMSPAN_COST_USD] !== undefined || attributes[LLM_COST_TOTAL] !== undefined) return;
		if (!isLeafSpan(span)) return;
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
	const usage = usageOf(attributes);
	if (usage === undefined) return undefined;
	const provider = attributes[GEN_AI_PROVIDER_NAME] ?? attributes[LLM_PROVIDER];
	// The response names the dated model that was billed; a proxy may answer with a name of its own.
	for (const name of [GEN_AI_RESPONSE_MODEL, GEN_AI_REQUEST_MODEL, LLM_MODEL_NAME]) {
		const model = attributes[name];
		if (typeof model !== "string") continue;
		const cost = costUsd(usage, model, typeof provider === "string" ? provider : undefined);
		if (cost !== undefined) return cost;
	}
	return undefined;
}

function usageOf(attributes: Attributes): TokenUsage | undefined {
	const count = (...names: string[]): number | undefined =>
		names.map((name) => attributes[name]).find((value) => typeof value === "number");
	const inputTokens = count(GEN_AI_USAGE_INPUT_TOKENS, `${LLM_TOKENS}.prompt`);
	const outputTokens = count(GEN_AI_USAGE_OUTPUT_TOKENS, `${LLM_TOKENS}.completion`);
	if (inputTokens === undefined) return undefined;
	// Only an embedding has no output to pay for; elsewhere half a usage would be half a cost.
	const isEmbedding =
		attributes[GEN_AI_OPERATION_NAME] === "embeddings" || attributes["openinference.span.kind"] === "EMBEDDING";
	if (outputTokens === undefined && !isEmbedding) return undefined;
	return {
		inputTokens,
		outputTokens: outputTokens ?? 0,
		cacheReadTokens: count(GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, `${LLM_TOKENS}.prompt_details.cache_read`) ?? 0,
		cacheWriteTokens: count(CACHE_WRITE_INPUT_TOKENS, `${LLM_TOKENS}.prompt_details.cache_write`) ?? 0,
		cacheWriteOneHourTokens: count(CACHE_WRITE_ONE_HOUR_INPUT_TOKENS) ?? 0,
	};
}
