import { DiagLogLevel } from "@opentelemetry/api";
import { DEFAULT_SAMPLER, SAMPLER_NAMES, type SamplerSettings } from "./configured-sampler.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface ExporterSettings {
	readonly url?: string;
	readonly timeoutMillis?: number;
}

/** What register takes from the environment; the exporters themselves read the rest of `OTEL_EXPORTER_OTLP_*`. */
export interface Settings {
	readonly sdkDisabled: boolean;
	readonly exportTraces: boolean;
	readonly exportLogs: boolean;
	readonly traceExporter: ExporterSettings;
	readonly logExporter: ExporterSettings;
	/** Of spans outside of routed and recognised calls; those inside are always sampled. */
	readonly sampler: SamplerSettings;
	readonly batchDelayMs: number;
	/** How long leaving the process may take because of us. */
	readonly flushLimitMs: number;
	readonly logLevel: DiagLogLevel | undefined;
	readonly selfCheck: boolean;
	/** The mapping file, by which prompts in code are recognised. */
	readonly promptMapping: string | undefined;
	/** Whether prompts and answers leave the process. */
	readonly captureContent: boolean;
	/** Module with the redaction function that they go through. */
	readonly redactModule: string | undefined;
	/** Whether assignments are carried to any other service. */
	readonly carriesBaggage: boolean;
	/** Folder for what could not be sent when the process left. */
	readonly spoolDirectory: string | undefined;
	/** What was asked for and cannot be had, for stderr. */
	readonly warnings: readonly string[];
}

/** By number and not by name: `localhost` may mean ::1, where nobody listens. */
const DEFAULT_ENDPOINT = "http://127.0.0.1:4318";

/** The exporter's own retries hold the process this long at most. */
export const EXPORT_TIMEOUT_MS = 3000;

export function readSettings(environment: Environment): Settings {
	const warnings: string[] = [];
	const protocol = value(environment, "OTEL_EXPORTER_OTLP_PROTOCOL");
	if (protocol !== undefined && protocol !== "http/protobuf") {
		warnings.push(`OTEL_EXPORTER_OTLP_PROTOCOL=${protocol} is not supported; http/protobuf is used`);
	}
	return {
		sdkDisabled: value(environment, "OTEL_SDK_DISABLED")?.toLowerCase() === "true",
		exportTraces: exports(environment, "OTEL_TRACES_EXPORTER", warnings),
		exportLogs: exports(environment, "OTEL_LOGS_EXPORTER", warnings),
		traceExporter: exporterSettings(environment, "TRACES", "v1/traces"),
		logExporter: exporterSettings(environment, "LOGS", "v1/logs"),
		sampler: samplerSettings(environment, warnings),
		batchDelayMs: milliseconds(environment, "OTEL_BSP_SCHEDULE_DELAY", 1000, warnings),
		flushLimitMs: milliseconds(environment, "ARMSPAN_FLUSH_LIMIT_MS", 2000, warnings),
		logLevel: logLevel(value(environment, "OTEL_LOG_LEVEL")),
		selfCheck: value(environment, "ARMSPAN_SELF_CHECK")?.toLowerCase() !== "off",
		promptMapping: value(environment, "ARMSPAN_PROMPTS"),
		captureContent: captureContent(environment),
		redactModule: value(environment, "ARMSPAN_REDACT"),
		carriesBaggage: value(environment, "ARMSPAN_BAGGAGE_HOSTS") !== undefined,
		spoolDirectory: value(environment, "ARMSPAN_SPOOL"),
		warnings,
	};
}

/** Ours wins over OpenTelemetry's variable, which knows more values; all but these mean no. */
function captureContent(environment: Environment): boolean {
	const asked =
		value(environment, "ARMSPAN_CAPTURE_CONTENT") ??
		value(environment, "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT");
	return ["true", "1", "span_only", "event_only", "span_and_event"].includes(asked?.toLowerCase() ?? "");
}

function exporterSettings(environment: Environment, signal: "TRACES" | "LOGS", path: string): ExporterSettings {
	const endpointSet =
		value(environment, "OTEL_EXPORTER_OTLP_ENDPOINT") ?? value(environment, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
	const timeoutSet =
		value(environment, "OTEL_EXPORTER_OTLP_TIMEOUT") ?? value(environment, `OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`);
	return {
		...(endpointSet === undefined ? { url: `${DEFAULT_ENDPOINT}/${path}` } : {}),
		...(timeoutSet === undefined ? { timeoutMillis: EXPORT_TIMEOUT_MS } : {}),
	};
}

function exports(environment: Environment, name: string, warnings: string[]): boolean {
	const exporter = value(environment, name) ?? "otlp";
	if (exporter !== "otlp" && exporter !== "none") {
		warnings.push(`${name}=${exporter} is not supported; expected "otlp" or "none", otlp is used`);
	}
	return exporter !== "none";
}

function samplerSettings(environment: Environment, warnings: string[]): SamplerSettings {
	const name = value(environment, "OTEL_TRACES_SAMPLER") ?? DEFAULT_SAMPLER;
	if (!SAMPLER_NAMES.includes(name)) {
		warnings.push(
			`OTEL_TRACES_SAMPLER=${name} is not supported; expected ${SAMPLER_NAMES.join(", ")}; ${DEFAULT_SAMPLER} is used`,
		);
		return { name: DEFAULT_SAMPLER, ratio: 1 };
	}
	const text = value(environment, "OTEL_TRACES_SAMPLER_ARG");
	const ratio = Number(text ?? 1);
	if (ratio >= 0 && ratio <= 1) return { name, ratio };
	warnings.push(`OTEL_TRACES_SAMPLER_ARG=${text} is not a share from 0 to 1; 1 is used`);
	return { name, ratio: 1 };
}

function milliseconds(environment: Environment, name: string, fallbackMs: number, warnings: string[]): number {
	const text = value(environment, name);
	if (text === undefined) return fallbackMs;
	const ms = Number(text);
	if (Number.isFinite(ms) && ms >= 0 && ms <= 60_000) return ms;
	warnings.push(`${name}=${text} is not a number of milliseconds from 0 to 60000; ${fallbackMs} is used`);
	return fallbackMs;
}

function logLevel(name: string | undefined): DiagLogLevel | undefined {
	const levels: Readonly<Record<string, DiagLogLevel>> = {
		none: DiagLogLevel.NONE,
		error: DiagLogLevel.ERROR,
		warn: DiagLogLevel.WARN,
		info: DiagLogLevel.INFO,
		debug: DiagLogLevel.DEBUG,
		verbose: DiagLogLevel.VERBOSE,
		all: DiagLogLevel.ALL,
	};
	return name === undefined ? undefined : levels[name.toLowerCase()];
}

/** An empty variable counts as unset, as OpenTelemetry's specification says. */
function value(environment: Environment, name: string): string | undefined {
	const text = environment[name]?.trim();
	return text === undefined || text === "" ? undefined : text;
}
