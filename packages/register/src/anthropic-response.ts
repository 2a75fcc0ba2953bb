import { knownAnthropicError } from "./error-type.ts";
import { type Fields, fieldsOf, type ResponseReader, type StatedUsage } from "./sdk-dialect.ts";

/**
 * Reads messages of Anthropic's API, whole or in the events of a stream.
 * A stream's first event has the tokens that were sent; a later one the tokens that came back, and new totals.
 */
export function anthropicResponseReader(): ResponseReader {
	let usage: Fields = {};
	const merge = (stated: unknown): StatedUsage => {
		usage = { ...usage, ...withoutNulls(fieldsOf(stated)) };
		return usageOf(usage);
	};
	return (body) => {
		const fields = fieldsOf(body);
		switch (fields.type) {
			case "message_start": {
				const message = fieldsOf(fields.message);
				// Its output is a placeholder: should the stream break off here, nothing is known of the output.
				const { output_tokens: _, output_tokens_details: __, ...sent } = fieldsOf(message.usage);
				return { responseId: message.id, responseModel: message.model, usage: merge(sent), preliminary: true };
			}
			case "message_delta":
				return { ...finishReasons(fieldsOf(fields.delta).stop_reason), usage: merge(fields.usage) };
			case "content_block_start": {
				// A fallback block names the model that goes on with the message.
				const { type, to } = fieldsOf(fields.content_block);
				return { ...(type === "fallback" ? { responseModel: fieldsOf(to).model } : {}), preliminary: true };
			}
			case "message":
				return {
					responseId: fields.id,
					responseModel: fields.model,
					...finishReasons(fields.stop_reason),
					usage: merge(fields.usage),
				};
			default:
				return { preliminary: fields.type !== "content_block_delta" };
		}
	};
}

/** `error.type` as `@anthropic-ai/sdk` puts it on spans of its own: what the API's envelope says, or the status. */
export function anthropicErrorType(error: unknown): string | undefined {
	const { status, error: envelope, type } = fieldsOf(error);
	for (const stated of [type, fieldsOf(fieldsOf(envelope).error).type]) {
		const known = knownAnthropicError(stated);
		if (known !== undefined) return known;
	}
	if (typeof status === "number") return String(status);
	const name = fieldsOf(error).constructor?.name;
	if (name === "APIConnectionTimeoutError") return "client_timeout_error";
	return name === "APIConnectionError" ? "connection_error" : undefined;
}

function finishReasons(reason: unknown): { finishReasons?: readonly string[] } {
	return typeof reason === "string" ? { finishReasons: [reason] } : {};
}

/** Anthropic's `input_tokens` leave out what was read from or written to the cache; the convention includes it. */
function usageOf(usage: Fields): StatedUsage {
	const { input_tokens: fresh, cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage;
	return {
		inputTokens: typeof fresh === "number" ? fresh + count(read) + count(written) : undefined,
		outputTokens: usage.output_tokens,
		cacheReadTokens: read,
		cacheWriteTokens: written,
		cacheWriteOneHourTokens: fieldsOf(usage.cache_creation).ephemeral_1h_input_tokens,
		reasoningTokens: fieldsOf(usage.output_tokens_details).thinking_tokens,
	};
}

function count(tokens: unknown): number {
	return typeof tokens === "number" ? tokens : 0;
}

/** A total that does not apply is null, and says nothing against an earlier one. */
function withoutNulls(fields: Fields): Fields {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}
