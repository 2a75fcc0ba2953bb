import { ROOT_CONTEXT, type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import type { AnthropicClient } from "./anthropic-request.ts";

/** Tracers that were seen to record. */
const recording = new WeakSet<object>();

/**
 * Whether the SDK's own spans of this client reach the application's telemetry. They do not when it is told to make
 * none, when it is given a tracer provider apart, or when its copy of `@opentelemetry/api` is newer than the one that
 * the telemetry was set up with, which makes every span a silent nothing.
 */
export function makesOwnSpans(client: AnthropicClient | undefined): boolean {
	const tracer = client?._tracer as Tracer | undefined;
	if (tracer === undefined) return false;
	const given = client?.openTelemetry?.tracerProvider;
	if (given !== undefined && !isGlobal(given)) return false;
	if (recording.has(tracer)) return true;
	// Never ended, hence never exported. Outside any context, so that it belongs to no call.
	const records = tracer.startSpan("armspan.probe", {}, ROOT_CONTEXT).isRecording();
	if (records) recording.add(tracer);
	return records;
}

function isGlobal(provider: unknown): boolean {
	const global = trace.getTracerProvider() as TracerProvider & { getDelegate?: () => TracerProvider };
	return provider === global || provider === global.getDelegate?.();
}
