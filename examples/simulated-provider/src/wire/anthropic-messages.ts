import { isObject, limitOf, messagesOf, modelOf, textOf, userOf } from "../chat-request.ts";
import type { SimulatedUsage } from "../simulated-usage.ts";
import { type Answer, type Failure, namedEvent, type WireFormat } from "./wire-format.ts";

const ERROR_TYPES: Readonly<Record<number, string>> = {
	400: "invalid_request_error",
	401: "authentication_error",
	404: "not_found_error",
	413: "request_too_large",
	429: "rate_limit_error",
	529: "overloaded_error",
};

/** `POST /v1/messages`. */
export const anthropicMessages: WireFormat = {
	idPrefix: "msg_",
	requestIdHeader: "request-id",
	parse: (body) => ({
		model: modelOf(body.model),
		messages: [
			...(body.system === undefined ? [] : [{ role: "system", content: textOf(body.system) }]),
			...messagesOf(body.messages),
		],
		maxTokens: limitOf("max_tokens", body.max_tokens),
		stream: body.stream === true,
		includeUsage: true,
		user: userOf(isObject(body.metadata) ? body.metadata.user_id : undefined),
	}),
	whole: (answer) => message(answer, [{ type: "text", text: answer.text }], stopReason(answer)),
	events(answer) {
		const { usage } = answer;
		// The output of the first event is a placeholder.
		const begun = message({ ...answer, usage: { ...usage, output: 1, reasoning: 0 } }, [], null);
		const { output_tokens, output_tokens_details } = usageFields(usage);
		return {
			opening: [
				namedEvent({ type: "message_start", message: begun }),
				namedEvent({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
				namedEvent({ type: "ping" }),
			],
			part: (text) => namedEvent({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
			closing: [
				namedEvent({ type: "content_block_stop", index: 0 }),
				namedEvent({
					type: "message_delta",
					delta: { stop_reason: stopReason(answer), stop_sequence: null },
					usage: { output_tokens, ...(output_tokens_details === undefined ? {} : { output_tokens_details }) },
				}),
				namedEvent({ type: "message_stop" }),
			],
			failure: namedEvent(anthropicError({ status: 529, message: "Overloaded" })),
		};
	},
	error: anthropicError,
};

/** `POST /v1/messages/count_tokens`: not a call of a model. */
export const anthropicCountTokens: WireFormat = {
	...anthropicMessages,
	whole: ({ usage }) => ({ input_tokens: usage.input }),
};

function anthropicError({ status, message: text }: Failure) {
	return { type: "error", error: { type: ERROR_TYPES[status] ?? "api_error", message: text } };
}

function stopReason({ finishReason }: Answer): string {
	return finishReason === "stop" ? "end_turn" : "max_tokens";
}

function message({ id, request, usage }: Answer, content: unknown[], stop_reason: string | null): object {
	return {
		id,
		type: "message",
		role: "assistant",
		model: request.model,
		content,
		stop_reason,
		stop_sequence: null,
		usage: usageFields(usage),
	};
}

/** Anthropic's input tokens leave out those of the cache. */
function usageFields(usage: SimulatedUsage) {
	return {
		input_tokens: usage.input - usage.cacheRead - usage.cacheWrite,
		cache_creation_input_tokens: usage.cacheWrite,
		cache_read_input_tokens: usage.cacheRead,
		cache_creation: {
			ephemeral_5m_input_tokens: usage.cacheWrite - usage.cacheWriteOneHour,
			ephemeral_1h_input_tokens: usage.cacheWriteOneHour,
		},
		output_tokens: usage.output,
		service_tier: "standard",
		...(usage.reasoning === 0 ? {} : { output_tokens_details: { thinking_tokens: usage.reasoning } }),
	} as { output_tokens: number; output_tokens_details?: { thinking_tokens: number } };
}
