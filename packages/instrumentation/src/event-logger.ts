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

/**
 * Looked up at each event, since the SDK may be set up later than this package is loaded: api ≥ 1.10, else the global
 * that an SDK of another api copy registered, else the global of the older `@opentelemetry/api-logs`.
 */
export function loggerProvider(): LoggerProvider | undefined {
	const logs: { getLoggerProvider(): LoggerProvider } | undefined = "logs" in api ? api.logs : undefined;
	if (logs !== undefined) return logs.getLoggerProvider();
	const globals = globalThis as Record<symbol, unknown>;
	const registered = globals[Symbol.for("opentelemetry.js.api.1")] as { logs?: LoggerProvider } | undefined;
	if (registered?.logs !== undefined) return registered.logs;
	const legacy = globals[Symbol.for("io.opentelemetry.js.api.logs")];
	return typeof legacy === "function" ? (legacy(1) as LoggerProvider | undefined) : undefined;
}
