import { context, createContextKey } from "@opentelemetry/api";

/** The key of `suppressTracing` in `@opentelemetry/core`; keys of one description are one key. */
const SUPPRESS_TRACING = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** Runs what is not the application's doing, so that an instrumentation of HTTP makes no spans of it. */
export function untraced<T>(fn: () => T): T {
	return context.with(context.active().setValue(SUPPRESS_TRACING, true), fn);
}
