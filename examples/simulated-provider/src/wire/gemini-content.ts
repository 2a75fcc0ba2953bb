import { InvalidRequest, isObject, limitOf, textOf } from "../chat-request.ts";
import { geminiError } from "./gemini-error.ts";
import { type Answer, dataEvent, type WireFormat } from "./wire-format.ts";

/** `POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent?alt=sse`. */
export const geminiContent: WireFormat = {
	idPrefix: "",
	requestIdHeader: "x-request-id",
	parse(body, { model, stream }) {
		const { contents, systemInstruction, generationConfig } = body;
		if (!Array.isArray(contents) || contents.length === 0) {
			throw new InvalidRequest("contents", "expected a list with at least one content");
		}
		return {
			model,
			messages: [
				...(systemInstruction === undefined ? [] : [{ role: "system", content: textOf(systemInstruction) }]),
				...contents.map((content: unknown) => ({
					role: isObject(content) && content.role === "model" ? "assistant" : "user",
					content: textOf(content),
				})),
			],
			maxTokens: limitOf("maxOutputTokens", isObject(generationConfig) ? generationConfig.maxOutputTokens : undefined),
			stream,
			includeUsage: true,
			user: "anonymous",
		};
	},
	whole: (answer) => content(answer, answer.text, finishReason(answer)),
	events: (answer) => ({
		opening: [],
		part: (text) => dataEvent(content(answer, text, undefined)),
		closing: [dataEvent(content(answer, "", finishReason(answer)))],
		failure: dataEvent(geminiError({ status: 503, message: "The model is overloaded." })),
	}),
	error: geminiError,
};

function finishReason(answer: Answer): string {
	return answer.finishReason === "stop" ? "STOP" : "MAX_TOKENS";
}

/** Every chunk states the usage so far; the candidates leave out what was thought. */
function content(answer: Answer, text: string, reason: string | undefined): object {
	const { id, request, usage } = answer;
	return {
		candidates: [
			{
				content: { role: "model", parts: [{ text }] },
				index: 0,
				...(reason === undefined ? {} : { finishReason: reason }),
			},
		],
		modelVersion: request.model,
		responseId: id,
		usageMetadata: {
			promptTokenCount: usage.input,
			totalTokenCount: usage.input + usage.output,
			...(usage.cacheRead === 0 ? {} : { cachedContentTokenCount: usage.cacheRead }),
			...(reason === undefined ? {} : { candidatesTokenCount: usage.output - usage.reasoning }),
			...(usage.reasoning === 0 ? {} : { thoughtsTokenCount: usage.reasoning }),
		},
	};
}
