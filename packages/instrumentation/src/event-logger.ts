// A namespace import: `logs` is exported since api 1.10 only, and a named import would fail at link time on 1.9.
import * as api from "@opentelemetry/api";

interface LogRecord {
	readonly eventName: string;
	readonly timestamp: number;
	readonly severityNumber: number;
	readonly attributes: api.Attributes;
	readonly context: api.Context;
}

interface Logger {
	emit(record: LogRecord): void;
}

interface LoggerProvider {
	getLogger(name: string, version?: string): Logger;
}

const SCOPE = "@armspan/instrumentation";
const SEVERITY_INFO = 9;

/** Emits OpenTelemetry events (logs with an event name) through whichever logs API the process has. */
export class EventLogger {
	#provider: LoggerProvider | undefined;
	#logger: Logger | undefined;

	/** @returns whether a logs API took the event; it may still be a no-op when no SDK is set up */
	emit(eventName: string, attributes: api.Attributes, context: api.Context): boolean {
		const provider = loggerProvider();
		if (provider === undefined) return false;
		if (provider !== this.#provider || this.#logger === undefined) {
			this.#logger = provider.getLogger(SCOPE);
			this.#provider = provider;
		}
		this.#logger.emit({ eventName, timestamp: Date.now(), severityNumber: SEVERITY_INFO, attributes, context });
		return true;
	}
}

/** Registered by SDKs of the 2.x line, through `@opentelemetry/api-logs`. */
const LEGACY = Symbol.for("io.opentelemetry.js.api.logs");

/**
 * Looked up at each event, since the SDK may be set up later than this package is loaded: what an SDK registered through
 * any copy of the api, else the global of the older `@opentelemetry/api-logs`, else what api ≥ 1.10 has, which may wait
 * for an SDK.
 */
export function loggerProvider(): LoggerProvider | undefined {
	const globals = globalThis as Record<symbol, unknown>;
	const registered = globals[Symbol.for("opentelemetry.js.api.1")] as { logs?: LoggerProvider } | undefined;
	const logs: { getLoggerProvider(): LoggerProvider } | undefined = "logs" in api ? api.logs : undefined;
	if (registered?.logs !== undefined) return logs?.getLoggerProvider() ?? registered.logs;
	const legacy = globals[LEGACY];
	const older = typeof legacy === "function" ? (legacy(1) as LoggerProvider | undefined) : undefined;
	return older ?? logs?.getLoggerProvider();
}
