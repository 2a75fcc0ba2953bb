import {
	ERROR_TYPE,
	GEN_AI_RESPONSE_FINISH_REASONS,
	GEN_AI_RESPONSE_ID,
	GEN_AI_RESPONSE_MODEL,
	GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
	GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
	GEN_AI_USAGE_INPUT_TOKENS,
	GEN_AI_USAGE_OUTPUT_TOKENS,
	GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
} from "@armspan/schema/semconv";
import { type Span, SpanStatusCode } from "@opentelemetry/api";

import { observeStream } from "./openai-stream.ts";

const HTTP_RESPONSE_STATUS_CODE = "http.response.status_code";

/** Of a response of the Responses API; the others say that it is under way. */
const FINAL_STATUSES: ReadonlySet<unknown> = new Set(["completed", "failed", "incomplete", "cancelled"]);

type Fields = Readonly<Record<string, unknown>>;

/** One request to OpenAI's API and its span. Every method may be called late or twice; the span ends once. */
export class OpenAiCall {
	readonly #span: Span;
	readonly #startedAtMs = performance.now();
	#ended = false;
	#chunkSeen = false;
	#received = false;
	readonly #finishReasons: string[] = [];

	constructor(span: Span) {
		this.#span = span;
	}

	/** What the SDK made of the response: the whole answer, of any endpoint, or a stream that is then followed. */
	received(value: unknown): void {
		if (this.#received) return;
		this.#received = true;
		if (observeStream(value, this)) return;
		this.#observe(value);
		this.end();
	}

	/** One event of a stream: a chat or text completion's chunk, or an event of the Responses API. */
	chunk(event: unknown): void {
		if (!this.#chunkSeen) {
			this.#chunkSeen = true;
			const seconds = (performance.now() - this.#startedAtMs) / 1000;
			this.#span.setAttribute(GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, seconds);
		}
		const fields = fieldsOf(event);
		const response = fieldsOf(fields.response);
		// The Responses API sends typed events, of which some carry the response as it stands.
		this.#observe(typeof fields.type === "string" ? response : fields);
		if (fields.type === "response.failed" || fields.type === "error") {
			const code = fieldsOf(response.error ?? fields).code;
			this.#failed(typeof code === "string" && code !== "" ? code : "_OTHER");
		}
	}

	/** The message is left out on purpose: providers quote the request in it. */
	fail(error: unknown): void {
		if (this.#ended) return;
		const fields = fieldsOf(error);
		if (typeof fields.status === "number") this.#span.setAttribute(HTTP_RESPONSE_STATUS_CODE, fields.status);
		this.#failed(errorType(error));
		this.end();
	}

	/** The caller took the raw HTTP response, so the body is not ours to read. */
	respondedRaw(status: unknown): void {
		if (typeof status === "number") this.#span.setAttribute(HTTP_RESPONSE_STATUS_CODE, status);
		this.end();
	}

	end(): void {
		if (this.#ended) return;
		this.#ended = true;
		if (this.#finishReasons.length > 0) {
			// Choices may arrive out of order, and some never: no holes.
			const reasons = this.#finishReasons.filter((reason) => reason !== undefined);
			this.#span.setAttribute(GEN_AI_RESPONSE_FINISH_REASONS, reasons);
		}
		this.#span.end();
	}

	#failed(type: string): void {
		this.#span.setAttribute(ERROR_TYPE, type);
		this.#span.setStatus({ code: SpanStatusCode.ERROR });
	}

	#observe(body: unknown): void {
		if (this.#ended) return;
		const fields = fieldsOf(body);
		if (typeof fields.id === "string" && fields.id !== "") this.#span.setAttribute(GEN_AI_RESPONSE_ID, fields.id);
		if (typeof fields.model === "string" && fields.model !== "") {
			this.#span.setAttribute(GEN_AI_RESPONSE_MODEL, fields.model);
		}
		if (Array.isArray(fields.choices)) this.#observeChoices(fields.choices);
		else if (fields.object === "response" && FINAL_STATUSES.has(fields.status)) {
			this.#finishReasons[0] = String(fields.status);
		}
		if (fields.usage !== undefined && fields.usage !== null) this.#observeUsage(fieldsOf(fields.usage));
	}

	#observeChoices(choices: readonly unknown[]): void {
		for (const [position, choice] of choices.entries()) {
			const { finish_reason: reason, index } = fieldsOf(choice);
			const place = typeof index === "number" && index >= 0 && index < 128 ? index : position;
			if (typeof reason === "string" && place < 128) this.#finishReasons[place] = reason;
		}
	}

	#observeUsage(usage: Fields): void {
		this.#setTokens(GEN_AI_USAGE_INPUT_TOKENS, usage.prompt_tokens ?? usage.input_tokens);
		this.#setTokens(GEN_AI_USAGE_OUTPUT_TOKENS, usage.completion_tokens ?? usage.output_tokens);
		const input = fieldsOf(usage.prompt_tokens_details ?? usage.input_tokens_details);
		const output = fieldsOf(usage.completion_tokens_details ?? usage.output_tokens_details);
		this.#setTokens(GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, input.cached_tokens);
		this.#setTokens(GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, output.reasoning_tokens);
	}

	#setTokens(key: string, tokens: unknown): void {
		if (typeof tokens === "number" && Number.isSafeInteger(tokens) && tokens >= 0) this.#span.setAttribute(key, tokens);
	}
}

/** The SDK's class name, such as `RateLimitError`: the low-cardinality name that the convention asks for. */
function errorType(error: unknown): string {
	if (typeof error !== "object" || error === null) return "_OTHER";
	const name = error.constructor?.name;
	if (typeof name === "string" && name !== "" && name !== "Object") return name;
	return error instanceof Error ? error.name : "_OTHER";
}

function fieldsOf(value: unknown): Fields {
	return typeof value === "object" && value !== null ? (value as Fields) : {};
}
