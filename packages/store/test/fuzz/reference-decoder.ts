import { createFileRegistry, fromBinary, fromJson, type Message } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Signal } from "./logical-request.ts";

const TYPES: Record<string, string> = {
	...{ string: "TYPE_STRING", bool: "TYPE_BOOL", int64: "TYPE_INT64", double: "TYPE_DOUBLE", bytes: "TYPE_BYTES" },
	...{ int32: "TYPE_INT32", fixed64: "TYPE_FIXED64", fixed32: "TYPE_FIXED32" },
};

/** `name number type`, `*` for repeated, `|` for the oneof: opentelemetry-proto 1.x, as far as rows hold it. */
const MESSAGES: Record<string, string[]> = {
	TracesRequest: ["resources 1 *ResourceSpans"],
	ResourceSpans: ["resource 1 Resource", "scopes 2 *ScopeSpans", "schema_url 3 string"],
	ScopeSpans: ["scope 1 Scope", "records 2 *Span", "schema_url 3 string"],
	LogsRequest: ["resources 1 *ResourceLogs"],
	ResourceLogs: ["resource 1 Resource", "scopes 2 *ScopeLogs", "schema_url 3 string"],
	ScopeLogs: ["scope 1 Scope", "records 2 *LogRecord", "schema_url 3 string"],
	Resource: ["attributes 1 *KeyValue"],
	Scope: ["name 1 string", "version 2 string", "attributes 3 *KeyValue"],
	KeyValue: ["key 1 string", "value 2 AnyValue"],
	AnyValue: [
		...["string_value 1 |string", "bool_value 2 |bool", "int_value 3 |int64", "double_value 4 |double"],
		...["array_value 5 |ArrayValue", "kvlist_value 6 |KeyValueList", "bytes_value 7 |bytes"],
	],
	ArrayValue: ["values 1 *AnyValue"],
	KeyValueList: ["values 1 *KeyValue"],
	Span: [
		...["trace_id 1 bytes", "span_id 2 bytes", "trace_state 3 string", "parent_span_id 4 bytes", "name 5 string"],
		...["kind 6 int32", "start 7 fixed64", "end 8 fixed64", "attributes 9 *KeyValue", "events 11 *Event"],
		...["links 13 *Link", "status 15 Status"],
	],
	Event: ["time 1 fixed64", "name 2 string", "attributes 3 *KeyValue"],
	Link: ["trace_id 1 bytes", "span_id 2 bytes", "trace_state 3 string", "attributes 4 *KeyValue"],
	Status: ["message 2 string", "code 3 int32"],
	LogRecord: [
		...["time 1 fixed64", "severity_number 2 int32", "severity_text 3 string", "body 5 AnyValue"],
		...["attributes 6 *KeyValue", "flags 8 fixed32", "trace_id 9 bytes", "span_id 10 bytes", "observed 11 fixed64"],
		"event_name 12 string",
	],
};

const registry = createFileRegistry(
	fromJson(FileDescriptorProtoSchema, {
		...{ name: "otlp.proto", package: "otlp", syntax: "proto3" },
		messageType: Object.entries(MESSAGES).map(([name, fields]) => ({
			name,
			oneofDecl: fields.some((field) => field.includes("|")) ? [{ name: "value" }] : [],
			field: fields.map((line) => {
				const [fieldName, number, type] = line.split(" ") as [string, string, string];
				const bare = type.replace(/[*|]/, "");
				return {
					...{ name: fieldName, number: Number(number) },
					label: type.startsWith("*") ? "LABEL_REPEATED" : "LABEL_OPTIONAL",
					...(bare in TYPES ? { type: TYPES[bare] as string } : { type: "TYPE_MESSAGE", typeName: `.otlp.${bare}` }),
					...(type.startsWith("|") ? { oneofIndex: 0 } : {}),
				};
			}),
		})),
	} as never),
	() => undefined,
);

type Fields = Message & Record<string, unknown>;

/** A row by name, in plain values, to be compared with ours. */
export type ReferenceRow = Record<string, unknown>;

const WIRE_TYPES: Record<string, number> = { bool: 0, int64: 0, int32: 0, double: 1, fixed64: 1, fixed32: 5 };
const FIELDS = new Map(
	Object.entries(MESSAGES).map(([name, lines]) => [
		name,
		new Map(
			lines.map((line) => {
				const [, number, type] = line.split(" ") as [string, string, string];
				return [Number(number), type.replace(/[*|]/, "")];
			}),
		),
	]),
);

/**
 * Whether known fields have the wire types that they should, and messages lie within each other. The reference decoder
 * looks at neither, and reads something else than was written.
 */
function isStrict(bytes: Buffer, type: string): boolean {
	const reader = new BinaryReader(bytes);
	try {
		while (reader.pos < reader.len) {
			const [field, wireType] = reader.tag();
			const fieldType = FIELDS.get(type)?.get(field);
			if (fieldType === undefined) {
				reader.skip(wireType, field);
				continue;
			}
			if (wireType !== (WIRE_TYPES[fieldType] ?? 2)) return false;
			const start = reader.pos;
			reader.skip(wireType, field);
			if (FIELDS.has(fieldType)) {
				reader.pos = start;
				if (!isStrict(Buffer.from(reader.bytes()), fieldType)) return false;
			}
		}
		return true;
	} catch (error) {
		if (error instanceof TypeError) throw error;
		return false;
	}
}

/**
 * What `@bufbuild/protobuf` reads from the same bytes, made into rows by other code than ours.
 * @returns undefined when it does not take the body, or would misread it
 */
export function referenceRows(body: Uint8Array, signal: Signal): ReferenceRow[] | undefined {
	if (
		!isStrict(
			Buffer.from(body.buffer, body.byteOffset, body.length),
			signal === "traces" ? "TracesRequest" : "LogsRequest",
		)
	)
		return undefined;
	const schema = registry.getMessage(signal === "traces" ? "otlp.TracesRequest" : "otlp.LogsRequest");
	if (schema === undefined) throw new Error("no schema");
	let request: Fields;
	try {
		request = fromBinary(schema, body) as Fields;
	} catch (error) {
		// it refuses bad UTF-8 by a TypeError, the rest by Error and RangeError
		if (error instanceof TypeError && !error.message.includes("encoded data was not valid")) throw error;
		return undefined;
	}
	return list(request.resources).flatMap((resource) =>
		list(resource.scopes).flatMap((scope) =>
			list(scope.records).map((record) =>
				signal === "traces" ? span(record, resource, scope) : log(record, resource, scope),
			),
		),
	);
}

const list = (value: unknown) => (value ?? []) as Fields[];
const hex = (value: unknown) => Buffer.from(value as Uint8Array).toString("hex");
const id = (value: unknown, size: number) => {
	const text = hex(value);
	return text.length === 2 * size && /[^0]/.test(text) ? text : "";
};
const moment = (value: unknown) => ((value as bigint) < 2n ** 63n ? (value as bigint) : 0n);

function span(record: Fields, resource: Fields, scope: Fields): ReferenceRow {
	const { name = "", version = "" } = (scope.scope ?? {}) as Fields;
	const status = (record.status ?? { code: 0, message: "" }) as Fields;
	return {
		...{ Timestamp: moment(record.start), TraceId: id(record.traceId, 16), SpanId: id(record.spanId, 8) },
		...{ ParentSpanId: id(record.parentSpanId, 8), TraceState: record.traceState, SpanName: record.name },
		SpanKind: ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"][record.kind as number] ?? "",
		ResourceAttributes: attributes((resource.resource as Fields | undefined)?.attributes),
		...{ ScopeName: name, ScopeVersion: version, SpanAttributes: attributes(record.attributes) },
		Duration: BigInt.asUintN(64, (record.end as bigint) - (record.start as bigint)),
		StatusCode: ["Unset", "Ok", "Error"][status.code as number] ?? "",
		StatusMessage: status.message,
		"Events.Timestamp": list(record.events).map((event) => moment(event.time)),
		"Events.Name": list(record.events).map((event) => event.name),
		"Events.Attributes": list(record.events).map((event) => attributes(event.attributes)),
		"Links.TraceId": list(record.links).map((link) => id(link.traceId, 16)),
		"Links.SpanId": list(record.links).map((link) => id(link.spanId, 8)),
		"Links.TraceState": list(record.links).map((link) => link.traceState),
		"Links.Attributes": list(record.links).map((link) => attributes(link.attributes)),
	};
}

function log(record: Fields, resource: Fields, scope: Fields): ReferenceRow {
	const { name = "", version = "" } = (scope.scope ?? {}) as Fields;
	const severity = record.severityNumber as number;
	return {
		Timestamp: moment((record.time as bigint) === 0n ? record.observed : record.time),
		...{ TraceId: id(record.traceId, 16), SpanId: id(record.spanId, 8), TraceFlags: (record.flags as number) & 255 },
		...{ SeverityText: record.severityText, SeverityNumber: severity >= 0 && severity <= 24 ? severity : 0 },
		...{ Body: text(record.body), ResourceSchemaUrl: resource.schemaUrl, ScopeSchemaUrl: scope.schemaUrl },
		ResourceAttributes: attributes((resource.resource as Fields | undefined)?.attributes),
		...{ ScopeName: name, ScopeVersion: version },
		ScopeAttributes: attributes((scope.scope as Fields | undefined)?.attributes),
		...{ LogAttributes: attributes(record.attributes), EventName: record.eventName },
	};
}

function attributes(value: unknown): [string, string][] {
	return [...new Map(list(value).map((attribute) => [attribute.key as string, text(attribute.value)]))];
}

function text(any: unknown): string {
	const { case: kind, value } = ((any as Fields | undefined)?.value ?? {}) as { case?: string; value?: unknown };
	if (kind === undefined) return "";
	if (kind === "stringValue" || kind === "boolValue" || kind === "intValue" || kind === "doubleValue")
		return String(value);
	return kind === "bytesValue" ? Buffer.from(value as Uint8Array).toString("base64") : json(any);
}

function json(any: unknown): string {
	const { case: kind, value } = ((any as Fields | undefined)?.value ?? {}) as { case?: string; value?: unknown };
	switch (kind) {
		case undefined:
			return "null";
		case "arrayValue":
			return `[${list((value as Fields).values)
				.map(json)
				.join(",")}]`;
		case "kvlistValue": {
			const entries = new Map(list((value as Fields).values).map((entry) => [entry.key as string, json(entry.value)]));
			const keys = [...entries.keys()].sort();
			return `{${keys.map((key) => `${JSON.stringify(key)}:${entries.get(key)}`).join(",")}}`;
		}
		case "doubleValue":
			return Number.isFinite(value) ? String(value) : `"${value}"`;
		case "intValue":
		case "boolValue":
			return String(value);
		default:
			return JSON.stringify(text(any));
	}
}
