import type { AttributeMap } from "../rows.ts";
import type { Scope } from "./envelope.ts";
import { OTLP_LIMITS } from "./limits.ts";
import { type ProtobufReader, WireType } from "./protobuf-reader.ts";
import { doubleJson, objectJson } from "./record-fields.ts";
import { RecordRefused } from "./record-refused.ts";

/** Reads one KeyValue up to `end` into `attributes`, its value as text. */
export function readAttribute(reader: ProtobufReader, end: number, attributes: Map<string, string>): void {
	let key = "";
	let value = "";
	reader.fields(end, (field, wireType) => {
		if (field === 1 && wireType === WireType.LengthDelimited) {
			key = reader.text();
			return true;
		}
		if (field === 2 && wireType === WireType.LengthDelimited) {
			value = readValue(reader, reader.nestedEnd(end), "text", 1);
			return true;
		}
		return false;
	});
	if (attributes.size >= OTLP_LIMITS.attributes) {
		throw new RecordRefused(`more than ${OTLP_LIMITS.attributes} attributes`);
	}
	attributes.set(key, value);
}

/**
 * Reads one AnyValue up to `end`.
 * @param form `text`: as a column holds it, strings bare; `json`: as part of a JSON text
 */
export function readValue(reader: ProtobufReader, end: number, form: "text" | "json", depth: number): string {
	if (depth > OTLP_LIMITS.depth) {
		throw new RecordRefused(`value nested deeper than ${OTLP_LIMITS.depth}`);
	}
	let value = form === "text" ? "" : "null";
	const asString = (text: string) => (form === "text" ? text : JSON.stringify(text));
	reader.fields(end, (field, wireType) => {
		if (wireType === WireType.LengthDelimited) {
			switch (field) {
				case 1:
					value = asString(reader.text());
					return true;
				case 5:
					value = readArray(reader, reader.nestedEnd(end), depth);
					return true;
				case 6:
					value = readKeyValueList(reader, reader.nestedEnd(end), depth);
					return true;
				case 7:
					value = asString(Buffer.from(reader.bytes()).toString("base64"));
					return true;
			}
		} else if (wireType === WireType.Varint && field === 2) {
			value = String(reader.bool());
			return true;
		} else if (wireType === WireType.Varint && field === 3) {
			value = String(reader.int64());
			return true;
		} else if (wireType === WireType.Bit64 && field === 4) {
			const double = reader.double();
			value = form === "text" ? String(double) : doubleJson(double);
			return true;
		}
		return false;
	});
	return value;
}

function readArray(reader: ProtobufReader, end: number, depth: number): string {
	const items: string[] = [];
	reader.fields(end, (field, wireType) => {
		if (field !== 1 || wireType !== WireType.LengthDelimited) {
			return false;
		}
		items.push(readValue(reader, reader.nestedEnd(end), "json", depth + 1));
		return true;
	});
	return `[${items.join(",")}]`;
}

function readKeyValueList(reader: ProtobufReader, end: number, depth: number): string {
	const entries = new Map<string, string>();
	reader.fields(end, (field, wireType) => {
		if (field !== 1 || wireType !== WireType.LengthDelimited) {
			return false;
		}
		let key = "";
		let value = "null";
		const entryEnd = reader.nestedEnd(end);
		reader.fields(entryEnd, (entryField, entryWireType) => {
			if (entryField === 1 && entryWireType === WireType.LengthDelimited) {
				key = reader.text();
				return true;
			}
			if (entryField === 2 && entryWireType === WireType.LengthDelimited) {
				value = readValue(reader, reader.nestedEnd(entryEnd), "json", depth + 1);
				return true;
			}
			return false;
		});
		entries.set(key, value);
		return true;
	});
	return objectJson(entries);
}

/** Reads a Resource: only its attributes matter. */
export function readResource(reader: ProtobufReader, end: number): AttributeMap {
	const attributes = new Map<string, string>();
	reader.fields(end, (field, wireType) => {
		if (field !== 1 || wireType !== WireType.LengthDelimited) {
			return false;
		}
		readAttribute(reader, reader.nestedEnd(end), attributes);
		return true;
	});
	return attributes;
}

/** Reads an InstrumentationScope. */
export function readScope(reader: ProtobufReader, end: number): Scope {
	const attributes = new Map<string, string>();
	const scope: Scope = { name: "", version: "", attributes };
	reader.fields(end, (field, wireType) => {
		if (wireType !== WireType.LengthDelimited) {
			return false;
		}
		switch (field) {
			case 1:
				scope.name = reader.text();
				return true;
			case 2:
				scope.version = reader.text();
				return true;
			case 3:
				readAttribute(reader, reader.nestedEnd(end), attributes);
				return true;
			default:
				return false;
		}
	});
	return scope;
}
