import type { DecodedTraces, TraceRow } from "../rows.ts";
import { Decoding } from "./decoding.ts";
import type { Envelope } from "./envelope.ts";
import { walkJsonRequest } from "./json-envelope.ts";
import {
	asObject,
	attributesField,
	hexField,
	intField,
	type JsonObject,
	listField,
	objectField,
	textField,
	timeField,
} from "./json-fields.ts";
import { OTLP_LIMITS } from "./limits.ts";
import { durationText, optionalId, requiredId, spanKind, statusCode, timeText } from "./record-fields.ts";
import { RecordRefused } from "./record-refused.ts";

/** Decodes an ExportTraceServiceRequest in OTLP/JSON. */
export function decodeJsonTraces(body: Uint8Array, keep?: (row: TraceRow) => void): DecodedTraces {
	const decoding = new Decoding<TraceRow>(keep);
	walkJsonRequest(body, { resources: "resourceSpans", scopes: "scopeSpans", records: "spans" }, (record, envelope) =>
		decoding.record(() => spanRow(asObject(record, "spans"), envelope)),
	);
	return decoding.result();
}

function spanRow(span: JsonObject, { resource, scope }: Envelope): TraceRow {
	const start = timeField(span, "startTimeUnixNano");
	const status = objectField(span, "status");
	return {
		Timestamp: timeText(start),
		TraceId: requiredId("trace", hexField(span, "traceId")),
		SpanId: requiredId("span", hexField(span, "spanId")),
		ParentSpanId: optionalId("span", hexField(span, "parentSpanId")),
		TraceState: textField(span, "traceState"),
		SpanName: textField(span, "name"),
		SpanKind: spanKind(intField(span, "kind")),
		ServiceName: resource.get("service.name") ?? "",
		ResourceAttributes: resource,
		ScopeName: scope.name,
		ScopeVersion: scope.version,
		SpanAttributes: attributesField(span),
		Duration: durationText(start, timeField(span, "endTimeUnixNano")),
		StatusCode: statusCode(intField(status, "code")),
		StatusMessage: textField(status, "message"),
		Events: boundedList(span, "events").map((event) => ({
			Timestamp: timeText(timeField(event, "timeUnixNano")),
			Name: textField(event, "name"),
			Attributes: attributesField(event),
		})),
		Links: boundedList(span, "links").map((link) => ({
			TraceId: optionalId("trace", hexField(link, "traceId")),
			SpanId: optionalId("span", hexField(link, "spanId")),
			TraceState: textField(link, "traceState"),
			Attributes: attributesField(link),
		})),
	};
}

function boundedList(span: JsonObject, field: "events" | "links"): JsonObject[] {
	const list = listField(span, field);
	if (list.length > OTLP_LIMITS.eventsOrLinks) {
		throw new RecordRefused(`more than ${OTLP_LIMITS.eventsOrLinks} ${field}`);
	}
	return list.map((item) => asObject(item, field));
}
