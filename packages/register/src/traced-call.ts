import { noticeUnsampled } from "@armspan/instrumentation/recognition";
import { GEN_AI_REQUEST_MODEL } from "@armspan/schema/semconv";
import { type Context, createContextKey, diag, SpanKind, trace } from "@opentelemetry/api";
import { callerSignals, withCallerSignals } from "./caller-signal.ts";
import { contentRecorder } from "./content-recorder.ts";
import { isLeafSpan } from "./leaf-span.ts";
import { LlmCall } from "./llm-call.ts";
import { activeContext, registeredTracer, withContext } from "./otel-globals.ts";
import type { PromptRequest } from "./recognised-texts.ts";
import { recognition } from "./recognition.ts";
import type { LlmRequest } from "./sdk-dialect.ts";

const CALL_KEY = createContextKey("armspan.register.call");

/**
 * Makes a request inside a client span of its own.
 *
 * No span is made where one of the same call is open already, by another instrumentation or by the application: the
 * call would be counted, and paid for, twice.
 * @param describe what is asked for; nothing when another makes the span
 * @param invoke makes the request; what it returns or throws is passed on as it is
 * @param observe looks at what was returned; must call `received`, `fail` or `end` in the end
 * @param signal the caller's, whose reason tells a timeout from an abort; also when another makes the span
 * @param prompt the request's texts, by which a prompt in code is recognised; also when another makes the span
 */
export function tracedCall(
	describe: () => LlmRequest | undefined,
	invoke: () => unknown,
	observe: (result: unknown, call: LlmCall) => void,
	signal?: unknown,
	prompt?: () => PromptRequest,
): unknown {
	const outer = activeContext();
	const recognised = (prompt && guarded(() => recognition.contextOf(outer, prompt))) ?? outer;
	const parent =
		signal === undefined || signal === null
			? recognised
			: withCallerSignals(recognised, callerSignals(recognised).with(signal));
	const started = guarded(() => start(parent, describe));
	if (started === undefined) return parent === outer ? invoke() : withContext(parent, invoke);
	const { active, call } = started;
	let result: unknown;
	try {
		result = withContext(active, invoke);
	} catch (error) {
		guarded(() => call.fail(error));
		throw error;
	}
	guarded(() => observe(result, call));
	return result;
}

/** The call whose request is being made in this context. */
export function activeCall(): LlmCall | undefined {
	return activeContext().getValue(CALL_KEY) as LlmCall | undefined;
}

/** Runs a part of the observation; telemetry never fails the host. */
export function guarded<Result>(part: () => Result): Result | undefined {
	try {
		return part();
	} catch (error) {
		diag.error("[armspan] span of an LLM call:", String(error));
		return undefined;
	}
}

function start(
	parent: Context,
	describe: () => LlmRequest | undefined,
): { active: Context; call: LlmCall } | undefined {
	if (isLeafSpan(trace.getSpan(parent))) return undefined;
	const request = describe();
	if (request === undefined) return undefined;
	const { operation, attributes, dialect, body } = request;
	const model = attributes[GEN_AI_REQUEST_MODEL];
	const name = typeof model === "string" ? `${operation} ${model}` : operation;
	const span = registeredTracer("@armspan/register").startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
	// Processors see the others.
	if (!span.isRecording()) noticeUnsampled(parent);
	const call = new LlmCall(span, dialect, contentRecorder(span, body), callerSignals(parent));
	return { active: trace.setSpan(parent, span).setValue(CALL_KEY, call), call };
}
