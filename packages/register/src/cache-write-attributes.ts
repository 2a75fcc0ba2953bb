/** Tokens written to a prompt cache, all and those kept for an hour; both are part of the input tokens. */
export const CACHE_WRITE_INPUT_TOKENS = "gen_ai.usage.cache_write.input_tokens";
/** No convention yet; the name that `@anthropic-ai/sdk` gives it on its own spans. */
export const CACHE_WRITE_ONE_HOUR_INPUT_TOKENS = "anthropic.usage.cache_creation.ephemeral_1h_input_tokens";
