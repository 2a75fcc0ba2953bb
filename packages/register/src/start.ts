import { ArmspanSpanProcessor, armspan } from "@armspan/instrumentation";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
	defaultResource,
	envDetector,
	resourceFromAttributes,
	serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import { BatchLogRecordProcessor, type LogRecordProcessor } from "@opentelemetry/sdk-logs";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { BatchSpanProcessor, type SpanProcessor } from "@opentelemetry/sdk-trace";
import { AnthropicSpanProcessor } from "./anthropic-span-processor.ts";
import { findApplication } from "./application.ts";
import { CostSpanProcessor } from "./cost-span-processor.ts";
import { flushOnExit } from "./flush-on-exit.ts";
import { NestedCallSpanProcessor } from "./nested-call-span-processor.ts";
import { PatientExporter } from "./patient-exporter.ts";
import { PendingWork } from "./pending-work.ts";
import { endUnreadResponses } from "./raw-response.ts";
import { recognition } from "./recognition.ts";
import { hookSdks } from "./sdk-hook.ts";
import { selfCheck } from "./self-check.ts";
import { readSettings, type Settings } from "./settings.ts";
import { createStderrDiagLogger } from "./stderr-diag-logger.ts";

/** As much as the processor's own queue holds; 40 s of 50 calls a second. */
const PATIENCE = { capacity: 2048, pauseMs: 1000 };

const STARTED = Symbol.for("armspan.register.started");

/** Sets up OpenTelemetry, LLM spans and routing for this process, once. */
export async function start(): Promise<void> {
	const globals = globalThis as { [STARTED]?: true };
	if (globals[STARTED] === true) return;
	globals[STARTED] = true;

	const settings = readSettings(process.env);
	const application = findApplication(process.argv[1], process.cwd());
	armspan.start();
	if (settings.sdkDisabled) return;

	const pending = new PendingWork(endUnreadResponses);
	const spans = settings.exportTraces ? batchSpans(settings) : undefined;
	const logs = settings.exportLogs ? batchLogRecords(settings) : undefined;
	diag.setLogger(createStderrDiagLogger(), {
		logLevel: settings.logLevel ?? DiagLogLevel.WARN,
		suppressOverrideMessage: true,
	});
	const sdk = createSdk({
		resource: defaultResource().merge(
			resourceFromAttributes(application.packageName === undefined ? {} : { "service.name": application.packageName }),
		),
		// No process detector: command lines are personal data. The environment comes last and wins.
		resourceDetectors: [serviceInstanceIdDetector, envDetector],
		spanProcessors: [
			new ArmspanSpanProcessor(),
			new NestedCallSpanProcessor(),
			new AnthropicSpanProcessor(),
			new CostSpanProcessor(),
			pending.spanProcessor,
			...(spans === undefined ? [] : [spans.processor]),
		],
		logRecordProcessors: [pending.logRecordProcessor, ...(logs === undefined ? [] : [logs.processor])],
		metricReaders: [],
		instrumentations: [],
	});
	sdk.start();
	hookSdks();
	flushOnExit({
		pending,
		limitMs: settings.flushLimitMs,
		flush: async () => {
			await Promise.all([spans?.flush(), logs?.flush()]);
		},
	});
	for (const warning of settings.warnings) process.stderr.write(`[armspan] ${warning}\n`);
	const warning = settings.selfCheck ? selfCheck(application) : undefined;
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

function batchSpans(settings: Settings): { processor: SpanProcessor; flush: () => Promise<void> } {
	const exporter = new PatientExporter(new OTLPTraceExporter(settings.traceExporter), PATIENCE);
	const processor = new BatchSpanProcessor({ exporter, scheduledDelayMillis: settings.batchDelayMs });
	return { processor, flush: () => flushBoth(processor, exporter) };
}

function batchLogRecords(settings: Settings): { processor: LogRecordProcessor; flush: () => Promise<void> } {
	const exporter = new PatientExporter(new OTLPLogExporter(settings.logExporter), PATIENCE);
	const processor = new BatchLogRecordProcessor({ exporter, scheduledDelayMillis: settings.batchDelayMs });
	return { processor, flush: () => flushBoth(processor, exporter) };
}

/** A processor does not wait for the batch that it is just sending; the exporter does. */
async function flushBoth(
	processor: { forceFlush(): Promise<void> },
	exporter: { forceFlush(): Promise<void> },
): Promise<void> {
	const last = processor.forceFlush();
	await Promise.allSettled([last, exporter.forceFlush()]);
}
