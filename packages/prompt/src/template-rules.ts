import type { JsonValue } from "@armspan/schema";
import { PromptError, type PromptErrorCode } from "./errors.ts";
import { RESERVED_NAMES, VARIABLE_NAME } from "./input-schema.ts";
import type { JsonSchema } from "./picoschema.ts";

const MAX_NODES = 5_000;
const MAX_DEPTH = 16;

const FORBIDDEN_SEGMENTS = new Set([...Object.getOwnPropertyNames(Object.prototype), "prototype"]);
const DATA_VARIABLES = new Set(["index", "key", "first", "last"]);
const BLOCKS = new Set(["if", "unless", "each"]);

/** Names a prompt file may use; Dotprompt's `model` is what others call `assistant`. */
export const TEMPLATE_ROLES: ReadonlyMap<string, "system" | "user" | "assistant"> = new Map([
	["system", "system"],
	["user", "user"],
	["assistant", "assistant"],
	["model", "assistant"],
]);

type Schema = JsonSchema | undefined;
type Any = hbs.AST.Node & Record<string, unknown>;

export interface TemplateFacts {
	/** Top-level variables the body names, in order of appearance. */
	readonly variables: readonly string[];
	/** Where the role markers stand. */
	readonly roles: readonly hbs.AST.SourceLocation[];
}

/** Refuses whatever is not on the list, and variables that the schema does not declare. */
export function checkTemplate(program: hbs.AST.Program, input: Schema, bodyLine: number): TemplateFacts {
	const walk = new TemplateWalk(input, bodyLine);
	walk.program(program, 0);
	return { variables: [...walk.variables], roles: walk.roles };
}

class TemplateWalk {
	readonly variables = new Set<string>();
	readonly roles: hbs.AST.SourceLocation[] = [];
	/** Schema of what `this` is, outermost first; `undefined` is anything. */
	private readonly contexts: Schema[];
	private readonly hasSchema: boolean;
	private readonly bodyLine: number;
	private nodes = 0;

	constructor(input: Schema, bodyLine: number) {
		this.contexts = [input];
		this.hasSchema = input !== undefined;
		this.bodyLine = bodyLine;
	}

	program(program: hbs.AST.Program, depth: number): void {
		if (depth > MAX_DEPTH) throw this.error("TEMPLATE_FORBIDDEN", program, `blocks nested deeper than ${MAX_DEPTH}`);
		if (program.blockParams !== undefined && program.blockParams.length > 0) {
			throw this.error("TEMPLATE_FORBIDDEN", program, `block parameters "as |…|" are not allowed; use "this"`);
		}
		for (const statement of program.body) this.statement(statement as Any, depth);
	}

	private statement(node: Any, depth: number): void {
		if (++this.nodes > MAX_NODES) throw this.error("TEMPLATE_FORBIDDEN", node, `more than ${MAX_NODES} parts`);
		switch (node.type) {
			case "ContentStatement":
			case "CommentStatement":
				return;
			case "MustacheStatement":
				this.mustache(node as unknown as hbs.AST.MustacheStatement);
				return;
			case "BlockStatement":
				this.block(node as unknown as hbs.AST.BlockStatement, depth);
				return;
			case "PartialStatement":
			case "PartialBlockStatement":
				throw this.error("TEMPLATE_FORBIDDEN", node, "partials {{> …}} are not allowed; write the text here");
			default:
				throw this.error("TEMPLATE_FORBIDDEN", node, `${node.type} is not allowed`);
		}
	}

	private mustache(node: hbs.AST.MustacheStatement): void {
		const path = node.path as hbs.AST.PathExpression;
		if (!node.escaped) {
			throw this.error(
				"TEMPLATE_FORBIDDEN",
				node,
				"{{{…}}} and {{&…}} are not allowed; write {{…}}, nothing is escaped",
			);
		}
		if (path.type !== "PathExpression") throw this.error("TEMPLATE_FORBIDDEN", node, "expected a variable's name");
		if (path.original === "role") {
			this.role(node);
			return;
		}
		if (node.params.length > 0 || node.hash !== undefined) {
			throw this.error(
				"TEMPLATE_FORBIDDEN",
				node,
				`helper "${path.original}" is not known; only role, #if, #unless, #each`,
			);
		}
		const schema = this.path(path);
		if (!path.data && path.parts.length === 0 && path.depth === 0 && this.contexts.length === 1) {
			throw this.error("TEMPLATE_FORBIDDEN", node, `"this" stands for all variables here; name one`);
		}
		if (isAlways(schema, ["object", "array"])) {
			throw this.error(
				"TEMPLATE_FORBIDDEN",
				node,
				`"${path.original}" is no text; use #each or name one of its fields`,
			);
		}
	}

	private role(node: hbs.AST.MustacheStatement): void {
		const [role] = node.params as [hbs.AST.StringLiteral?];
		if (
			node.params.length !== 1 ||
			role?.type !== "StringLiteral" ||
			!TEMPLATE_ROLES.has(role.value) ||
			node.hash !== undefined
		) {
			const roles = [...TEMPLATE_ROLES.keys()].map((name) => `"${name}"`).join(", ");
			throw this.error("TEMPLATE_FORBIDDEN", node, `expected {{role …}} with one of ${roles}`);
		}
		this.roles.push(node.loc);
	}

	private block(node: hbs.AST.BlockStatement, depth: number): void {
		const name = node.path.type === "PathExpression" ? node.path.original : "";
		if (!BLOCKS.has(name) || node.program === undefined) {
			throw this.error("TEMPLATE_FORBIDDEN", node, `block "${name}" is not allowed; only #if, #unless, #each`);
		}
		const [subject] = node.params as [hbs.AST.PathExpression?];
		if (node.params.length !== 1 || subject?.type !== "PathExpression" || node.hash !== undefined) {
			throw this.error("TEMPLATE_FORBIDDEN", node, `expected {{#${name} variable}}`);
		}
		const schema = this.path(subject);
		if (name === "each") {
			if (isAlways(schema, ["string", "number", "integer", "boolean", "null"])) {
				throw this.error(
					"TEMPLATE_FORBIDDEN",
					node,
					`"${subject.original}" is no list; #each needs an array or object`,
				);
			}
			this.contexts.push(itemSchema(schema));
			this.program(node.program, depth + 1);
			this.contexts.pop();
		} else {
			this.program(node.program, depth + 1);
		}
		if (node.inverse !== undefined && node.inverse !== null) this.program(node.inverse, depth + 1);
	}

	/** Schema at the path; `undefined` is anything. */
	private path(path: hbs.AST.PathExpression): Schema {
		if (path.data) {
			const name = path.parts.join(".");
			if (this.contexts.length > 1 && path.depth === 0 && DATA_VARIABLES.has(name)) return { type: "string" };
			throw this.error(
				"TEMPLATE_FORBIDDEN",
				path,
				`"${path.original}" is not allowed; inside #each there are @index, @key, @first, @last`,
			);
		}
		const level = this.contexts.length - 1 - path.depth;
		if (level < 0) throw this.error("TEMPLATE_FORBIDDEN", path, `"${path.original}" leads above the variables`);
		for (const part of path.parts) {
			if (typeof part !== "string" || FORBIDDEN_SEGMENTS.has(part)) {
				throw this.error("TEMPLATE_FORBIDDEN", path, `"${path.original}" is not allowed: "${part}" is not data`);
			}
		}
		const [first] = path.parts;
		if (level === 0 && first !== undefined) {
			// Checked at every depth: Handlebars would take a bare {{if}} for the helper.
			if (!VARIABLE_NAME.test(first) || RESERVED_NAMES.has(first)) {
				throw this.error("TEMPLATE_FORBIDDEN", path, `"${first}" is not a variable's name`);
			}
			this.variables.add(first);
		}
		if (path.parts.length === 1 && path.depth === 0 && RESERVED_NAMES.has(first ?? "")) {
			throw this.error("TEMPLATE_FORBIDDEN", path, `"${first}" is a word of the template language`);
		}
		let schema = this.contexts[level];
		for (const part of path.parts) schema = this.member(path, schema, part);
		return schema;
	}

	private member(path: hbs.AST.PathExpression, schema: Schema, part: string): Schema {
		if (schema === undefined || !this.hasSchema) return undefined;
		const properties = schema.properties as Record<string, JsonValue> | undefined;
		if (properties !== undefined && Object.hasOwn(properties, part)) return asSchema(properties[part]);
		if (isAlways(schema, ["array", "null"])) {
			if (part === "length") return { type: "integer" };
			if (/^\d+$/.test(part)) return asSchema(schema.items);
		}
		const { additionalProperties } = schema;
		const isOpenObject = isAlways(schema, ["object", "null"]) && (additionalProperties ?? true) !== false;
		if (isOpenObject) return typeof additionalProperties === "object" ? asSchema(additionalProperties) : undefined;
		if (schema.type === undefined) return undefined;
		throw this.error(
			"VARIABLE_UNDECLARED",
			path,
			`input.schema does not declare "${path.original}"; declare it or remove it`,
			[part],
		);
	}

	private error(
		code: PromptErrorCode,
		node: hbs.AST.Node,
		message: string,
		variables?: readonly string[],
	): PromptError {
		const line = this.bodyLine + (node.loc?.start.line ?? 1) - 1;
		return new PromptError(code, message, { line, ...(variables === undefined ? {} : { variables }) });
	}
}

function asSchema(value: JsonValue | undefined): Schema {
	return value !== null && typeof value === "object" && !Array.isArray(value) ? value : undefined;
}

function itemSchema(schema: Schema): Schema {
	return asSchema(schema?.items) ?? asSchema(schema?.additionalProperties);
}

/** Whether the schema admits only these types. */
function isAlways(schema: Schema, types: readonly string[]): boolean {
	const type = schema?.type;
	if (typeof type === "string") return types.includes(type);
	return Array.isArray(type) && type.length > 0 && type.every((one) => one === "null" || types.includes(String(one)));
}
