import { InvalidRequest, isObject, textOf } from "../chat-request.ts";
import { geminiError } from "./gemini-error.ts";
import type { WireFormat } from "./wire-format.ts";

/** `POST /v1beta/models/MODEL:batchEmbedContents`, and `:embedContent`, which asks for one. */
export const geminiEmbeddings: WireFormat = {
	idPrefix: "",
	requestIdHeader: "x-request-id",
	parse(body, { model }) {
		const requests = body.requests ?? [body];
		if (!Array.isArray(requests)) throw new InvalidRequest("requests", "expected a list");
		return {
			model,
			messages: requests.map((request: unknown) => ({
				role: "user",
				content: textOf(isObject(request) ? request.content : undefined),
			})),
			maxTokens: 0,
			stream: false,
			includeUsage: false,
			user: "anonymous",
		};
	},
	whole({ request, usage }) {
		const embeddings = request.messages.map(({ content }) => ({ values: [content.length / 100, 0.5, -0.5] }));
		return { embeddings, embedding: embeddings[0], usageMetadata: { promptTokenCount: usage.input } };
	},
	error: geminiError,
};
