import type { JsonValue } from "@armspan/schema";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { PromptError } from "./errors.ts";
import { checkJsonSchema } from "./json-schema.ts";
import { type JsonSchema, picoschemaToJsonSchema } from "./picoschema.ts";
import { copyBudget, InheritsNothing, plainValue } from "./plain-value.ts";

const MAX_VARIABLE_CHARACTERS = 1_048_576;

/** Names the template language takes for itself. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
	"role",
	"if",
	"unless",
	"each",
	"else",
	"with",
	"log",
	"lookup",
	"this",
	"helperMissing",
	"blockHelperMissing",
	"__proto__",
	"constructor",
	"prototype",
]);
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What a prompt takes: the declared variables and their types, or anything when nothing is declared. */
export interface InputSchema {
	/** JSON Schema of the variables, closed at the top; `undefined` when the file declares none. */
	readonly json: JsonSchema | undefined;
	/** Values for what the caller leaves out. */
	readonly defaults: Readonly<Record<string, JsonValue>>;
	/**
	 * The variables with defaults, copied and validated. Variables that are not declared are left out: all variants of
	 * an experiment are called with the same variables, also those that only one of them reads.
	 *
	 * @throws {PromptError} VARIABLE_MISSING, VARIABLE_INVALID
	 */
	resolve(variables: Readonly<Record<string, unknown>>, prompt: string | undefined): Record<string, unknown>;
}

/**
 * Compiles `input.schema` (Picoschema or JSON Schema of an object) once.
 * @param usedVariables what the body names; all of it is required when there is no schema
 * @throws {PromptError} INPUT_SCHEMA_INVALID
 */
export function compileInputSchema(
	schema: JsonValue | undefined,
	defaults: Readonly<Record<string, JsonValue>>,
	usedVariables: readonly string[],
): InputSchema {
	const json = schema === undefined ? undefined : inputJsonSchema(schema);
	const names = json === undefined ? usedVariables : Object.keys(json.properties as Record<string, JsonValue>);
	const required = json === undefined ? usedVariables : ((json.required as string[] | undefined) ?? []);
	const validate = json === undefined ? undefined : compile(json);
	if (json !== undefined) checkDefaults(json, defaults);
	return {
		json,
		defaults,
		resolve(variables, prompt) {
			const budget = copyBudget(MAX_VARIABLE_CHARACTERS);
			const resolved = new InheritsNothing();
			for (const name of names) {
				const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
				const value = given === undefined && Object.hasOwn(defaults, name) ? defaults[name] : given;
				if (value !== undefined) resolved[name] = plainValue(value, name, budget);
			}
			for (const name of required) {
				if (resolved[name] !== undefined) continue;
				const missing = required.filter((other) => resolved[other] === undefined);
				throw missingVariables(missing, prompt);
			}
			if (validate !== undefined && !validate(resolved)) throw invalidVariable(validate.errors?.[0], prompt);
			return resolved;
		},
	};
}

/** The schema as JSON Schema of an object without further keys. */
export function inputJsonSchema(schema: JsonValue): JsonSchema {
	const field = "input.schema";
	if (schema === null || typeof schema !== "object" || Array.isArray(schema)) {
		throw new PromptError("INPUT_SCHEMA_INVALID", `${field}: expected the variables and their types`, { field });
	}
	const { type, properties } = schema;
	const isJsonSchema = type === "object" || (properties !== null && typeof properties === "object");
	const checked = isJsonSchema ? checkJsonSchema({ ...schema, type: "object" }) : picoschemaToJsonSchema(schema);
	const declared = (checked.properties ?? {}) as Record<string, JsonValue>;
	for (const name of Object.keys(declared)) {
		if (VARIABLE_NAME.test(name) && !RESERVED_NAMES.has(name)) continue;
		throw new PromptError(
			"INPUT_SCHEMA_INVALID",
			`${field}.${name}: not a variable name; expected letters, digits and "_", and none of the template's own words`,
			{ field: `${field}.${name}` },
		);
	}
	return { ...checked, properties: declared, additionalProperties: false };
}

/** One for all prompts: each would compile the schema of schemas anew, most of the cost of a prompt. */
const ajv = new Ajv({ strict: true, strictTypes: false, strictTuples: false, logger: false, addUsedSchema: false });

function compile(json: JsonSchema): ValidateFunction {
	try {
		return ajv.compile(json);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		throw new PromptError("INPUT_SCHEMA_INVALID", `input.schema: ${reason}`, { field: "input.schema" }, error);
	} finally {
		// It would keep every schema for ever.
		ajv.removeSchema(json);
	}
}

/** A default of the wrong type would fail every render, so it fails here. */
function checkDefaults(json: JsonSchema, defaults: Readonly<Record<string, JsonValue>>): void {
	const names = Object.keys(defaults);
	if (names.length === 0) return;
	const declared = json.properties as Record<string, JsonValue>;
	for (const name of names) {
		if (Object.hasOwn(declared, name)) continue;
		throw new PromptError("INPUT_SCHEMA_INVALID", `input.default.${name}: input.schema does not declare "${name}"`, {
			field: `input.default.${name}`,
		});
	}
	const validate = compile({ type: "object", properties: declared });
	if (validate(defaults)) return;
	const error = validate.errors?.[0];
	throw new PromptError("INPUT_SCHEMA_INVALID", `input.default${describe(error)}`, {
		field: `input.default${error?.instancePath.replaceAll("/", ".") ?? ""}`,
	});
}

function missingVariables(missing: readonly string[], prompt: string | undefined): PromptError {
	const names = missing.map((name) => `"${name}"`).join(", ");
	return new PromptError(
		"VARIABLE_MISSING",
		`missing variable${missing.length === 1 ? "" : "s"} ${names}; pass a value or declare a default under input.default`,
		{ variables: missing, ...(prompt === undefined ? {} : { prompt }) },
	);
}

function invalidVariable(error: ErrorObject | undefined, prompt: string | undefined): PromptError {
	const variable = error?.instancePath.split("/")[1] ?? "";
	return new PromptError("VARIABLE_INVALID", `variable ${describe(error).replace(/^\./, "")}`, {
		variables: [variable],
		...(prompt === undefined ? {} : { prompt }),
	});
}

function describe(error: ErrorObject | undefined): string {
	if (error === undefined) return ": not valid";
	const allowed = error.keyword === "enum" ? ` (${JSON.stringify(error.params.allowedValues)})` : "";
	const extra = error.keyword === "additionalProperties" ? ` ("${error.params.additionalProperty}")` : "";
	return `${error.instancePath.replaceAll("/", ".")}: ${error.message}${allowed}${extra}`;
}
