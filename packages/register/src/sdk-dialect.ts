import type { Attributes } from "@opentelemetry/api";

export type LlmOperation = "chat" | "text_completion" | "generate_content" | "embeddings";

/** Token counts as the semantic conventions define them; `unknown` because a provider stated them. */
export interface StatedUsage {
	/** Includes tokens read from and written to a cache. */
	readonly inputTokens?: unknown;
	/** Includes reasoning tokens. */
	readonly outputTokens?: unknown;
	readonly cacheReadTokens?: unknown;
	readonly cacheWriteTokens?: unknown;
	/** The part of `cacheWriteTokens` that is kept for an hour, which costs more. */
	readonly cacheWriteOneHourTokens?: unknown;
	readonly reasoningTokens?: unknown;
}

/** What an answer, or one event of its stream, says about the call. What is absent stays as it was. */
export interface Observation {
	readonly responseId?: unknown;
	readonly responseModel?: unknown;
	/** One per choice, in their order; holes for choices that have not finished. */
	readonly finishReasons?: readonly (string | undefined)[];
	readonly usage?: StatedUsage;
	/** `error.type` of a failure that the body states, where HTTP said 200. */
	readonly failure?: string;
	/** An event that says nothing of the answer yet, such as a greeting: no first chunk. */
	readonly preliminary?: boolean;
}

/** Reads the answer or, one after another, the events of its stream; never a prompt or an answer's text. */
export type ResponseReader = (body: unknown) => Observation;

/** What differs between LLM SDKs once a call is under way. */
export interface SdkDialect {
	/** One reader per call: usage may be spread over the events of a stream. */
	createReader(): ResponseReader;
	/** `error.type` of an error, low in cardinality, where the name of its class would not do. */
	errorType?(error: unknown): string | undefined;
}

/** A request that is about to be made. */
export interface LlmRequest {
	readonly operation: LlmOperation;
	/** What the span starts with. */
	readonly attributes: Attributes;
	readonly dialect: SdkDialect;
	/** What the SDK's method was given; read only when content is asked for. */
	readonly body: unknown;
}

export type Fields = Readonly<Record<string, unknown>>;

/** The value's fields, or none when it is no object: what comes from a provider may be anything. */
export function fieldsOf(value: unknown): Fields {
	return typeof value === "object" && value !== null ? (value as Fields) : {};
}
