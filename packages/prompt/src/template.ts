import assert from "node:assert";
import Handlebars from "handlebars";
import { PromptError } from "./errors.ts";
import type { JsonSchema } from "./picoschema.ts";
import type { Message, Role } from "./prompt.ts";
import { takeRoleNonce } from "./role-nonce.ts";
import { checkTemplate, TEMPLATE_ROLES } from "./template-rules.ts";
import { isTrue, loopMembers, Scalar, templateVariables } from "./template-value.ts";

/** What bounds a render. */
export interface RenderLimits {
	/** Characters of all messages together. */
	readonly maxOutputCharacters: number;
	/** Rounds of all `#each` together. */
	readonly maxIterations: number;
}

export interface CompiledTemplate {
	/** Top-level variables the body names. */
	readonly variables: readonly string[];
	/** @throws {PromptError} OUTPUT_TOO_LARGE, LOOP_TOO_LONG, RENDER_FAILED */
	render(variables: Record<string, unknown>, limits: RenderLimits): Message[];
}

/** State of one render, reachable for our helpers only: templates may not name `@render`. */
interface RenderState {
	readonly marker: string;
	readonly limits: RenderLimits;
	iterations: number;
}

interface HelperOptions {
	readonly data: { readonly render: RenderState };
	fn(context: unknown, options?: { data: unknown }): string;
	inverse(context: unknown): string;
}

const engine = createEngine();

/** No property of a prototype is read, whatever its name. */
const DENIED = Object.freeze({ whitelist: Object.freeze(Object.create(null)), defaultValue: false });
/**
 * How templates run. `partial` tells Handlebars that helpers and access rules are ready; it would make them anew for
 * every render.
 */
const RUNTIME = Object.freeze({
	partial: true,
	helpers: engine.helpers as Record<string, Handlebars.HelperDelegate>,
	protoAccessControl: Object.freeze({ properties: DENIED, methods: DENIED }),
});

/**
 * Checks the body against the allow-list and compiles it once.
 * @param body Handlebars source, lines ending in `\n`
 * @param bodyLine line of the file on which it starts
 * @throws {PromptError} TEMPLATE_SYNTAX, TEMPLATE_FORBIDDEN, VARIABLE_UNDECLARED
 */
export function compileTemplate(body: string, input: JsonSchema | undefined, bodyLine: number): CompiledTemplate {
	// Handlebars compiles a syntax tree as well as text, and a tree from outside is code.
	assert(typeof body === "string", "a template must be text");
	const program = parse(body, bodyLine);
	const facts = checkTemplate(program, input, bodyLine);
	const template = engine.compile(trimAroundRoles(body, facts.roles), {
		noEscape: true,
		knownHelpersOnly: true,
		knownHelpers: {
			role: true,
			with: false,
			log: false,
			lookup: false,
			helperMissing: false,
			blockHelperMissing: false,
		},
	});
	return {
		variables: facts.variables,
		render(variables, limits) {
			const marker = `<<<armspan:${takeRoleNonce()}:`;
			const render: RenderState = { marker, limits, iterations: 0 };
			const output = run(template, variables, render);
			// The length is known without joining the pieces, so a huge output is never built.
			if (output.length > limits.maxOutputCharacters) throw tooLarge(limits);
			return splitMessages(output, marker);
		},
	};
}

function parse(body: string, bodyLine: number): hbs.AST.Program {
	try {
		return engine.parse(body);
	} catch (error) {
		const text = error instanceof Error ? error.message : String(error);
		const line = bodyLine + Number(/line (\d+)/.exec(text)?.[1] ?? 1) - 1;
		const reason = text
			.replace(/^Parse error on line \d+:\s*/, "")
			.replaceAll("\n", " ")
			.slice(0, 200);
		throw new PromptError("TEMPLATE_SYNTAX", `template: ${reason}`, { line }, error);
	}
}

/**
 * Whitespace that the file has around a marker is layout. It is taken from the template with Handlebars' own `~`,
 * so that the whitespace of values stays.
 */
function trimAroundRoles(body: string, roles: readonly hbs.AST.SourceLocation[]): string {
	const lines = body.split("\n");
	for (const { start, end } of [...roles].reverse()) {
		const closing = lines[end.line - 1] ?? "";
		if (closing[end.column - 3] !== "~") {
			lines[end.line - 1] = `${closing.slice(0, end.column - 2)}~${closing.slice(end.column - 2)}`;
		}
		const opening = lines[start.line - 1] ?? "";
		if (opening[start.column + 2] !== "~") {
			lines[start.line - 1] = `${opening.slice(0, start.column + 2)}~${opening.slice(start.column + 2)}`;
		}
	}
	return lines.join("\n").trim();
}

function run(template: HandlebarsTemplateDelegate, variables: Record<string, unknown>, render: RenderState): string {
	try {
		return template(templateVariables(variables), { ...RUNTIME, data: { render } });
	} catch (error) {
		if (error instanceof PromptError) throw error;
		if (error instanceof RangeError) throw tooLarge(render.limits, error);
		// Lists and objects have no prototype in a template, hence no text.
		const message =
			error instanceof TypeError
				? "a list or an object stands where text is expected; use #each or name one of its fields"
				: "the template failed";
		throw new PromptError("RENDER_FAILED", message, {}, error);
	}
}

/** Only a marker with this render's nonce opens a message; whatever a value contains is text. */
function splitMessages(output: string, marker: string): Message[] {
	const messages: Message[] = [];
	let role: Role = "user";
	let start = 0;
	for (;;) {
		const next = output.indexOf(marker, start);
		const content = next === -1 ? output.slice(start) : output.slice(start, next);
		if (content.trim() !== "") messages.push({ role, content });
		if (next === -1) return messages;
		const opened = next + marker.length;
		const end = output.indexOf(">>>", opened);
		role = output.slice(opened, end) as Role;
		start = end + 3;
	}
}

function tooLarge({ maxOutputCharacters }: RenderLimits, cause?: unknown): PromptError {
	return new PromptError("OUTPUT_TOO_LARGE", `the messages exceed ${maxOutputCharacters} characters`, {}, cause);
}

/** An instance of its own: what others register on Handlebars is not seen here. */
function createEngine(): typeof Handlebars {
	const instance = Handlebars.create();
	for (const name of ["with", "log", "lookup", "helperMissing", "blockHelperMissing"]) instance.unregisterHelper(name);
	instance.registerHelper("if", function (this: unknown, condition: unknown, options: HelperOptions) {
		return isTrue(condition) ? options.fn(this) : options.inverse(this);
	});
	instance.registerHelper("unless", function (this: unknown, condition: unknown, options: HelperOptions) {
		return isTrue(condition) ? options.inverse(this) : options.fn(this);
	});
	instance.registerHelper("role", (name: string, { data }: HelperOptions) => {
		return `${data.render.marker}${TEMPLATE_ROLES.get(name)}>>>`;
	});
	instance.registerHelper("each", function (this: unknown, subject: unknown, options: HelperOptions) {
		return renderEach(this, subject, options);
	});
	return instance;
}

function renderEach(context: unknown, subject: unknown, options: HelperOptions): string {
	const { render } = options.data;
	const members = loopMembers(subject);
	if (members.length === 0) return options.inverse(context);
	let output = "";
	for (const [index, [key, item]] of members.entries()) {
		if (++render.iterations > render.limits.maxIterations) {
			throw new PromptError("LOOP_TOO_LONG", `more than ${render.limits.maxIterations} rounds of #each`);
		}
		const data = Handlebars.createFrame(options.data);
		data.key = key;
		data.index = new Scalar(index);
		data.first = new Scalar(index === 0);
		data.last = new Scalar(index === members.length - 1);
		output += options.fn(item, { data });
		if (output.length > render.limits.maxOutputCharacters) throw tooLarge(render.limits);
	}
	return output;
}
