import type { JsonValue } from "@armspan/schema";
import { PromptError } from "./errors.ts";

export interface JsonSchema {
	readonly [keyword: string]: JsonValue;
}

const SCALARS = new Set(["string", "number", "integer", "boolean", "null", "any"]);
const KEY = /^([A-Za-z_][A-Za-z0-9_]*)(\?)?(?:\((array|object|enum)(?:\s*,\s*([^)]*))?\))?$/;
const WILDCARD = /^\(\*\)(\?)?$/;

/**
 * JSON Schema of a Picoschema: `name: string, a description`, `name?: integer`, `tone(enum): [warm, brief]`,
 * `items(array, what they are): string`, `customer(object): { … }`, `(*): any` for further keys.
 * An optional property may also be `null`; named types are not known.
 *
 * @throws {PromptError} INPUT_SCHEMA_INVALID
 * @see https://google.github.io/dotprompt/reference/picoschema/
 */
export function picoschemaToJsonSchema(schema: JsonValue, field = "input.schema"): JsonSchema {
	if (typeof schema === "string") return scalar(schema, field);
	if (schema === null || typeof schema !== "object" || Array.isArray(schema)) {
		throw invalid(field, `expected a type such as "string" or an object, found ${JSON.stringify(schema)}`);
	}
	return object(schema, field);
}

function scalar(text: string, field: string): JsonSchema {
	const comma = text.indexOf(",");
	const type = (comma === -1 ? text : text.slice(0, comma)).trim();
	const description = comma === -1 ? "" : text.slice(comma + 1).trim();
	if (!SCALARS.has(type)) {
		throw invalid(field, `unknown type "${type}"; expected one of ${[...SCALARS].join(", ")}`);
	}
	return {
		...(type === "any" ? {} : { type }),
		...(description === "" ? {} : { description }),
	};
}

function object(schema: { readonly [key: string]: JsonValue }, field: string): JsonSchema {
	const properties: Record<string, JsonValue> = {};
	const required: string[] = [];
	let additionalProperties: JsonValue = false;
	for (const [key, value] of Object.entries(schema)) {
		if (WILDCARD.test(key)) {
			additionalProperties = picoschemaToJsonSchema(value, `${field}.(*)`);
			continue;
		}
		const match = KEY.exec(key);
		if (match === null) {
			throw invalid(`${field}.${key}`, 'expected a key such as "name", "name?" or "name(array, description)"');
		}
		const [, name = "", optional, kind, description] = match;
		if (Object.hasOwn(properties, name)) throw invalid(`${field}.${name}`, "declared twice");
		let property = propertySchema(kind, value, `${field}.${name}`);
		if (description !== undefined && description.trim() !== "")
			property = { ...property, description: description.trim() };
		properties[name] = optional === undefined ? property : nullable(property);
		if (optional === undefined) required.push(name);
	}
	return { type: "object", properties, required, additionalProperties };
}

function propertySchema(kind: string | undefined, value: JsonValue, field: string): JsonSchema {
	switch (kind) {
		case "array":
			return { type: "array", items: picoschemaToJsonSchema(value, field) };
		case "enum":
			if (!Array.isArray(value) || value.length === 0) throw invalid(field, "expected a list of the allowed values");
			return { enum: value };
		case "object":
			if (value === null || typeof value !== "object" || Array.isArray(value)) {
				throw invalid(field, "expected the object's fields");
			}
			return object(value, field);
		default:
			return picoschemaToJsonSchema(value, field);
	}
}

function nullable(schema: JsonSchema): JsonSchema {
	const { type, enum: allowed } = schema;
	if (typeof type === "string" && type !== "null") return { ...schema, type: [type, "null"] };
	if (Array.isArray(allowed) && !allowed.includes(null)) return { ...schema, enum: [...allowed, null] };
	return schema;
}

function invalid(field: string, message: string): PromptError {
	return new PromptError("INPUT_SCHEMA_INVALID", `${field}: ${message}`, { field });
}
