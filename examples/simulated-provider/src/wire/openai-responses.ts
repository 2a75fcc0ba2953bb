import { isObject, limitOf, messagesOf, modelOf, textOf, userOf } from "../chat-request.ts";
import { openAiError } from "./openai-error.ts";
import { type Answer, namedEvent, type WireFormat } from "./wire-format.ts";

/** `POST /v1/responses`. */
export const openAiResponses: WireFormat = {
	idPrefix: "resp_",
	requestIdHeader: "x-request-id",
	parse: (body) => ({
		model: modelOf(body.model),
		messages: [
			...(typeof body.instructions === "string" ? [{ role: "system", content: body.instructions }] : []),
			...(Array.isArray(body.input) && body.input.every((item) => isObject(item) && "role" in item)
				? messagesOf(body.input)
				: [{ role: "user", content: textOf(body.input) }]),
		],
		maxTokens: limitOf("max_output_tokens", body.max_output_tokens),
		stream: body.stream === true,
		includeUsage: true,
		user: userOf(body.safety_identifier ?? body.user),
	}),
	whole: (answer) => response(answer, answer.finishReason === "stop" ? "completed" : "incomplete"),
	events(answer) {
		let sequence_number = 0;
		const event = (type: string, rest: object): string =>
			namedEvent({ type, sequence_number: sequence_number++, ...rest });
		const begun = { ...response(answer, "in_progress"), output: [], usage: null };
		const status = answer.finishReason === "stop" ? "completed" : "incomplete";
		const error = { code: "server_error", message: "The server had an error while streaming." };
		const place = { item_id: itemIdOf(answer), output_index: 0, content_index: 0 };
		const message = outputMessage(answer, "in_progress");
		return {
			opening: [
				event("response.created", { response: begun }),
				event("response.in_progress", { response: begun }),
				event("response.output_item.added", { output_index: 0, item: { ...message, content: [] } }),
				event("response.content_part.added", { ...place, part: { type: "output_text", text: "", annotations: [] } }),
			],
			part: (delta) => event("response.output_text.delta", { ...place, delta }),
			closing: [
				event("response.output_text.done", { ...place, text: answer.text }),
				event("response.output_item.done", { output_index: 0, item: outputMessage(answer, status) }),
				event(`response.${status}`, { response: response(answer, status) }),
			],
			failure: event("response.failed", { response: { ...begun, status: "failed", error } }),
		};
	},
	error: openAiError,
};

function itemIdOf({ id }: Answer): string {
	return id.replace("resp_", "msg_");
}

function outputMessage(answer: Answer, status: string): object {
	const content = [{ type: "output_text", text: answer.text, annotations: [] }];
	return { id: itemIdOf(answer), type: "message", role: "assistant", status, content };
}

function response(answer: Answer, status: string): Record<string, unknown> {
	const { id, created, request, usage } = answer;
	return {
		id,
		object: "response",
		created_at: created,
		status,
		error: null,
		incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
		model: request.model,
		output: [outputMessage(answer, status)],
		usage: {
			input_tokens: usage.input,
			input_tokens_details: { cached_tokens: usage.cacheRead },
			output_tokens: usage.output,
			output_tokens_details: { reasoning_tokens: usage.reasoning },
			total_tokens: usage.input + usage.output,
		},
	};
}
