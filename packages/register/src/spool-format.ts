import type { Attributes, HrTime, SpanContext } from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { type Fields, fieldsOf } from "./sdk-dialect.ts";

/** Turns what waits for delivery into text and back; what a file says may be anything. */
export interface SpoolFormat<Item> {
	write(items: readonly Item[]): string;
	/** @returns what could be read; the rest is left out */
	read(text: string): Item[];
}

const VERSION = 1;

export const SPANS: SpoolFormat<ReadableSpan> = {
	write: (spans) =>
		stringify(spans, (span) => ({
			...pick(span, SPAN_FIELDS),
			spanContext: contextFields(span.spanContext()),
			parentSpanContext: span.parentSpanContext && contextFields(span.parentSpanContext),
			links: span.links.map((link) => ({ ...link, context: contextFields(link.context) })),
		})),
	read: (text) =>
		parse(text, (fields, resource) => {
			const own = spanContextOf(fields.spanContext);
			if (own === undefined || !isTime(fields.startTime) || !isTime(fields.endTime)) return undefined;
			const parentSpanContext = spanContextOf(fields.parentSpanContext);
			return {
				...(pick(fields, SPAN_FIELDS) as unknown as ReadableSpan),
				name: String(fields.name),
				kind: number(fields.kind),
				status: { code: number(fieldsOf(fields.status).code) },
				...(typeof fieldsOf(fields.status).message === "string"
					? { status: fieldsOf(fields.status) as unknown as ReadableSpan["status"] }
					: {}),
				attributes: attributesOf(fields.attributes),
				events: list(fields.events).flatMap((event) =>
					isTime(event.time)
						? [{ name: String(event.name), time: event.time, attributes: attributesOf(event.attributes) }]
						: [],
				),
				links: list(fields.links).flatMap((link) => {
					const context = spanContextOf(link.context);
					return context === undefined ? [] : [{ context, attributes: attributesOf(link.attributes) }];
				}),
				spanContext: () => own,
				...(parentSpanContext === undefined ? {} : { parentSpanContext }),
				ended: true,
				resource,
				instrumentationScope: scopeOf(fields.instrumentationScope),
				droppedAttributesCount: number(fields.droppedAttributesCount),
				droppedEventsCount: number(fields.droppedEventsCount),
				droppedLinksCount: number(fields.droppedLinksCount),
			};
		}),
};

export const EVENTS: SpoolFormat<ReadableLogRecord> = {
	write: (records) =>
		stringify(records, (record) => ({
			...pick(record, EVENT_FIELDS),
			spanContext: record.spanContext && contextFields(record.spanContext),
		})),
	read: (text) =>
		parse(text, (fields, resource) => {
			if (!isTime(fields.hrTime) || !isTime(fields.hrTimeObserved)) return undefined;
			const spanContext = spanContextOf(fields.spanContext);
			return {
				hrTime: fields.hrTime,
				hrTimeObserved: fields.hrTimeObserved,
				severityNumber: number(fields.severityNumber),
				...(typeof fields.severityText === "string" ? { severityText: fields.severityText } : {}),
				...(typeof fields.eventName === "string" ? { eventName: fields.eventName } : {}),
				...(typeof fields.body === "string" ? { body: fields.body } : {}),
				...(spanContext === undefined ? {} : { spanContext }),
				attributes: attributesOf(fields.attributes),
				droppedAttributesCount: number(fields.droppedAttributesCount),
				resource,
				instrumentationScope: scopeOf(fields.instrumentationScope),
			};
		}),
};

const SPAN_FIELDS = [
	"name",
	"kind",
	"startTime",
	"endTime",
	"duration",
	"status",
	"attributes",
	"events",
	"instrumentationScope",
	"droppedAttributesCount",
	"droppedEventsCount",
	"droppedLinksCount",
] as const;
const EVENT_FIELDS = [
	"hrTime",
	"hrTimeObserved",
	"severityNumber",
	"severityText",
	"eventName",
	"body",
	"attributes",
	"droppedAttributesCount",
	"instrumentationScope",
] as const;

function pick(from: object, names: readonly string[]): Fields {
	const fields = from as Fields;
	return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

/** Resources are few: they are written once each. */
function stringify<Item extends { readonly resource: Resource }>(
	items: readonly Item[],
	fields: (item: Item) => Fields,
): string {
	const resources = [...new Set(items.map(({ resource }) => resource))];
	return JSON.stringify({
		version: VERSION,
		resources: resources.map(({ attributes }) => attributes),
		items: items.map((item) => ({ ...fields(item), resource: resources.indexOf(item.resource) })),
	});
}

function parse<Item>(text: string, item: (fields: Fields, resource: Resource) => Item | undefined): Item[] {
	const file = fieldsOf(JSON.parse(text));
	if (file.version !== VERSION) return [];
	const resources = list(file.resources).map((attributes) => resourceFromAttributes(attributesOf(attributes)));
	return list(file.items).flatMap((fields) => {
		const resource = resources[number(fields.resource)];
		const read = resource && item(fields, resource);
		return read === undefined ? [] : [read];
	});
}

/** Trace state is an object with methods; what it says is another vendor's. */
function contextFields({ traceId, spanId, traceFlags, isRemote }: SpanContext): Fields {
	return { traceId, spanId, traceFlags, isRemote };
}

function spanContextOf(value: unknown): SpanContext | undefined {
	const { traceId, spanId, traceFlags, isRemote } = fieldsOf(value);
	if (typeof traceId !== "string" || !/^[0-9a-f]{32}$/.test(traceId)) return undefined;
	if (typeof spanId !== "string" || !/^[0-9a-f]{16}$/.test(spanId)) return undefined;
	return { traceId, spanId, traceFlags: number(traceFlags) & 0xff, isRemote: isRemote === true };
}

function attributesOf(value: unknown): Attributes {
	const entries = Object.entries(fieldsOf(value)).filter(([, one]) =>
		(Array.isArray(one) ? one : [one]).every(isScalar),
	);
	return Object.fromEntries(entries) as Attributes;
}

function scopeOf(value: unknown): { name: string; version?: string } {
	const { name, version } = fieldsOf(value);
	return { name: String(name), ...(typeof version === "string" ? { version } : {}) };
}

function isScalar(value: unknown): boolean {
	return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function isTime(value: unknown): value is HrTime {
	return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isSafeInteger(part) && part >= 0);
}

function number(value: unknown): number {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function list(value: unknown): Fields[] {
	return Array.isArray(value) ? value.map(fieldsOf) : [];
}
