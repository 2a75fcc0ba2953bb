import { GEN_AI_PROMPT_NAME } from "@armspan/schema/semconv";
import { diag, type Span } from "@opentelemetry/api";
import type { CallRecord } from "./call-context.ts";

/** Instrumentations that make their spans in LangChain's callbacks. */
const SCOPES: ReadonlySet<string> = new Set([
	"@arizeai/openinference-instrumentation-langchain",
	"@traceloop/instrumentation-langchain",
]);

/** Set by `@armspan/register` once LangChain's callbacks run in the context of the call that they are about. */
const BOUND = Symbol.for("armspan.langchain.callbacks-bound");

let warned = false;

/**
 * Keeps LangChain's callback spans from spoiling the evidence.
 *
 * LangChain runs callbacks in the background, one after another, each in the async context of the one before
 * (langchainjs issue 11657): under load a span starts in another user's call. Such spans get no tags, unless callbacks
 * are bound or awaited. And the spans are active for nobody, so a model that goes through an instrumented SDK has two
 * leaf spans side by side; the SDK's is the call.
 */
export class LangChainCallbackSpans {
	readonly #calls = new WeakMap<Span, CallRecord>();

	/** @returns whether this span may belong to another call than the one whose context it was started in */
	isAstray(span: Span): boolean {
		if (!isCallbackSpan(span) || (globalThis as { [BOUND]?: true })[BOUND] === true) return false;
		if (process.env.LANGCHAIN_CALLBACKS_BACKGROUND === "false") return false;
		if (!warned) {
			warned = true;
			diag.warn(
				"[armspan] spans of LangChain's callbacks are not tagged, because callbacks in the background run in another request's context: set LANGCHAIN_CALLBACKS_BACKGROUND=false",
			);
		}
		return true;
	}

	/** @param isLeaf whether the span is known to be an LLM call */
	started(span: Span, call: CallRecord, isLeaf: boolean): void {
		if (isCallbackSpan(span)) this.#calls.set(span, call);
		else if (isLeaf) call.hasLeafOfSdk = true;
	}

	/** Without a prompt's name a span is no call in the evidence. A callback ends after the request that it is about. */
	ending(span: Span): void {
		const call = this.#calls.get(span);
		if (call?.hasLeafOfSdk === true) span.setAttribute(GEN_AI_PROMPT_NAME, "");
	}
}

function isCallbackSpan(span: Span): boolean {
	const { name } = (span as { instrumentationScope?: { name?: unknown } }).instrumentationScope ?? {};
	return typeof name === "string" && SCOPES.has(name);
}
