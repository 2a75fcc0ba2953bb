import {
	GEN_AI_OPERATION_NAME,
	GEN_AI_PROVIDER_NAME,
	GEN_AI_REQUEST_MODEL,
	GEN_AI_REQUEST_STREAM,
} from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";

export type OpenAiOperation = "chat" | "text_completion" | "embeddings";

/** What is used of a client of the `openai` package. */
export interface OpenAiClient {
	readonly baseURL?: unknown;
}

/** Request fields that are recorded: numbers and names only, never a prompt. */
const NUMBERS: readonly (readonly [field: string, attribute: string])[] = [
	["temperature", "gen_ai.request.temperature"],
	["top_p", "gen_ai.request.top_p"],
	["max_tokens", "gen_ai.request.max_tokens"],
	["max_completion_tokens", "gen_ai.request.max_tokens"],
	["max_output_tokens", "gen_ai.request.max_tokens"],
	["frequency_penalty", "gen_ai.request.frequency_penalty"],
	["presence_penalty", "gen_ai.request.presence_penalty"],
	["seed", "gen_ai.request.seed"],
];

/** Attributes of the span that a request to an OpenAI-compatible API starts with. */
export function openAiRequestAttributes(
	operation: OpenAiOperation,
	request: unknown,
	client: OpenAiClient | undefined,
): Attributes {
	const fields = typeof request === "object" && request !== null ? (request as Record<string, unknown>) : {};
	const attributes: Attributes = {
		[GEN_AI_OPERATION_NAME]: operation,
		[GEN_AI_PROVIDER_NAME]: client?.constructor.name === "AzureOpenAI" ? "azure.ai.openai" : "openai",
	};
	if (typeof fields.model === "string") attributes[GEN_AI_REQUEST_MODEL] = fields.model;
	if (fields.stream === true) attributes[GEN_AI_REQUEST_STREAM] = true;
	for (const [field, attribute] of NUMBERS) {
		const value = fields[field];
		if (typeof value === "number" && Number.isFinite(value)) attributes[attribute] = value;
	}
	if (typeof fields.n === "number" && fields.n !== 1) attributes["gen_ai.request.choice.count"] = fields.n;
	const baseUrl = client?.baseURL;
	if (typeof baseUrl === "string" && URL.canParse(baseUrl)) {
		const { hostname, port, protocol } = new URL(baseUrl);
		attributes["server.address"] = hostname;
		attributes["server.port"] = port === "" ? (protocol === "http:" ? 80 : 443) : Number(port);
	}
	return attributes;
}
