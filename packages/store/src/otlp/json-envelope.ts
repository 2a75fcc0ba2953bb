import { StoreError } from "../store-error.ts";
import { assertJsonSize } from "./assert-json-size.ts";
import type { Envelope } from "./envelope.ts";
import {
	asObject,
	attributesField,
	type JsonObject,
	listField,
	objectField,
	scopeField,
	textField,
} from "./json-fields.ts";

/** Names of the lists in an export request of this kind. */
export interface RequestFields {
	resources: "resourceSpans" | "resourceLogs";
	scopes: "scopeSpans" | "scopeLogs";
	records: "spans" | "logRecords";
}

/** Walks an OTLP/JSON export request and calls `visit` with each record. */
export function walkJsonRequest(
	body: Uint8Array,
	fields: RequestFields,
	visit: (record: unknown, envelope: Envelope) => void,
): void {
	for (const resourceItem of listField(parseJson(body), fields.resources)) {
		const resourceObject = asObject(resourceItem, fields.resources);
		const resource = attributesField(objectField(resourceObject, "resource"));
		const resourceSchemaUrl = textField(resourceObject, "schemaUrl");
		for (const scopeItem of listField(resourceObject, fields.scopes)) {
			const scopeObject = asObject(scopeItem, fields.scopes);
			const envelope: Envelope = {
				resource,
				resourceSchemaUrl,
				scope: scopeField(scopeObject),
				scopeSchemaUrl: textField(scopeObject, "schemaUrl"),
			};
			for (const record of listField(scopeObject, fields.records)) {
				visit(record, envelope);
			}
		}
	}
}

function parseJson(body: Uint8Array): JsonObject {
	try {
		assertJsonSize(body);
		return asObject(JSON.parse(new TextDecoder().decode(body)), "request");
	} catch (cause) {
		throw new StoreError(
			"OTLP_MALFORMED",
			`body is not an OTLP/JSON request: ${cause instanceof Error ? cause.message : String(cause)}`,
			{ bytes: body.length },
			{ cause },
		);
	}
}
