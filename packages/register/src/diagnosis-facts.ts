import { randomBytes } from "node:crypto";
import { armspan } from "@armspan/instrumentation";
import { withCodePrompt } from "@armspan/instrumentation/recognition";
import { ROOT_CONTEXT, SpanKind, TraceFlags, type TracerProvider, trace } from "@opentelemetry/api";
import type { Sampler } from "@opentelemetry/sdk-trace";
import type { StartedFacts } from "./diagnosis.ts";
import { recognition } from "./recognition.ts";
import { fieldsOf } from "./sdk-dialect.ts";
import type { Settings } from "./settings.ts";

/** Where all copies of `@opentelemetry/api` 1.x meet. */
const API = Symbol.for("opentelemetry.js.api.1");

/** Where all copies of `@armspan/instrumentation` meet. */
const INSTANCE = Symbol.for("armspan.instance");
const SAMPLED_TRACES = 64;
const RECORD_AND_SAMPLE = 2;

/** Who started Armspan, to be asked again later whether somebody else has, too. */
export function armspanInstance(): unknown {
	return (globalThis as Record<symbol, unknown>)[INSTANCE];
}

/** What a started register says of itself at this moment. */
export function diagnosisFacts(settings: Settings, selfCheck: string | undefined, ours: unknown): StartedFacts {
	const routing = armspan.status();
	const { file, entries, problems } = recognition.mapping;
	return {
		globalApiVersion: textOf(fieldsOf((globalThis as Record<symbol, unknown>)[API]).version),
		spanProcessors: spanProcessors(),
		...samplerFacts(),
		startedByApplication: armspanInstance() !== ours,
		setUp: {
			sdkDisabled: settings.sdkDisabled,
			tracesUrl: settings.exportTraces ? endpoint("TRACES", settings.traceExporter.url) : null,
			logsUrl: settings.exportLogs ? endpoint("LOGS", settings.logExporter.url) : null,
			warnings: [...settings.warnings],
			selfCheck: selfCheck ?? null,
			routing: {
				directory: routing.routingDirectory ?? null,
				url: routing.routingUrl ?? null,
				revision: routing.revision ?? null,
				stale: routing.stale,
				staleReason: routing.staleReason ?? null,
				ageMs: routing.ageMs ?? null,
				lastError: routing.lastError === undefined ? null : String(routing.lastError),
			},
			unitIds: routing.unitIds,
			mapping: { file: file ?? null, entries, problems: [...problems] },
			promptsInCode: { ...routing.promptsInCode },
		},
	};
}

/** As the exporter finds it: its own variable is the whole address, the common one the beginning. */
function endpoint(signal: "TRACES" | "LOGS", ours: string | undefined): string {
	const own = process.env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]?.trim();
	if (own) return own;
	const common = process.env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim();
	if (common) return `${common.replace(/\/$/, "")}/v1/${signal.toLowerCase()}`;
	return ours ?? "";
}

/** Of the provider in force, whoever set it up: SDK 2.x and 3.x keep them in the same place. */
function spanProcessors(): string[] | null {
	const list = fieldsOf(fieldsOf(providerInForce())._activeSpanProcessor)._spanProcessors;
	return Array.isArray(list) ? list.map(nameOf) : null;
}

function nameOf(processor: unknown): string {
	const name: unknown = fieldsOf(processor).constructor?.name;
	return typeof name !== "string" || name === "" || name === "Object" ? "(without a name)" : name;
}

function providerInForce(): unknown {
	const provider = trace.getTracerProvider();
	const delegate = fieldsOf(provider).getDelegate;
	return typeof delegate === "function" ? Reflect.apply(delegate, provider, []) : provider;
}

/** Asks the sampler as if calls were routed: at the root of traces, and below a caller who samples nothing. */
function samplerFacts(): Pick<StartedFacts, "sampler" | "samplerDropsCalls"> {
	try {
		const tracer = (providerInForce() as Partial<TracerProvider>).getTracer?.("armspan.doctor");
		const sampler = fieldsOf(tracer)._sampler as Sampler | undefined;
		if (typeof sampler?.shouldSample !== "function") return { sampler: null, samplerDropsCalls: false };
		const call = withCodePrompt(ROOT_CONTEXT, { name: "doctor", version: "1", digest: "0" });
		const takes = (context: typeof call, traceId: string) =>
			sampler.shouldSample(context, traceId, "chat", SpanKind.CLIENT, {}, []).decision === RECORD_AND_SAMPLE;
		const traceIds = Array.from({ length: SAMPLED_TRACES }, () => randomBytes(16).toString("hex"));
		const unsampled = traceIds.slice(0, 1).map((traceId) => ({
			...{ traceId, spanId: traceId.slice(16), traceFlags: TraceFlags.NONE, isRemote: true },
		}));
		const takesAll =
			traceIds.every((traceId) => takes(call, traceId)) &&
			unsampled.every((parent) => takes(trace.setSpanContext(call, parent), parent.traceId));
		return { sampler: String(sampler).slice(0, 200), samplerDropsCalls: !takesAll };
	} catch {
		// A sampler of the application's own: what it does with a question of ours says nothing.
		return { sampler: null, samplerDropsCalls: false };
	}
}

function textOf(value: unknown): string | null {
	return typeof value === "string" ? value : null;
}
