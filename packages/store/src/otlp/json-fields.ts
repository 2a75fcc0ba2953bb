import type { AttributeMap } from "../rows.ts";
import type { Scope } from "./envelope.ts";
import { OTLP_LIMITS } from "./limits.ts";
import { boundedText, doubleJson, objectJson } from "./record-fields.ts";
import { RecordRefused } from "./record-refused.ts";

/** A JSON object of which only known fields are read; a key such as `__proto__` is an own property and inert. */
export type JsonObject = Readonly<Record<string, unknown>>;

const MISTYPED = (field: string, expected: string) => new RecordRefused(`invalid ${field}: expected ${expected}`);

const JSON_NUMBER = /^-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,9})?$/;

/** An own property; null counts as absent, as in proto3 JSON. */
export function own(object: JsonObject, field: string): unknown {
	return Object.hasOwn(object, field) ? (object[field] ?? undefined) : undefined;
}

export function objectField(object: JsonObject, field: string): JsonObject {
	const value = own(object, field);
	if (value === undefined) {
		return {};
	}
	return asObject(value, field);
}

export function asObject(value: unknown, field: string): JsonObject {
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw MISTYPED(field, "an object");
	}
	return value as JsonObject;
}

export function listField(object: JsonObject, field: string): readonly unknown[] {
	const value = own(object, field);
	if (value === undefined) {
		return [];
	}
	if (!Array.isArray(value)) {
		throw MISTYPED(field, "an array");
	}
	return value;
}

export function textField(object: JsonObject, field: string): string {
	const value = own(object, field);
	if (value === undefined) {
		return "";
	}
	if (typeof value !== "string") {
		throw MISTYPED(field, "a string");
	}
	return boundedText(value);
}

/** An id in hex; OTLP/JSON does not use base64 here. */
export function hexField(object: JsonObject, field: string): string {
	return textField(object, field).toLowerCase();
}

/** A 32-bit integer or enumeration number. */
export function intField(object: JsonObject, field: string): number {
	// not Number() of just anything: of an object with a key `toString` that throws a TypeError
	const value = bigintOf(own(object, field) ?? 0, field);
	if (value < -(2n ** 31n) || value >= 2n ** 32n) {
		throw MISTYPED(field, "an integer of 32 bits");
	}
	return Number(value);
}

/** A 64-bit integer, as text or number. */
function bigintOf(value: unknown, field: string): bigint {
	if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) {
		return BigInt(value);
	}
	if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 64) {
		return BigInt(value);
	}
	throw MISTYPED(field, "an integer, as text or number");
}

/** A double, as number or text; proto3 JSON writes what JSON has no number for as one of three words. */
function doubleOf(value: unknown): number {
	if (typeof value === "number") {
		return value;
	}
	if (typeof value === "string" && (/^(?:NaN|-?Infinity)$/.test(value) || JSON_NUMBER.test(value))) {
		return Number(value);
	}
	throw MISTYPED("doubleValue", "a number");
}

export function timeField(object: JsonObject, field: string): bigint {
	const time = bigintOf(own(object, field) ?? 0, field);
	if (time < 0n || time >= 2n ** 64n) {
		throw MISTYPED(field, "an unsigned 64-bit integer");
	}
	return time;
}

/** The attributes under `field` as the columns hold them. */
export function attributesField(object: JsonObject, field = "attributes"): AttributeMap {
	const list = listField(object, field);
	const attributes = new Map<string, string>();
	for (const item of list) {
		const attribute = asObject(item, field);
		const [key, value] = [textField(attribute, "key"), valueText(own(attribute, "value"), "text", 1)];
		// keys are counted, not items, as they are where the encoding is protobuf
		if (attributes.size >= OTLP_LIMITS.attributes) {
			throw new RecordRefused(`more than ${OTLP_LIMITS.attributes} attributes`);
		}
		attributes.set(key, value);
	}
	return attributes;
}

/** An AnyValue; `text` as a column holds it, strings bare; `json` as part of a JSON text. */
export function valueText(value: unknown, form: "text" | "json", depth: number): string {
	if (depth > OTLP_LIMITS.depth) {
		throw new RecordRefused(`value nested deeper than ${OTLP_LIMITS.depth}`);
	}
	if (value === undefined || value === null) {
		return form === "text" ? "" : "null";
	}
	const any = asObject(value, "value");
	const asString = (text: string) => (form === "text" ? text : JSON.stringify(text));
	if (own(any, "stringValue") !== undefined) {
		return asString(textField(any, "stringValue"));
	}
	const bool = own(any, "boolValue");
	if (bool !== undefined) {
		if (typeof bool !== "boolean") {
			throw MISTYPED("boolValue", "true or false");
		}
		return String(bool);
	}
	const int = own(any, "intValue");
	if (int !== undefined) {
		// the JavaScript exporter writes every whole number as intValue, 1.5e300 too
		if (typeof int === "number" && !Number.isSafeInteger(int)) {
			return form === "text" ? String(int) : doubleJson(int);
		}
		const integer = bigintOf(int, "intValue");
		if (BigInt.asIntN(64, integer) !== integer) {
			throw MISTYPED("intValue", "an integer of 64 bits");
		}
		return integer.toString();
	}
	const double = own(any, "doubleValue");
	if (double !== undefined) {
		const number = doubleOf(double);
		return form === "text" ? String(number) : doubleJson(number);
	}
	if (own(any, "arrayValue") !== undefined) {
		const items = listField(objectField(any, "arrayValue"), "values");
		return `[${items.map((item) => valueText(item, "json", depth + 1)).join(",")}]`;
	}
	if (own(any, "kvlistValue") !== undefined) {
		const entries = new Map<string, string>();
		for (const item of listField(objectField(any, "kvlistValue"), "values")) {
			const entry = asObject(item, "kvlistValue");
			entries.set(textField(entry, "key"), valueText(own(entry, "value"), "json", depth + 1));
		}
		return objectJson(entries);
	}
	// base64 already
	return own(any, "bytesValue") === undefined
		? form === "text"
			? ""
			: "null"
		: asString(textField(any, "bytesValue"));
}

export function scopeField(object: JsonObject): Scope {
	const scope = objectField(object, "scope");
	return { name: textField(scope, "name"), version: textField(scope, "version"), attributes: attributesField(scope) };
}
