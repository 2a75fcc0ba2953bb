import type { JsonValue } from "@armspan/schema";
import { PromptError } from "./errors.ts";
import type { JsonSchema } from "./picoschema.ts";

const MAX_DEPTH = 32;

/** Keywords whose cost is bounded by the value: no regular expressions, no references, nothing loaded. */
const PLAIN_KEYWORDS = new Set([
	"$schema",
	"type",
	"title",
	"description",
	"enum",
	"const",
	"minimum",
	"maximum",
	"exclusiveMinimum",
	"exclusiveMaximum",
	"multipleOf",
	"minLength",
	"maxLength",
	"minItems",
	"maxItems",
	"minProperties",
	"maxProperties",
	"required",
]);
const SCHEMA_KEYWORDS = new Set(["items", "additionalProperties"]);
const SCHEMA_LIST_KEYWORDS = new Set(["anyOf", "oneOf", "allOf"]);

/**
 * The same schema without `$schema`, if it uses only the supported keywords.
 * @throws {PromptError} INPUT_SCHEMA_INVALID, naming the keyword
 */
export function checkJsonSchema(schema: JsonValue, field = "input.schema", depth = 0): JsonSchema {
	if (schema === null || typeof schema !== "object" || Array.isArray(schema)) {
		throw invalid(field, `expected a schema, found ${JSON.stringify(schema)}`);
	}
	if (depth > MAX_DEPTH) throw invalid(field, `nested deeper than ${MAX_DEPTH} levels`);
	for (const [keyword, value] of Object.entries(schema)) {
		checkKeyword(keyword, value as JsonValue, `${field}.${keyword}`, depth);
	}
	const { $schema: _, ...rest } = schema;
	return rest;
}

function checkKeyword(keyword: string, value: JsonValue, field: string, depth: number): void {
	if (PLAIN_KEYWORDS.has(keyword)) return;
	if (SCHEMA_KEYWORDS.has(keyword)) {
		if (typeof value !== "boolean") checkJsonSchema(value, field, depth + 1);
		return;
	}
	if (SCHEMA_LIST_KEYWORDS.has(keyword)) {
		if (!Array.isArray(value)) throw invalid(field, "expected a list of schemas");
		value.forEach((item, index) => {
			checkJsonSchema(item as JsonValue, `${field}[${index}]`, depth + 1);
		});
		return;
	}
	if (keyword === "properties") {
		if (value === null || typeof value !== "object" || Array.isArray(value)) {
			throw invalid(field, "expected an object of schemas");
		}
		for (const [name, property] of Object.entries(value)) {
			checkJsonSchema(property as JsonValue, `${field}.${name}`, depth + 1);
		}
		return;
	}
	const hint = keyword === "default" ? "; put defaults under input.default" : "";
	throw invalid(field, `keyword "${keyword}" is not supported${hint}`);
}

function invalid(field: string, message: string): PromptError {
	return new PromptError("INPUT_SCHEMA_INVALID", `${field}: ${message}`, { field });
}
