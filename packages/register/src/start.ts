import { ArmspanSampler, armspan, delivery } from "@armspan/instrumentation";
import { DiagLogLevel, diag, propagation, type TextMapPropagator, TraceFlags } from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
	defaultResource,
	envDetector,
	resourceFromAttributes,
	serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import type { LogRecordProcessor, ReadableLogRecord } from "@opentelemetry/sdk-logs";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { findApplication } from "./application.ts";
import { armspanSpanProcessors } from "./armspan-span-processors.ts";
import { configuredSampler } from "./configured-sampler.ts";
import { guarded } from "./content.ts";
import { ContentGuard } from "./content-guard.ts";
import { recordContent } from "./content-recorder.ts";
import { contentOptions } from "./content-settings.ts";
import { DeliveryQueue, type DeliveryQueueOptions } from "./delivery-queue.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { armspanInstance, diagnosisFacts } from "./diagnosis-facts.ts";
import { flushOnExit } from "./flush-on-exit.ts";
import { instrumentLlmSdks } from "./instrument-llm-sdks.ts";
import { PendingWork } from "./pending-work.ts";
import { endUnreadResponses } from "./raw-response.ts";
import { recognition } from "./recognition.ts";
import { selfCheck } from "./self-check.ts";
import { EXPORT_TIMEOUT_MS, readSettings, type Settings } from "./settings.ts";
import { Spool } from "./spool.ts";
import { EVENTS, SPANS } from "./spool-format.ts";
import { createStderrDiagLogger } from "./stderr-diag-logger.ts";

/** 80 s of 50 calls a second. */
const PATIENCE = { capacity: 4096, batchSize: 512, pauseMs: EXPORT_TIMEOUT_MS + 1000 };

const STARTED = Symbol.for("armspan.register.started");

/**
 * Sets up OpenTelemetry, LLM spans and routing for this process, once.
 * @param diagnosis looks on for `armspan doctor`: what is recorded then is no evidence, and leaves the process nowhere
 */
export async function start(diagnosis?: Diagnosis): Promise<void> {
	const globals = globalThis as { [STARTED]?: true };
	if (globals[STARTED] === true) return;
	globals[STARTED] = true;

	const settings = readSettings(process.env);
	const application = findApplication(process.argv[1], process.cwd());
	armspan.start();
	const warning = settings.selfCheck ? selfCheck(application) : undefined;
	const ours = armspanInstance();
	diagnosis?.started(() => diagnosisFacts(settings, warning, ours));
	if (settings.sdkDisabled) return;

	const pending = new PendingWork(endUnreadResponses);
	const content = await contentOptions(settings, process.cwd());
	recordContent(content.options.capture);
	const guard = new ContentGuard(content.options);
	const isLive = diagnosis === undefined;
	const spans = isLive && settings.exportTraces ? queueSpans(settings, guard) : undefined;
	const events = isLive && settings.exportLogs ? queueEvents(settings, guard) : undefined;
	const logger = createStderrDiagLogger();
	diag.setLogger(diagnosis?.observe(logger) ?? logger, {
		logLevel: settings.logLevel ?? DiagLogLevel.WARN,
		suppressOverrideMessage: true,
	});
	const sdk = createSdk({
		resource: defaultResource().merge(
			resourceFromAttributes(application.packageName === undefined ? {} : { "service.name": application.packageName }),
		),
		// No process detector: command lines are personal data. The environment comes last and wins.
		resourceDetectors: [serviceInstanceIdDetector, envDetector],
		sampler: new ArmspanSampler(configuredSampler(settings.sampler)),
		spanProcessors: [
			...armspanSpanProcessors(),
			pending.spanProcessor,
			...(spans === undefined ? [] : [new QueueSpanProcessor(spans)]),
		],
		logRecordProcessors: [pending.logRecordProcessor, ...(events === undefined ? [] : [logRecordProcessor(events)])],
		metricReaders: [],
		instrumentations: [],
	});
	sdk.start();
	if (settings.carriesBaggage) carryBaggage();
	instrumentLlmSdks();
	const flush = async () => {
		await Promise.all([spans?.flush(), events?.flush()]);
	};
	delivery().flush = async () => {
		pending.take();
		await flush();
	};
	const spool = !isLive || settings.spoolDirectory === undefined ? undefined : new Spool(settings.spoolDirectory);
	flushOnExit({
		pending,
		limitMs: settings.flushLimitMs,
		flush,
		keep() {
			spool?.write("spans", spans?.take().map(guard.span) ?? [], SPANS);
			spool?.write("events", events?.take().map(guard.logRecord) ?? [], EVENTS);
		},
	});
	if (spool !== undefined) void sendSpooled(spool, pending, spans, events);
	for (const warning of settings.warnings) process.stderr.write(`[armspan] ${warning}\n`);
	if (content.warning !== undefined) process.stderr.write(`[armspan] ${content.warning}\n`);
	if (warning !== undefined) process.stderr.write(`[armspan] ${warning}\n`);
	// Last, so that all else is in place should it fail; the application begins when it is read.
	if (settings.promptMapping !== undefined) await recognition.follow(settings.promptMapping);
}

/** The constructor would put a logger of its own in place that writes to stdout, when `OTEL_LOG_LEVEL` is set. */
function createSdk(configuration: ConstructorParameters<typeof NodeSDK>[0]): NodeSDK {
	const { OTEL_LOG_LEVEL } = process.env;
	delete process.env.OTEL_LOG_LEVEL;
	try {
		return new NodeSDK(configuration);
	} finally {
		if (OTEL_LOG_LEVEL !== undefined) process.env.OTEL_LOG_LEVEL = OTEL_LOG_LEVEL;
	}
}

/** The propagator that the SDK just set stays, inside ours. The API has no other way to ask for it. */
function carryBaggage(): void {
	const api = propagation as unknown as { _getGlobalPropagator?: () => TextMapPropagator };
	const inner = api._getGlobalPropagator?.();
	if (inner === undefined) return;
	propagation.disable();
	propagation.setGlobalPropagator(armspan.propagator(inner));
}

function queueSpans(settings: Settings, guard: ContentGuard): DeliveryQueue<ReadableSpan> {
	const exporter = new OTLPTraceExporter(settings.traceExporter);
	return new DeliveryQueue(guarded(exporter, guard.span), queueOptions(settings, "spans"));
}

function queueEvents(settings: Settings, guard: ContentGuard): DeliveryQueue<ReadableLogRecord> {
	const exporter = new OTLPLogExporter(settings.logExporter);
	return new DeliveryQueue(guarded(exporter, guard.logRecord), queueOptions(settings, "events"));
}

function queueOptions(settings: Settings, signal: DeliveryQueueOptions["signal"]): DeliveryQueueOptions {
	return { ...PATIENCE, signal, delayMs: settings.batchDelayMs };
}

class QueueSpanProcessor implements SpanProcessor {
	readonly #queue: DeliveryQueue<ReadableSpan>;

	constructor(queue: DeliveryQueue<ReadableSpan>) {
		this.#queue = queue;
	}

	onStart(): void {}

	onEnd(span: ReadableSpan): void {
		if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) this.#queue.add(span);
	}

	forceFlush(): Promise<void> {
		return this.#queue.flush();
	}

	shutdown(): Promise<void> {
		return this.#queue.shutdown();
	}
}

function logRecordProcessor(queue: DeliveryQueue<ReadableLogRecord>): LogRecordProcessor {
	return {
		onEmit: (record) => queue.add(record),
		forceFlush: () => queue.flush(),
		shutdown: () => queue.shutdown(),
	};
}

async function sendSpooled(
	spool: Spool,
	pending: PendingWork,
	spans: DeliveryQueue<ReadableSpan> | undefined,
	events: DeliveryQueue<ReadableLogRecord> | undefined,
): Promise<void> {
	const into =
		<Item>(queue: DeliveryQueue<Item>) =>
		(items: Item[]) => {
			for (const item of items) queue.add(item);
			pending.add();
			return queue.size < PATIENCE.capacity / 2;
		};
	try {
		if (spans !== undefined) await spool.read("spans", SPANS, into(spans));
		if (events !== undefined) await spool.read("events", EVENTS, into(events));
	} catch (error) {
		diag.warn("[armspan] what an earlier process left could not be read:", String(error));
	}
}
