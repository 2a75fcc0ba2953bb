import { isObject, limitOf, modelOf, textOf, userOf } from "../chat-request.ts";
import { openAiError } from "./openai-error.ts";
import { dataEvent, type WireFormat } from "./wire-format.ts";

/** `POST /v1/completions`, the legacy one. */
export const openAiCompletions: WireFormat = {
	idPrefix: "cmpl-",
	requestIdHeader: "x-request-id",
	parse: (body) => ({
		model: modelOf(body.model),
		messages: [{ role: "user", content: textOf(body.prompt) }],
		maxTokens: limitOf("max_tokens", body.max_tokens),
		stream: body.stream === true,
		includeUsage: isObject(body.stream_options) && body.stream_options.include_usage === true,
		user: userOf(body.user),
	}),
	whole({ id, request, text, finishReason, usage, created }) {
		const choices = [{ index: 0, text, logprobs: null, finish_reason: finishReason }];
		return { id, object: "text_completion", created, model: request.model, choices, usage: usageFields(usage) };
	},
	events({ id, request, finishReason, usage, created }) {
		const chunk = (choices: unknown[], rest: object = {}): string =>
			dataEvent({ id, object: "text_completion", created, model: request.model, choices, ...rest });
		const choice = (text: string, finish_reason: string | null) => [{ index: 0, text, logprobs: null, finish_reason }];
		return {
			opening: [],
			part: (text) => chunk(choice(text, null)),
			closing: [
				chunk(choice("", finishReason)),
				...(request.includeUsage ? [chunk([], { usage: usageFields(usage) })] : []),
				"data: [DONE]\n\n",
			],
			failure: dataEvent(openAiError({ status: 500, message: "The server had an error while streaming." })),
		};
	},
	error: openAiError,
};

function usageFields({ input, output }: { input: number; output: number }): object {
	return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
