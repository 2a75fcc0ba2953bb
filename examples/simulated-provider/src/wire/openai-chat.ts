import { isObject, limitOf, messagesOf, modelOf, userOf } from "../chat-request.ts";
import type { SimulatedUsage } from "../simulated-usage.ts";
import { openAiError } from "./openai-error.ts";
import { dataEvent, type WireFormat } from "./wire-format.ts";

/** `POST /v1/chat/completions`. */
export const openAiChat: WireFormat = {
	idPrefix: "chatcmpl-",
	requestIdHeader: "x-request-id",
	parse: (body) => ({
		model: modelOf(body.model),
		messages: messagesOf(body.messages),
		maxTokens: limitOf("max_tokens", body.max_completion_tokens ?? body.max_tokens),
		stream: body.stream === true,
		includeUsage: isObject(body.stream_options) && body.stream_options.include_usage === true,
		user: userOf(body.user),
	}),
	whole({ id, request, text, finishReason, usage, created }) {
		const message = { role: "assistant", content: text, refusal: null };
		const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReason }];
		return { id, object: "chat.completion", created, model: request.model, choices, usage: usageFields(usage) };
	},
	events({ id, request, finishReason, usage, created }) {
		// OpenAI sends `usage: null` on every chunk but the last when usage was asked for.
		const noUsage = request.includeUsage ? { usage: null } : {};
		const chunk = (choices: unknown[], rest: object = noUsage): string =>
			dataEvent({ id, object: "chat.completion.chunk", created, model: request.model, choices, ...rest });
		const delta = (content: object, finish_reason: string | null = null) => [
			{ index: 0, delta: content, finish_reason },
		];
		return {
			opening: [chunk(delta({ role: "assistant", content: "" }))],
			part: (content) => chunk(delta({ content })),
			closing: [
				chunk(delta({}, finishReason)),
				...(request.includeUsage ? [chunk([], { usage: usageFields(usage) })] : []),
				"data: [DONE]\n\n",
			],
			failure: dataEvent(openAiError({ status: 500, message: "The server had an error while streaming." })),
		};
	},
	error: openAiError,
};

function usageFields(usage: SimulatedUsage): object {
	return {
		prompt_tokens: usage.input,
		completion_tokens: usage.output,
		total_tokens: usage.input + usage.output,
		...(usage.cacheRead === 0 ? {} : { prompt_tokens_details: { cached_tokens: usage.cacheRead } }),
		...(usage.reasoning === 0 ? {} : { completion_tokens_details: { reasoning_tokens: usage.reasoning } }),
	};
}
