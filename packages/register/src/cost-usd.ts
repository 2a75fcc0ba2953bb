import { calcPrice } from "@pydantic/genai-prices";

export interface TokenUsage {
	/** Includes tokens read from and written to a cache. */
	readonly inputTokens: number;
	readonly outputTokens: number;
	readonly cacheReadTokens?: number;
	/** Includes those kept for an hour. */
	readonly cacheWriteTokens?: number;
	readonly cacheWriteOneHourTokens?: number;
}

/** `gen_ai.provider.name` → the price table's provider, where they differ. */
const PROVIDERS: Readonly<Record<string, string>> = {
	"aws.bedrock": "aws",
	"azure.ai.openai": "azure",
	"azure.ai.inference": "azure",
	"gcp.gemini": "google",
	"gcp.vertex_ai": "google",
	"gcp.gen_ai": "google",
	mistral_ai: "mistral",
	x_ai: "x-ai",
};

/**
 * Price of one call in US dollars, from the price table shipped with `@pydantic/genai-prices`; offline.
 * @param provider `gen_ai.provider.name`; when absent, guessed from the model's name
 * @returns `undefined`, never 0, for a model without a known price and for usage that makes no sense
 */
export function costUsd(usage: TokenUsage, model: string, provider: string | undefined): number | undefined {
	const tokens = {
		input_tokens: usage.inputTokens,
		output_tokens: usage.outputTokens,
		cache_read_tokens: usage.cacheReadTokens ?? 0,
		cache_write_tokens: usage.cacheWriteTokens ?? 0,
		cache_write_1h_tokens: usage.cacheWriteOneHourTokens ?? 0,
	};
	try {
		const options = provider === undefined ? {} : { providerId: PROVIDERS[provider] ?? provider };
		const price = calcPrice(tokens, model, options)?.total_price;
		return price !== undefined && Number.isFinite(price) && price >= 0 ? price : undefined;
	} catch {
		// The table refuses impossible usage, such as more cached tokens than tokens: not estimable.
		return undefined;
	}
}
