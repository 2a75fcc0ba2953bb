import type { TraceColumns } from "../native/trace-columns.ts";
import type { TraceEvent, TraceLink } from "../rows.ts";
import type { Envelope } from "./envelope.ts";
import { OTLP_LIMITS } from "./limits.ts";
import { readValue } from "./protobuf-attributes.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";
import { pushBounded, readEvent, readLink, readSpan } from "./protobuf-traces.ts";
import { durationText, type RequestBudget, requiredId, spanKind, statusCode, timeText } from "./record-fields.ts";
import { RecordRefused } from "./record-refused.ts";

/** `number << 3 | wireType` of the fields of a Span. */
const SPAN = {
	traceId: 0x0a,
	spanId: 0x12,
	traceState: 0x1a,
	parentSpanId: 0x22,
	name: 0x2a,
	kind: 0x30,
	start: 0x39,
	end: 0x41,
	attribute: 0x4a,
	event: 0x5a,
	link: 0x6a,
	status: 0x7a,
} as const;
const KEY_VALUE = { key: 0x0a, value: 0x12 } as const;
const ANY_VALUE = { string: 0x0a, bool: 0x10, int: 0x18, double: 0x21 } as const;
const STATUS = { message: 0x12, code: 0x18 } as const;

/** A span that has one key twice, which rows, having a Map, know how to join. */
const KEY_TWICE = Symbol("key twice");

/** Where something stands in the body. */
interface Range {
	start: number;
	end: number;
}

/**
 * Copies the span up to `end` into the columns, without making texts or objects of what it holds: the same row that
 * `readSpan` and `TraceColumns.add` make, several times faster. Nothing is added when it throws.
 * @throws {RecordRefused}
 */
export function transcodeSpan(
	reader: ProtobufReader,
	end: number,
	envelope: Envelope,
	target: TraceColumns,
	budget: RequestBudget,
): void {
	const start = reader.pos;
	const attributes = target.columns.SpanAttributes;
	try {
		copySpan(reader, end, envelope, target, budget);
	} catch (error) {
		attributes.takeBack();
		if (error !== KEY_TWICE) {
			throw error;
		}
		reader.pos = start;
		const row = readSpan(reader, end, envelope);
		budget.spend(row.Timestamp, row.Events.length + row.Links.length);
		target.add(row);
	}
}

function copySpan(
	reader: ProtobufReader,
	end: number,
	{ resource, scope }: Envelope,
	target: TraceColumns,
	budget: RequestBudget,
): void {
	const { body } = reader;
	const { columns } = target;
	const traceId = { start: 0, end: 0 };
	const spanId = { start: 0, end: 0 };
	const parentSpanId = { start: 0, end: 0 };
	const traceState = { start: 0, end: 0 };
	const name = { start: 0, end: 0 };
	const statusMessage = { start: 0, end: 0 };
	let kind = 0;
	let status = 0;
	let startAt = 0;
	let endAt = 0;
	let events: TraceEvent[] | undefined;
	let links: TraceLink[] | undefined;
	while (reader.pos < end) {
		const tag = reader.fieldTag();
		switch (tag) {
			case SPAN.attribute:
				copyAttribute(reader, reader.nestedEnd(end), target);
				break;
			case SPAN.traceId:
				skipTo(reader, traceId);
				break;
			case SPAN.spanId:
				skipTo(reader, spanId);
				break;
			case SPAN.parentSpanId:
				skipTo(reader, parentSpanId);
				break;
			case SPAN.traceState:
				skipTo(reader, traceState);
				break;
			case SPAN.name:
				skipTo(reader, name);
				break;
			case SPAN.kind:
				kind = reader.int32();
				break;
			case SPAN.start:
				startAt = reader.pos;
				reader.pos += 8;
				break;
			case SPAN.end:
				endAt = reader.pos;
				reader.pos += 8;
				break;
			case SPAN.event:
				events ??= [];
				pushBounded(events, readEvent(reader, reader.nestedEnd(end)));
				break;
			case SPAN.link:
				links ??= [];
				pushBounded(links, readLink(reader, reader.nestedEnd(end)));
				break;
			case SPAN.status: {
				const statusEnd = reader.nestedEnd(end);
				while (reader.pos < statusEnd) {
					const statusTag = reader.fieldTag();
					if (statusTag === STATUS.message) skipTo(reader, statusMessage);
					else if (statusTag === STATUS.code) status = reader.int32();
					else reader.skip(statusTag & 7, statusTag >>> 3);
				}
				assertAt(reader, statusEnd);
				break;
			}
			default:
				reader.skip(tag & 7, tag >>> 3);
		}
	}
	assertAt(reader, end);
	const began = startAt === 0 ? 0n : body.readBigUInt64LE(startAt);
	const ended = endAt === 0 ? 0n : body.readBigUInt64LE(endAt);
	const beganText = timeText(began);
	assertId(body, "trace", 16, traceId);
	assertId(body, "span", 8, spanId);
	budget.spend(beganText, (events?.length ?? 0) + (links?.length ?? 0));

	columns.Timestamp.integer(beganText);
	addHex(columns.TraceId, body, traceId);
	addHex(columns.SpanId, body, spanId);
	if (isId(body, 8, parentSpanId)) addHex(columns.ParentSpanId, body, parentSpanId);
	else columns.ParentSpanId.text("");
	columns.TraceState.mended(body, traceState.start, traceState.end);
	columns.SpanName.addKey(columns.SpanName.keyOfBytes(body, name.start, name.end));
	columns.SpanKind.add(spanKind(kind));
	target.addShared(resource.get("service.name") ?? "", resource, scope.name, scope.version);
	columns.SpanAttributes.endRow();
	columns.Duration.integer(durationText(began, ended));
	columns.StatusCode.add(statusCode(status));
	columns.StatusMessage.mended(body, statusMessage.start, statusMessage.end);
	target.addEvents(events ?? []);
	target.addLinks(links ?? []);
	target.rows += 1;
}

function copyAttribute(reader: ProtobufReader, end: number, target: TraceColumns): void {
	const { keys, values } = target.columns.SpanAttributes;
	const valueAt = values.length;
	let keyStart = 0;
	let keyEnd = 0;
	while (reader.pos < end) {
		const tag = reader.fieldTag();
		if (tag === KEY_VALUE.key) {
			keyEnd = reader.nestedEnd(reader.len);
			keyStart = reader.pos;
			reader.pos = keyEnd;
		} else if (tag === KEY_VALUE.value) {
			// a field that comes twice counts the last time
			values.length = valueAt;
			copyValue(reader, reader.nestedEnd(end), target);
		} else {
			reader.skip(tag & 7, tag >>> 3);
		}
	}
	assertAt(reader, end);
	if (values.length === valueAt) {
		values.byte(0);
	}
	if (target.columns.SpanAttributes.size >= OTLP_LIMITS.attributes) {
		throw new RecordRefused(`more than ${OTLP_LIMITS.attributes} attributes`);
	}
	if (!target.columns.SpanAttributes.addKey(keys.keyOfBytes(reader.body, keyStart, keyEnd))) {
		throw KEY_TWICE;
	}
}

function copyValue(reader: ProtobufReader, end: number, target: TraceColumns): void {
	const { values } = target.columns.SpanAttributes;
	const start = reader.pos;
	const tag = start < end ? reader.fieldTag() : 0;
	if (tag === ANY_VALUE.string) {
		const textEnd = reader.nestedEnd(reader.len);
		// a oneof that is given twice, and all that is rarer, is read the careful way
		if (textEnd === end) {
			values.mended(reader.body, reader.pos, textEnd);
			reader.pos = end;
			return;
		}
	} else if (tag === ANY_VALUE.int) {
		const text = reader.int64Text();
		if (reader.pos === end) {
			values.text(text);
			return;
		}
	} else if (tag === ANY_VALUE.double && reader.pos + 8 === end) {
		values.text(String(reader.double()));
		return;
	} else if (tag === ANY_VALUE.bool) {
		const bool = reader.bool();
		if (reader.pos === end) {
			values.text(bool ? "true" : "false");
			return;
		}
	}
	reader.pos = start;
	values.text(readValue(reader, end, "text", 1));
}

/** Notes where a length-delimited field stands, and passes over it. */
function skipTo(reader: ProtobufReader, range: Range): void {
	range.end = reader.nestedEnd(reader.len);
	range.start = reader.pos;
	reader.pos = range.end;
}

function assertAt(reader: ProtobufReader, end: number): void {
	if (reader.pos !== end) {
		throw new RangeError("field reaches beyond its message");
	}
}

function isId(body: Buffer, bytes: number, { start, end }: Range): boolean {
	if (end - start !== bytes) {
		return false;
	}
	for (let index = start; index < end; index++) {
		if (body[index] !== 0) {
			return true;
		}
	}
	return false;
}

function assertId(body: Buffer, kind: "trace" | "span", bytes: number, range: Range): void {
	if (!isId(body, bytes, range)) {
		// throws, as it does for rows
		requiredId(kind, range.end - range.start > 32 ? "not an id" : body.toString("hex", range.start, range.end));
	}
}

const HEX_DIGIT = Buffer.from("0123456789abcdef");

function addHex(column: TraceColumns["columns"]["TraceId"], body: Buffer, { start, end }: Range): void {
	const size = 2 * (end - start);
	column.reserve(size + 1);
	const { bytes } = column;
	let at = column.length;
	bytes[at++] = size;
	for (let index = start; index < end; index++) {
		const byte = body[index] as number;
		bytes[at++] = HEX_DIGIT[byte >>> 4] as number;
		bytes[at++] = HEX_DIGIT[byte & 15] as number;
	}
	column.length = at;
}
