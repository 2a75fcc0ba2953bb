import { modelOf, textOf, userOf } from "../chat-request.ts";
import { openAiError } from "./openai-error.ts";
import type { WireFormat } from "./wire-format.ts";

/** `POST /v1/embeddings`: one vector for each input, as numbers. */
export const openAiEmbeddings: WireFormat = {
	idPrefix: "embd-",
	requestIdHeader: "x-request-id",
	parse: (body) => ({
		model: modelOf(body.model),
		messages: (Array.isArray(body.input) ? body.input : [body.input]).map((input: unknown) => ({
			role: "user",
			content: textOf(input),
		})),
		maxTokens: 0,
		stream: false,
		includeUsage: false,
		user: userOf(body.user),
	}),
	whole: ({ request, usage }) => ({
		object: "list",
		model: request.model,
		data: request.messages.map(({ content }, index) => ({
			object: "embedding",
			index,
			embedding: [content.length / 100, 0.5, -0.5],
		})),
		usage: { prompt_tokens: usage.input, total_tokens: usage.input },
	}),
	error: openAiError,
};
