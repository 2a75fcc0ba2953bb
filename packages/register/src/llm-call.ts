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
import { CACHE_WRITE_INPUT_TOKENS, CACHE_WRITE_ONE_HOUR_INPUT_TOKENS } from "./cache-write-attributes.ts";
import { CallerSignals } from "./caller-signal.ts";
import type { ContentRecorder } from "./content-recorder.ts";
import { isErrorName, OTHER_ERROR, TIMEOUT } from "./error-type.ts";
import { openCalls } from "./open-calls.ts";
import { fieldsOf, type Observation, type ResponseReader, type SdkDialect, type StatedUsage } from "./sdk-dialect.ts";

const HTTP_RESPONSE_STATUS_CODE = "http.response.status_code";
const HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count";

/** Finish reason of a call that its caller aborted: no provider says it, and it is no error of the provider's. */
export const ABORTED = "aborted";

/** Finish reason of a call that was open when the process left, or whose stream nobody can read any more. */
export const ABANDONED = "abandoned";

const USAGE: readonly (readonly [part: keyof StatedUsage, attribute: string])[] = [
	["inputTokens", GEN_AI_USAGE_INPUT_TOKENS],
	["outputTokens", GEN_AI_USAGE_OUTPUT_TOKENS],
	["cacheReadTokens", GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS],
	["cacheWriteTokens", CACHE_WRITE_INPUT_TOKENS],
	["cacheWriteOneHourTokens", CACHE_WRITE_ONE_HOUR_INPUT_TOKENS],
	["reasoningTokens", GEN_AI_USAGE_REASONING_OUTPUT_TOKENS],
];

/** One request to a provider and its span. Every method may be called late or twice; the span ends once. */
export class LlmCall {
	readonly #span: Span;
	readonly #dialect: SdkDialect;
	readonly #read: ResponseReader;
	readonly #content: ContentRecorder | undefined;
	readonly #signals: CallerSignals;
	readonly #startedAtMs = performance.now();
	#attempts = 0;
	#ended = false;
	#received = false;
	#chunkSeen = false;
	#hasFailed = false;
	#finishReasons: readonly (string | undefined)[] = [];

	/**
	 * @param content keeps the texts, when that is asked for
	 * @param signals say why the caller aborted, if it did
	 */
	constructor(span: Span, dialect: SdkDialect, content?: ContentRecorder, signals = new CallerSignals()) {
		this.#signals = signals;
		this.#span = span;
		this.#content = content;
		this.#dialect = dialect;
		this.#read = dialect.createReader();
		openCalls.add(this);
	}

	/** The SDK sends the request, for the first time or again. */
	attempted(): void {
		this.#attempts += 1;
		if (this.#attempts > 1) this.#span.setAttribute(HTTP_REQUEST_RESEND_COUNT, this.#attempts - 1);
	}

	/**
	 * What the SDK made of the response: a whole answer, or a stream.
	 * @param follow starts following a stream, and says whether the value was one
	 */
	received(value: unknown, follow: (value: unknown, call: LlmCall) => boolean): void {
		if (this.#received) return;
		this.#received = true;
		if (follow(value, this)) return;
		this.#record(this.#read(value));
		this.#content?.observe(value);
		this.end();
	}

	/** One event of a stream. */
	chunk(event: unknown): void {
		if (this.#ended) return;
		const observation = this.#read(event);
		if (!this.#chunkSeen && observation.preliminary !== true) {
			this.#chunkSeen = true;
			const seconds = (performance.now() - this.#startedAtMs) / 1000;
			this.#span.setAttribute(GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, seconds);
		}
		this.#record(observation);
		this.#content?.observe(event);
	}

	/** The message is left out on purpose: providers quote the request in it. */
	fail(error: unknown): void {
		if (this.#ended) return;
		if (isAbort(error)) {
			this.abort();
			return;
		}
		const { status } = fieldsOf(error);
		if (typeof status === "number") this.#span.setAttribute(HTTP_RESPONSE_STATUS_CODE, status);
		this.#failed(this.#dialect.errorType?.(error) ?? classOf(error) ?? statusOf(error) ?? OTHER_ERROR);
		this.end();
	}

	/**
	 * The caller wants no answer any more, or has read enough. The provider did nothing wrong: no `error.type`, no error
	 * status; unless the caller's time was up, which is the error that an SDK's own timeout is.
	 */
	abort(): void {
		if (this.#ended) return;
		if (!this.#isWhole() && this.#signals.isTimedOut()) this.#failed(TIMEOUT);
		this.#breakOff(ABORTED);
	}

	/** Nobody will see the end of it: neither a success nor a failure. */
	abandon(): void {
		if (!this.#ended) this.#breakOff(ABANDONED);
	}

	/** The head of the HTTP response is there, and somebody looked at it. */
	responded(status: unknown): void {
		if (typeof status === "number") this.#span.setAttribute(HTTP_RESPONSE_STATUS_CODE, status);
	}

	/** @param endedAt when it did, if that is some time ago */
	end(endedAt?: Date): void {
		if (this.#ended) return;
		this.#ended = true;
		openCalls.delete(this);
		this.#content?.end();
		// Choices may arrive out of order, and some never: no holes.
		const reasons = this.#finishReasons.filter((reason) => reason !== undefined);
		if (reasons.length > 0) this.#span.setAttribute(GEN_AI_RESPONSE_FINISH_REASONS, reasons);
		this.#span.end(endedAt);
	}

	/** A finish reason says that the answer was complete, whatever happened to the connection after it. */
	#isWhole(): boolean {
		return this.#finishReasons.some((reason) => reason !== undefined);
	}

	#breakOff(reason: string): void {
		if (!this.#hasFailed && !this.#isWhole()) this.#finishReasons = [reason];
		this.end();
	}

	#failed(type: string): void {
		this.#hasFailed = true;
		this.#span.setAttribute(ERROR_TYPE, type);
		this.#span.setStatus({ code: SpanStatusCode.ERROR });
	}

	#record({ responseId, responseModel, finishReasons, usage, failure }: Observation): void {
		if (isText(responseId)) this.#span.setAttribute(GEN_AI_RESPONSE_ID, responseId);
		if (isText(responseModel)) this.#span.setAttribute(GEN_AI_RESPONSE_MODEL, responseModel);
		if (finishReasons !== undefined) this.#finishReasons = finishReasons;
		for (const [part, attribute] of usage === undefined ? [] : USAGE) {
			const tokens = usage?.[part];
			if (isCount(tokens)) this.#span.setAttribute(attribute, tokens);
		}
		if (failure !== undefined) this.#failed(failure);
	}
}

/** The SDKs' own name for it; a DOM `AbortError` may also be a timeout, so the caller of `fail` decides on that. */
function isAbort(error: unknown): boolean {
	return error instanceof Error && error.constructor.name === "APIUserAbortError";
}

/** The SDK's class name, such as `RateLimitError`: the low-cardinality name that the convention asks for. */
function classOf(error: unknown): string | undefined {
	if (typeof error !== "object" || error === null) return undefined;
	const name = error.constructor?.name;
	if (isErrorName(name) && name !== "Object") return name;
	return error instanceof Error && isErrorName(error.name) ? error.name : undefined;
}

function statusOf(error: unknown): string | undefined {
	const { status } = fieldsOf(error);
	return typeof status === "number" ? String(status) : undefined;
}

function isCount(value: unknown): value is number {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isText(value: unknown): value is string {
	return typeof value === "string" && value !== "";
}
