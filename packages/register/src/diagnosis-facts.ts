import { armspan } from "@armspan/instrumentation";
import { trace } from "@opentelemetry/api";
import type { StartedFacts } from "./diagnosis.ts";
import { recognition } from "./recognition.ts";
import { fieldsOf } from "./sdk-dialect.ts";
import type { Settings } from "./settings.ts";

/** Where all copies of `@opentelemetry/api` 1.x meet. */
const API = Symbol.for("opentelemetry.js.api.1");

/** What a started register says of itself at this moment. */
export function diagnosisFacts(settings: Settings, selfCheck: string | undefined): StartedFacts {
	const routing = armspan.status();
	const { file, entries, problems } = recognition.mapping;
	return {
		globalApiVersion: textOf(fieldsOf((globalThis as Record<symbol, unknown>)[API]).version),
		spanProcessors: spanProcessors(),
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
	const provider = trace.getTracerProvider();
	const delegate = fieldsOf(provider).getDelegate;
	const inForce = typeof delegate === "function" ? (Reflect.apply(delegate, provider, []) as unknown) : provider;
	const list = fieldsOf(fieldsOf(inForce)._activeSpanProcessor)._spanProcessors;
	return Array.isArray(list) ? list.map((processor) => fieldsOf(processor).constructor?.name ?? "unknown") : null;
}

function textOf(value: unknown): string | null {
	return typeof value === "string" ? value : null;
}
