import type { Attributes } from "@opentelemetry/api";
import { requestAttributes } from "./request-attributes.ts";
import { fieldsOf, type LlmOperation } from "./sdk-dialect.ts";

/** What is used of the HTTP client of `@google/genai`. */
export interface GoogleClient {
	isVertexAI?(): unknown;
	getBaseUrl?(): unknown;
}

const NUMBERS = [
	["temperature", "gen_ai.request.temperature"],
	["topP", "gen_ai.request.top_p"],
	["topK", "gen_ai.request.top_k"],
	["maxOutputTokens", "gen_ai.request.max_tokens"],
	["frequencyPenalty", "gen_ai.request.frequency_penalty"],
	["presencePenalty", "gen_ai.request.presence_penalty"],
	["seed", "gen_ai.request.seed"],
] as const;

/** Attributes of the span that a request to the Gemini API, or to Vertex AI, starts with. */
export function googleRequestAttributes(
	operation: LlmOperation,
	request: unknown,
	stream: boolean,
	client: GoogleClient | undefined,
): Attributes {
	const { model, config } = fieldsOf(request);
	const parameters = fieldsOf(config);
	const attributes = requestAttributes({
		operation,
		provider: client?.isVertexAI?.() === true ? "gcp.vertex_ai" : "gcp.gemini",
		// `models/gemini-…` and a full resource name end in the name that has a price.
		model: typeof model === "string" ? model.slice(model.lastIndexOf("/") + 1) : undefined,
		stream,
		baseUrl: fieldsOf(parameters.httpOptions).baseUrl ?? client?.getBaseUrl?.(),
		parameters,
		numbers: NUMBERS,
	});
	const { candidateCount } = parameters;
	if (typeof candidateCount === "number" && candidateCount !== 1) {
		attributes["gen_ai.request.choice.count"] = candidateCount;
	}
	return attributes;
}
