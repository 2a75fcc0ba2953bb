import type { AttributeMap } from "../rows.ts";
import type { Envelope, Scope } from "./envelope.ts";
import { readResource, readScope } from "./protobuf-attributes.ts";
import { type ProtobufReader, WireType } from "./protobuf-reader.ts";

/**
 * Walks an export request (traces and logs have the same outer form) and calls `visit` at each record.
 * Fields may come in any order, so a message that holds records is read twice: first what they share, then them.
 */
export function walkRequest(reader: ProtobufReader, visit: (end: number, envelope: Envelope) => void): void {
	eachNested(reader, reader.len, 1, (resourceEnd) => {
		const start = reader.pos;
		let resource: AttributeMap = new Map();
		let resourceSchemaUrl = "";
		reader.fields(resourceEnd, (field, wireType) => {
			if (field === 1 && wireType === WireType.LengthDelimited) {
				resource = readResource(reader, reader.nestedEnd(resourceEnd));
				return true;
			}
			if (field === 3 && wireType === WireType.LengthDelimited) {
				resourceSchemaUrl = reader.text();
				return true;
			}
			return false;
		});
		reader.pos = start;
		eachNested(reader, resourceEnd, 2, (scopeEnd) => {
			const scopeStart = reader.pos;
			let scope: Scope = { name: "", version: "", attributes: new Map() };
			let scopeSchemaUrl = "";
			reader.fields(scopeEnd, (field, wireType) => {
				if (field === 1 && wireType === WireType.LengthDelimited) {
					scope = readScope(reader, reader.nestedEnd(scopeEnd));
					return true;
				}
				if (field === 3 && wireType === WireType.LengthDelimited) {
					scopeSchemaUrl = reader.text();
					return true;
				}
				return false;
			});
			reader.pos = scopeStart;
			const envelope = { resource, resourceSchemaUrl, scope, scopeSchemaUrl };
			eachNested(reader, scopeEnd, 2, (end) => {
				visit(end, envelope);
				// a record that was refused half-way left the reader inside it
				reader.pos = end;
			});
		});
	});
}

function eachNested(reader: ProtobufReader, end: number, wanted: number, visit: (nestedEnd: number) => void): void {
	reader.fields(end, (field, wireType) => {
		if (field !== wanted || wireType !== WireType.LengthDelimited) {
			return false;
		}
		visit(reader.nestedEnd(end));
		return true;
	});
}
