import type { Attributes } from "@opentelemetry/api";
import { requestAttributes } from "./request-attributes.ts";
import { fieldsOf } from "./sdk-dialect.ts";

/** What is used of a client of `@anthropic-ai/sdk`, or of the packages for other platforms that extend it. */
export interface AnthropicClient {
	readonly baseURL?: unknown;
	/** Present when the SDK (0.134 and later) makes spans itself. */
	readonly _tracer?: unknown;
	readonly openTelemetry?: { readonly tracerProvider?: unknown };
	readonly _genAIProviderName?: unknown;
}

const NUMBERS = [
	["temperature", "gen_ai.request.temperature"],
	["top_p", "gen_ai.request.top_p"],
	["top_k", "gen_ai.request.top_k"],
	["max_tokens", "gen_ai.request.max_tokens"],
] as const;

/** Attributes of the span that a request to the Messages API starts with. */
export function anthropicRequestAttributes(request: unknown, client: AnthropicClient | undefined): Attributes {
	const parameters = fieldsOf(request);
	return requestAttributes({
		operation: "chat",
		provider: providerOf(client),
		model: parameters.model,
		stream: parameters.stream === true,
		baseUrl: client?.baseURL,
		parameters,
		numbers: NUMBERS,
	});
}

function providerOf(client: AnthropicClient | undefined): string {
	if (typeof client?._genAIProviderName === "string") return client._genAIProviderName;
	const name = client?.constructor.name ?? "";
	if (name.startsWith("AnthropicBedrock")) return "aws.bedrock";
	return name === "AnthropicVertex" ? "gcp.vertex_ai" : "anthropic";
}
