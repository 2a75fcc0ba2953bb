import { ArmspanSpanProcessor } from "@armspan/instrumentation";
import { context, logs, type TracerProvider as Tracers, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import {
	type ReadableSpan,
	SimpleSpanProcessor,
	type SpanExporter,
	type SpanProcessor,
	TracerProvider,
} from "@opentelemetry/sdk-trace";

/** Keeps the last span and throws the rest away. */
class NoopExporter implements SpanExporter {
	count = 0;
	#last: ReadableSpan | undefined;

	/** Attributes of the last span; none when no span was made. */
	last(made: number): Readonly<Record<string, unknown>> {
		return made === 0 ? {} : (this.#last?.attributes ?? {});
	}

	export(spans: ReadableSpan[], done: (result: { code: number }) => void): void {
		this.#last = spans.at(-1);
		this.count += spans.length;
		done({ code: 0 });
	}

	async forceFlush(): Promise<void> {}

	async shutdown(): Promise<void> {}
}

export const exporter = new NoopExporter();

/** The same SDK for all: one tracer provider each, as span processors cannot be changed later. */
export function tracers(...processors: SpanProcessor[]): TracerProvider {
	return new TracerProvider({ spanProcessors: processors });
}

export const simpleProcessor = () => new SimpleSpanProcessor({ exporter });
export const bare: Tracers = tracers(simpleProcessor());
export const tagging: Tracers = tracers(new ArmspanSpanProcessor(), simpleProcessor());

let current = bare;

/** Which tracer provider makes the spans from now on, our own and those of instrumentations. */
export function use(provider: Tracers): void {
	current = provider;
}

export function currentTracers(): Tracers {
	return current;
}

/** As `NodeSDK` does it, and a provider that can be changed under way. */
export function registerTelemetry(): void {
	context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
	trace.setGlobalTracerProvider({ getTracer: (name, version) => current.getTracer(name, version) });
	const events = {
		export: (_records: unknown[], done: (result: { code: number }) => void) => done({ code: 0 }),
		forceFlush: async () => {},
		shutdown: async () => {},
	};
	logs.setGlobalLoggerProvider(
		new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: events })] }),
	);
}
