import {
	GEN_AI_OPERATION_NAME,
	GEN_AI_PROVIDER_NAME,
	GEN_AI_REQUEST_MODEL,
	GEN_AI_REQUEST_STREAM,
} from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";
import type { Fields, LlmOperation } from "./sdk-dialect.ts";

interface RequestFacts {
	readonly operation: LlmOperation;
	/** `gen_ai.provider.name`. */
	readonly provider: string;
	readonly model: unknown;
	readonly stream: boolean;
	readonly baseUrl: unknown;
	/** Where the numbers below are looked up. */
	readonly parameters: Fields;
	/** Request fields that are recorded: numbers only, never a prompt. */
	readonly numbers: readonly (readonly [field: string, attribute: string])[];
}

/** Attributes of the span that a request starts with. */
export function requestAttributes(facts: RequestFacts): Attributes {
	const attributes: Attributes = {
		[GEN_AI_OPERATION_NAME]: facts.operation,
		[GEN_AI_PROVIDER_NAME]: facts.provider,
		...serverAttributes(facts.baseUrl),
	};
	if (typeof facts.model === "string") attributes[GEN_AI_REQUEST_MODEL] = facts.model;
	if (facts.stream) attributes[GEN_AI_REQUEST_STREAM] = true;
	for (const [field, attribute] of facts.numbers) {
		const value = facts.parameters[field];
		if (typeof value === "number" && Number.isFinite(value)) attributes[attribute] = value;
	}
	return attributes;
}

function serverAttributes(baseUrl: unknown): Attributes {
	if (typeof baseUrl !== "string" || !URL.canParse(baseUrl)) return {};
	const { hostname, port, protocol } = new URL(baseUrl);
	return {
		"server.address": hostname,
		"server.port": port === "" ? (protocol === "http:" ? 80 : 443) : Number(port),
	};
}
