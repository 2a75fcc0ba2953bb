import { describe, expect, it } from "vitest";
import { PromptError, type PromptErrorCode, parsePrompt, promptDigest, promptVersionOfDigest } from "./index.ts";

const file = (frontMatter: string, body = "Hello") => `---\n${frontMatter}\n---\n${body}\n`;
const withSchema = (schema: string, body: string) => file(`model: m\ninput:\n  schema:\n${schema}`, body);

function refusal(run: () => unknown): PromptError {
	try {
		run();
	} catch (error) {
		if (error instanceof PromptError) return error;
		throw error;
	}
	throw new Error("expected a PromptError");
}

describe("parsePrompt", () => {
	it("reads model, config, schema and body", () => {
		const prompt = parsePrompt(
			withSchema(
				"    question: string\n    tone?: string, how to write",
				'{{role "system"}}Be {{tone}}.{{role "user"}}{{question}}',
			),
			{ name: "support-reply" },
		);
		expect(prompt.name).toBe("support-reply");
		expect(prompt.model).toBe("m");
		expect(prompt.config).toEqual({});
		expect(prompt.input.json).toEqual({
			type: "object",
			properties: { question: { type: "string" }, tone: { type: ["string", "null"], description: "how to write" } },
			required: ["question"],
			additionalProperties: false,
		});
	});

	it("takes the digest from the exact bytes", () => {
		const unix = file("model: m");
		const windows = unix.replaceAll("\n", "\r\n");
		expect(parsePrompt(unix).digest).toBe(promptDigest(Buffer.from(unix)));
		expect(parsePrompt(windows).digest).not.toBe(parsePrompt(unix).digest);
		expect(parsePrompt(windows).body).toBe(parsePrompt(unix).body);
		expect(promptVersionOfDigest(promptDigest(""))).toBe("sha256-e3b0c44298fc");
	});

	it("is frozen, so that a render cannot change the next one", () => {
		const prompt = parsePrompt(file("model: m\nconfig:\n  stop: [a]"));
		expect(() => (prompt.config.stop as string[]).push("b")).toThrow(TypeError);
	});

	const refused: [string, string | Uint8Array, PromptErrorCode, RegExp][] = [
		["no front matter", "Hello", "FRONT_MATTER_MISSING", /line 1/],
		["unclosed front matter", "---\nmodel: m\n", "FRONT_MATTER_MISSING", /not closed/],
		["YAML error", file("model: [m"), "FRONT_MATTER_INVALID", /line [23]/],
		["duplicate key", file("model: m\nmodel: n"), "FRONT_MATTER_INVALID", /unique/],
		["alias", file("model: &a m\nconfig:\n  x: *a"), "FRONT_MATTER_INVALID", /anchor|alias/],
		[
			"alias bomb",
			file("model: m\nconfig:\n  a: &a [1,1]\n  b: &b [*a,*a]\n  c: [*b,*b]"),
			"FRONT_MATTER_INVALID",
			/anchor/,
		],
		["tag", file("model: !!js/function m"), "FRONT_MATTER_INVALID", /tag/i],
		["standard tag", file("model: !!str m"), "FRONT_MATTER_INVALID", /tag/i],
		["prototype key", file("model: m\nconfig:\n  __proto__: {a: 1}"), "FRONT_MATTER_INVALID", /__proto__/],
		["unknown key", file("model: m\nmodle: n"), "FRONT_MATTER_INVALID", /modle/],
		["missing model", file("config: {}"), "FRONT_MATTER_INVALID", /model/],
		["infinite number", file("model: m\nconfig:\n  temperature: .inf"), "FRONT_MATTER_INVALID", /config/],
		[
			"deep nesting",
			file(`model: m\nconfig:\n  a: ${"[".repeat(20_000)}${"]".repeat(20_000)}`),
			"FRONT_MATTER_INVALID",
			/deep/,
		],
		["scalar front matter", file("hello"), "FRONT_MATTER_INVALID", /object/],
		["empty body", file("model: m", "  \n"), "TEMPLATE_SYNTAX", /empty/],
		["invalid UTF-8", new Uint8Array([0x2d, 0x2d, 0x2d, 0x0a, 0xff]), "NOT_UTF8", /UTF-8/],
		["lone surrogate", file("model: m", "\ud800"), "NOT_UTF8", /surrogate/],
		["large file", file("model: m", "x".repeat(262_144)), "FILE_TOO_LARGE", /262144/],
		["Picoschema type", withSchema("    a: strnig", "{{a}}"), "INPUT_SCHEMA_INVALID", /strnig/],
		["variable name", withSchema("    each: string", "x"), "INPUT_SCHEMA_INVALID", /each/],
		[
			"JSON Schema pattern",
			withSchema("    type: object\n    properties: {a: {type: string, pattern: '(a+)+$'}}", "{{a}}"),
			"INPUT_SCHEMA_INVALID",
			/pattern/,
		],
		[
			"JSON Schema reference",
			withSchema("    type: object\n    properties: {a: {$ref: 'http://x/y'}}", "{{a}}"),
			"INPUT_SCHEMA_INVALID",
			/\$ref/,
		],
		[
			"default of the wrong type",
			file("model: m\ninput:\n  schema: {n: integer}\n  default: {n: many}", "{{n}}"),
			"INPUT_SCHEMA_INVALID",
			/integer/,
		],
		[
			"default of nothing",
			file("model: m\ninput:\n  schema: {n: integer}\n  default: {m: 1}", "{{n}}"),
			"INPUT_SCHEMA_INVALID",
			/"m"/,
		],
	];
	it.each(refused)("refuses %s", (_what, bytes, code, message) => {
		const error = refusal(() => parsePrompt(bytes, { name: "p" }));
		expect(error.code).toBe(code);
		expect(error.message).toMatch(message);
		expect(error.details.prompt).toBe("p");
	});
});

describe("template allow-list", () => {
	const body = (text: string) => file("model: m", text);

	it.each([
		["partial", "{{> other}}"],
		["partial block", "{{#> other}}x{{/other}}"],
		["inline decorator", '{{#*inline "x"}}y{{/inline}}'],
		["decorator", "{{* d}}"],
		["triple stash", "{{{a}}}"],
		["ampersand", "{{&a}}"],
		["raw block", "{{{{raw}}}}x{{{{/raw}}}}"],
		["lookup", '{{lookup a "b"}}'],
		["log", "{{log a}}"],
		["with", "{{#with a}}x{{/with}}"],
		["unknown helper", "{{shout a}}"],
		["unknown block", "{{#shout a}}x{{/shout}}"],
		["section", "{{#a}}x{{/a}}"],
		["inverse section", "{{^a}}x{{/a}}"],
		["sub-expression", "{{#if (eq a b)}}x{{/if}}"],
		["hash", "{{a b=1}}"],
		["block parameter", "{{#each a as |b|}}{{b}}{{/each}}"],
		["constructor", "{{a.constructor}}"],
		["bracketed constructor", "{{a.[constructor]}}"],
		["prototype", "{{__proto__.x}}"],
		["prototype in block", "{{#each a}}{{this.__proto__}}{{/each}}"],
		["prototype method", "{{a.toString}}"],
		["all variables", "{{this}}"],
		["root data", "{{@root.a}}"],
		["render state", "{{#each a}}{{@render.marker}}{{/each}}"],
		["above the variables", "{{../a}}"],
		["literal", '{{"a"}}'],
		["number", "{{12}}"],
		["bare helper", "{{if}}"],
		["role without name", "{{role}}"],
		["unknown role", '{{role "root"}}'],
		["variable role", "{{role a}}"],
		["deep nesting", `${"{{#if a}}".repeat(20)}x${"{{/if}}".repeat(20)}`],
		["many parts", "{{a}}".repeat(5_001)],
	])("refuses %s", (_what, text) => {
		const error = refusal(() => parsePrompt(body(`first line\n${text}`)));
		expect(error.code).toBe("TEMPLATE_FORBIDDEN");
		// Front matter takes three lines, the text the fourth.
		expect(error.details.line).toBe(5);
	});

	it("says where the syntax is broken", () => {
		const error = refusal(() => parsePrompt(body("one\ntwo {{#if a}}\nthree")));
		expect(error.code).toBe("TEMPLATE_SYNTAX");
		expect(error.details.line).toBeGreaterThanOrEqual(4);
	});

	it.each([
		["an undeclared variable", "    a: string", "{{b}}"],
		["an undeclared condition", "    a: string", "{{#if b}}x{{/if}}"],
		["an undeclared member", "    a:\n      b: string", "{{a.c}}"],
		["a member of a text", "    a: string", "{{a.b}}"],
		["an undeclared field of an item", "    a(array):\n      b: string", "{{#each a}}{{c}}{{/each}}"],
		["an outer variable from inside", "    a(array):\n      b: string\n    c: string", "{{#each a}}{{c}}{{/each}}"],
	])("refuses %s", (_what, schema, text) => {
		expect(refusal(() => parsePrompt(withSchema(schema, text))).code).toBe("VARIABLE_UNDECLARED");
	});

	it.each([
		["an object as text", "    a:\n      b: string", "{{a}}"],
		["a list as text", "    a(array): string", "{{a}}"],
		["a loop over a text", "    a: string", "{{#each a}}x{{/each}}"],
	])("refuses %s", (_what, schema, text) => {
		expect(refusal(() => parsePrompt(withSchema(schema, text))).code).toBe("TEMPLATE_FORBIDDEN");
	});

	it("accepts declared paths, loops, outer variables and wildcards", () => {
		const schema = "    a(array):\n      b: string\n      (*): any\n    c: string\n    d: any";
		const text =
			"{{#each a}}{{@index}}{{b}}{{other}}{{this.b}}{{../c}}{{/each}}{{a.length}}{{a.[0].b}}{{d.x.y}}{{! note }}";
		expect(parsePrompt(withSchema(schema, text)).template.variables).toEqual(["a", "c", "d"]);
	});
});
