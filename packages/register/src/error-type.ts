const IDENTIFIER = /^[A-Za-z0-9_.:-]{1,64}$/;

/** `error.type` of a call that its caller ended because it took too long. */
export const TIMEOUT = "timeout";

/** Where nothing better is known, as the convention has it. */
export const OTHER_ERROR = "_OTHER";

/** What Anthropic's API calls its errors, and what its SDK adds. */
const ANTHROPIC: ReadonlySet<unknown> = new Set([
	...["invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error"],
	...["request_too_large", "rate_limit_error", "timeout_error", "api_error", "overloaded_error", "conflict_error"],
	...["memory_precondition_failed_error", "memory_path_conflict_error"],
	...["client_timeout_error", "connection_error"],
]);

/** Codes of responses that failed, as OpenAI's API documents them. */
const OPENAI: ReadonlySet<unknown> = new Set([
	...["server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy"],
	...["misalignment_policy_violation", "vector_store_timeout", "invalid_image", "invalid_image_format"],
	...["invalid_base64_image", "invalid_image_url", "image_too_large", "image_too_small", "image_parse_error"],
	...["image_content_policy_violation", "invalid_image_mode", "image_file_too_large", "unsupported_image_media_type"],
	...["empty_image_file", "failed_to_download_image", "image_file_not_found"],
	// Of error events.
	...["insufficient_quota", "context_length_exceeded", "invalid_api_key", "model_not_found"],
]);

/** What a provider states is the provider's text, or a proxy's: it may quote the request. Known words alone are kept. */
export function knownAnthropicError(stated: unknown): string | undefined {
	return ANTHROPIC.has(stated) ? (stated as string) : undefined;
}

export function knownOpenAiError(stated: unknown): string | undefined {
	return OPENAI.has(stated) ? (stated as string) : undefined;
}

/** Whether it may be the name of a class, or an HTTP status: a low-cardinality name that quotes nothing. */
export function isErrorName(value: unknown): value is string {
	return typeof value === "string" && IDENTIFIER.test(value);
}
