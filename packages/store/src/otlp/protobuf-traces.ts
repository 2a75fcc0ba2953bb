import type { DecodedTraces, TraceEvent, TraceLink, TraceRow } from "../rows.ts";
import { Decoding } from "./decoding.ts";
import type { Envelope } from "./envelope.ts";
import { OTLP_LIMITS } from "./limits.ts";
import { readAttribute } from "./protobuf-attributes.ts";
import { walkRequest } from "./protobuf-envelope.ts";
import { ProtobufReader, WireType } from "./protobuf-reader.ts";
import { durationText, optionalId, requiredId, spanKind, statusCode, timeText } from "./record-fields.ts";
import { RecordRefused } from "./record-refused.ts";

/** Decodes an ExportTraceServiceRequest. Field numbers: opentelemetry-proto, trace/v1/trace.proto. */
export function decodeProtobufTraces(body: Uint8Array): DecodedTraces {
	const reader = new ProtobufReader(body);
	const decoding = new Decoding<TraceRow>();
	walkRequest(reader, (end, envelope) => decoding.record(() => readSpan(reader, end, envelope)));
	return decoding.result();
}

export function readSpan(reader: ProtobufReader, end: number, { resource, scope }: Envelope): TraceRow {
	let traceId = "";
	let spanId = "";
	let parentSpanId = "";
	let traceState = "";
	let name = "";
	let kind = 0;
	let start = 0n;
	let finish = 0n;
	let status = 0;
	let statusMessage = "";
	const attributes = new Map<string, string>();
	const events: TraceEvent[] = [];
	const links: TraceLink[] = [];
	reader.fields(end, (field, wireType) => {
		if (wireType === WireType.LengthDelimited) {
			switch (field) {
				case 1:
					traceId = reader.hex();
					return true;
				case 2:
					spanId = reader.hex();
					return true;
				case 3:
					traceState = reader.text();
					return true;
				case 4:
					parentSpanId = reader.hex();
					return true;
				case 5:
					name = reader.text();
					return true;
				case 9:
					readAttribute(reader, reader.nestedEnd(end), attributes);
					return true;
				case 11:
					pushBounded(events, readEvent(reader, reader.nestedEnd(end)));
					return true;
				case 13:
					pushBounded(links, readLink(reader, reader.nestedEnd(end)));
					return true;
				case 15: {
					const statusEnd = reader.nestedEnd(end);
					reader.fields(statusEnd, (statusField, statusWireType) => {
						if (statusField === 2 && statusWireType === WireType.LengthDelimited) {
							statusMessage = reader.text();
							return true;
						}
						if (statusField === 3 && statusWireType === WireType.Varint) {
							status = reader.int32();
							return true;
						}
						return false;
					});
					return true;
				}
			}
		} else if (wireType === WireType.Bit64 && field === 7) {
			start = reader.time();
			return true;
		} else if (wireType === WireType.Bit64 && field === 8) {
			finish = reader.time();
			return true;
		} else if (wireType === WireType.Varint && field === 6) {
			kind = reader.int32();
			return true;
		}
		return false;
	});
	return {
		Timestamp: timeText(start),
		TraceId: requiredId("trace", traceId),
		SpanId: requiredId("span", spanId),
		ParentSpanId: optionalId("span", parentSpanId),
		TraceState: traceState,
		SpanName: name,
		SpanKind: spanKind(kind),
		ServiceName: resource.get("service.name") ?? "",
		ResourceAttributes: resource,
		ScopeName: scope.name,
		ScopeVersion: scope.version,
		SpanAttributes: attributes,
		Duration: durationText(start, finish),
		StatusCode: statusCode(status),
		StatusMessage: statusMessage,
		Events: events,
		Links: links,
	};
}

export function readEvent(reader: ProtobufReader, end: number): TraceEvent {
	const attributes = new Map<string, string>();
	const event: TraceEvent = { Timestamp: "0", Name: "", Attributes: attributes };
	reader.fields(end, (field, wireType) => {
		if (field === 1 && wireType === WireType.Bit64) {
			event.Timestamp = timeText(reader.time());
			return true;
		}
		if (field === 2 && wireType === WireType.LengthDelimited) {
			event.Name = reader.text();
			return true;
		}
		if (field === 3 && wireType === WireType.LengthDelimited) {
			readAttribute(reader, reader.nestedEnd(end), attributes);
			return true;
		}
		return false;
	});
	return event;
}

export function readLink(reader: ProtobufReader, end: number): TraceLink {
	const attributes = new Map<string, string>();
	const link: TraceLink = { TraceId: "", SpanId: "", TraceState: "", Attributes: attributes };
	reader.fields(end, (field, wireType) => {
		if (wireType !== WireType.LengthDelimited) {
			return false;
		}
		switch (field) {
			case 1:
				link.TraceId = optionalId("trace", reader.hex());
				return true;
			case 2:
				link.SpanId = optionalId("span", reader.hex());
				return true;
			case 3:
				link.TraceState = reader.text();
				return true;
			case 4:
				readAttribute(reader, reader.nestedEnd(end), attributes);
				return true;
			default:
				return false;
		}
	});
	return link;
}

export function pushBounded<Item>(list: Item[], item: Item): void {
	if (list.length >= OTLP_LIMITS.eventsOrLinks) {
		throw new RecordRefused(`more than ${OTLP_LIMITS.eventsOrLinks} events or links`);
	}
	list.push(item);
}
