import type { Attributes } from "@opentelemetry/api";
import { requestAttributes } from "./request-attributes.ts";
import { fieldsOf, type LlmOperation } from "./sdk-dialect.ts";

/** What is used of a client of the `openai` package. */
export interface OpenAiClient {
	readonly baseURL?: unknown;
}

const NUMBERS = [
	["temperature", "gen_ai.request.temperature"],
	["top_p", "gen_ai.request.top_p"],
	["max_tokens", "gen_ai.request.max_tokens"],
	["max_completion_tokens", "gen_ai.request.max_tokens"],
	["max_output_tokens", "gen_ai.request.max_tokens"],
	["frequency_penalty", "gen_ai.request.frequency_penalty"],
	["presence_penalty", "gen_ai.request.presence_penalty"],
	["seed", "gen_ai.request.seed"],
] as const;

/** Attributes of the span that a request to an OpenAI-compatible API starts with. */
export function openAiRequestAttributes(
	operation: LlmOperation,
	request: unknown,
	client: OpenAiClient | undefined,
): Attributes {
	const parameters = fieldsOf(request);
	const attributes = requestAttributes({
		operation,
		provider: client?.constructor.name === "AzureOpenAI" ? "azure.ai.openai" : "openai",
		model: parameters.model,
		stream: parameters.stream === true,
		baseUrl: client?.baseURL,
		parameters,
		numbers: NUMBERS,
	});
	if (typeof parameters.n === "number" && parameters.n !== 1) attributes["gen_ai.request.choice.count"] = parameters.n;
	return attributes;
}
