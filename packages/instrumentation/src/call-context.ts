import { type Attributes, type Context, createContextKey, type SpanContext } from "@opentelemetry/api";

/**
 * What travels with a routed call. Plain data and one method, so that a span processor of another copy of this
 * package understands it; context keys are equal across copies because they are made from `Symbol.for`.
 */
export interface CallRecord {
	/** Set on every span that is started inside the call. */
	readonly attributes: Attributes;
	/** A span of another trace that the call's first span is linked to: of a shadow, the live call's. */
	readonly link?: SpanContext | undefined;
	/** Written by the span processor: an instrumented SDK has made the span of an LLM call in it. */
	hasLeafOfSdk?: boolean;
	/** Tells the call that a span was started inside it and tagged. */
	spanStarted(spanContext: SpanContext, rank: SpanRank): void;
}

/** How sure we are that a span is the LLM call itself: 0 any span, 1 an LLM library's, 2 a leaf inference operation. */
export type SpanRank = 0 | 1 | 2;

const CALL_KEY = createContextKey("armspan.call");

export function withCall(parent: Context, call: CallRecord): Context {
	return parent.setValue(CALL_KEY, call);
}

export function callOf(context: Context): CallRecord | undefined {
	return context.getValue(CALL_KEY) as CallRecord | undefined;
}
