import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { ContentGuard, type ContentOptions, type Redact, type TextPlace } from "./content-guard.ts";

export type { ContentOptions, Redact, TextPlace };

interface ExporterOf<Item> {
	export(items: Item[], done: (result: { code: number; error?: Error }) => void): void;
	forceFlush?(): Promise<void>;
	shutdown(): Promise<void>;
}

/**
 * Wraps a span exporter of an OpenTelemetry set-up of your own, so that no prompt, answer or exception message leaves
 * through it, or only what redaction lets pass. `@armspan/register` does it by itself.
 */
export function guardContent(
	exporter: ExporterOf<ReadableSpan>,
	options: ContentOptions = { capture: false },
): ExporterOf<ReadableSpan> {
	return guarded(exporter, new ContentGuard(options).span);
}

/** As `guardContent`, for an exporter of log records. */
export function guardLogContent(
	exporter: ExporterOf<ReadableLogRecord>,
	options: ContentOptions = { capture: false },
): ExporterOf<ReadableLogRecord> {
	return guarded(exporter, new ContentGuard(options).logRecord);
}

export function guarded<Item>(exporter: ExporterOf<Item>, clean: (item: Item) => Item): ExporterOf<Item> {
	return {
		export: (items, done) => exporter.export(items.map(clean), done),
		forceFlush: async () => exporter.forceFlush?.(),
		shutdown: () => exporter.shutdown(),
	};
}
