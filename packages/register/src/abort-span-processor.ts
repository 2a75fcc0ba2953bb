import { ERROR_TYPE, GEN_AI_RESPONSE_FINISH_REASONS } from "@armspan/schema/semconv";
import { type Span as ApiSpan, type Context, SpanStatusCode } from "@opentelemetry/api";
import type { Span, SpanProcessor } from "@opentelemetry/sdk-trace";
import { type CallerSignals, callerSignals } from "./caller-signal.ts";
import { isErrorName, knownAnthropicError, OTHER_ERROR, TIMEOUT } from "./error-type.ts";
import { isLeafSpan } from "./leaf-span.ts";
import { ABANDONED, ABORTED } from "./llm-call.ts";
import { type OpenCall, openCalls } from "./open-calls.ts";
import { fieldsOf } from "./sdk-dialect.ts";

const ANTHROPIC_SCOPE = /^com\.anthropic\.sdk\.typescript/;
const AI_SDK_SCOPES: ReadonlySet<string> = new Set(["gen_ai", "ai"]);
const HTTP_RESPONSE_STATUS_CODE = "http.response.status_code";

/**
 * Says on leaf LLM spans that SDKs make themselves how an aborted call ended, as on ours: finish reason `aborted`, no
 * error; or an error, `timeout`, where the caller's time was up. Ends them when the process leaves. And keeps their
 * `error.type` to names.
 * Put it after the processors that set finish reasons.
 */
export class AbortSpanProcessor implements SpanProcessor {
	readonly #signals = new WeakMap<object, CallerSignals>();
	readonly #open = new WeakMap<object, OpenCall>();

	onStart(span: ApiSpan, parentContext: Context): void {
		const scope = scopeOf(span);
		if (!ANTHROPIC_SCOPE.test(scope) && !AI_SDK_SCOPES.has(scope)) return;
		this.#signals.set(span, callerSignals(parentContext));
		if (!isLeafSpan(span)) return;
		const call: OpenCall = {
			abandon() {
				span.setAttribute(GEN_AI_RESPONSE_FINISH_REASONS, [ABANDONED]);
				span.end();
			},
		};
		this.#open.set(span, call);
		openCalls.add(call);
	}

	onEnding(span: Span): void {
		const call = this.#open.get(span);
		if (call !== undefined) openCalls.delete(call);
		if (!isLeafSpan(span)) return;
		const scope = scopeOf(span);
		if (ANTHROPIC_SCOPE.test(scope)) this.#endAnthropics(span);
		else if (AI_SDK_SCOPES.has(scope)) endAiSdks(span);
		const type = span.attributes[ERROR_TYPE];
		if (type !== undefined && !isErrorName(type)) span.setAttribute(ERROR_TYPE, OTHER_ERROR);
	}

	/** The SDK leaves the status of what was not read to its end unset, and gives no finish reason then. */
	#endAnthropics(span: Span): void {
		const type = span.attributes[ERROR_TYPE];
		if (type !== undefined) {
			const status = span.attributes[HTTP_RESPONSE_STATUS_CODE];
			if (knownAnthropicError(type) !== undefined || /^\d{3}$/.test(String(type))) return;
			span.setAttribute(ERROR_TYPE, typeof status === "number" && status >= 400 ? String(status) : OTHER_ERROR);
			return;
		}
		if (span.status.code !== SpanStatusCode.UNSET || hasFinishReason(span)) return;
		if (this.#signals.get(span)?.isTimedOut() === true) fail(span, TIMEOUT);
		else span.setAttribute(GEN_AI_RESPONSE_FINISH_REASONS, [ABORTED]);
	}

	onEnd(): void {}

	async forceFlush(): Promise<void> {}

	async shutdown(): Promise<void> {}
}

/** The AI SDK records what ended a call as an exception, and every one as an error without a type. */
function endAiSdks(span: Span): void {
	if (hasFinishReason(span) || span.attributes[ERROR_TYPE] !== undefined) return;
	if (span.status.code === SpanStatusCode.UNSET) {
		// It gives every answer a finish reason; only an aborted stream ends without one, and without its cause.
		if (isGeneration(span)) span.setAttribute(GEN_AI_RESPONSE_FINISH_REASONS, [ABORTED]);
		return;
	}
	const type = span.events.findLast(({ name }) => name === "exception")?.attributes?.["exception.type"];
	if (typeof type !== "string") return;
	if (/timeout/i.test(type)) {
		fail(span, TIMEOUT);
	} else if (/^(AbortError|ResponseAborted|APIUserAbortError)$/.test(type)) {
		span.setAttribute(GEN_AI_RESPONSE_FINISH_REASONS, [ABORTED]);
		// The specification lets OK alone take back an error.
		span.setStatus({ code: SpanStatusCode.OK });
	} else if (isErrorName(type)) {
		span.setAttribute(ERROR_TYPE, type);
	}
}

/** Set-ups of one's own may have spans of any shape. */
function scopeOf(span: unknown): string {
	const { name } = fieldsOf(fieldsOf(span).instrumentationScope);
	return typeof name === "string" ? name : "";
}

function isGeneration({ attributes }: Span): boolean {
	return attributes["gen_ai.operation.name"] !== "embeddings";
}

function hasFinishReason({ attributes }: Span): boolean {
	return attributes[GEN_AI_RESPONSE_FINISH_REASONS] !== undefined;
}

function fail(span: Span, type: string): void {
	span.setAttribute(ERROR_TYPE, type);
	span.setStatus({ code: SpanStatusCode.ERROR });
}
