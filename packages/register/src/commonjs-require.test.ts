import { createRequire } from "node:module";
import { compileFunction } from "node:vm";
import { describe, expect, it } from "vitest";
import { lacksOwnRequire, loadPatiently, withOwnRequire } from "./commonjs-require.ts";

const require = createRequire(import.meta.url);

/** Runs a module's source as Node does, with some `require`. */
function run(source: string, given: unknown): Record<string, unknown> {
	const module = { exports: {} };
	compileFunction(withOwnRequire(source), ["exports", "require", "module", "__filename"])(
		module.exports,
		given,
		module,
		import.meta.filename,
	);
	return module.exports;
}

/** What the ES module loader gives. */
const poor = Object.assign(() => "poor", { resolve: () => "poor" });
const LOOK =
	'exports.cache = typeof require.cache; exports.join = typeof require("node:path").join; exports.strict = (function () { return this === undefined; })();';

describe("a module's source", () => {
	it("takes Node's require where it was given the loader's", () => {
		expect(run(LOOK, poor)).toEqual({ cache: "object", join: "function", strict: false });
	});

	it.each(['"use strict";', "/* licence\n */ 'use strict';", "// one\n// two\n'use strict';"])(
		"stays strict after %j",
		(directive) => {
			expect(run(directive + LOOK, poor)).toMatchObject({ cache: "object", strict: true });
		},
	);

	it("keeps a hashbang first, and every line where it was", () => {
		const source = `#!/usr/bin/env node\n"use strict";\n${LOOK}`;
		expect(withOwnRequire(source).split("\n")[0]).toBe("#!/usr/bin/env node");
		expect(withOwnRequire(source).split("\n")).toHaveLength(3);
	});

	it("keeps Node's own require, and one that it declares itself", () => {
		const wrapped = Object.assign((id: string) => require(id), require);
		expect(run("exports.same = require;", wrapped).same).toBe(wrapped);
		expect(run("exports.own = require(1); function require(x) { return x + 1; }", poor).own).toBe(2);
	});
});

describe("lacking one's own require", () => {
	const imported = { conditions: ["node", "import"] };
	it.each([
		["commonjs", imported, "22.15.0", true],
		["commonjs-typescript", imported, "24.11.1", true],
		["commonjs", imported, "26.10.0", false],
		["commonjs", { conditions: new Set(["require", "node"]) }, "22.15.0", false],
		["module", imported, "22.15.0", false],
		[undefined, imported, "22.15.0", false],
	] as const)("of format %s, %o, Node %s: %s", (format, context, version, expected) => {
		expect(lacksOwnRequire(format, context, version)).toBe(expected);
	});
});

describe("loading by the next hook", () => {
	const refusal = Object.assign(new Error("no source"), { code: "ERR_INVALID_RETURN_PROPERTY_VALUE" });
	const refuse = () => {
		throw refusal;
	};

	it("is what the hook gives", () => {
		const loaded = { format: "module", source: "" };
		expect(loadPatiently("file:///x.mjs", "module", () => loaded)).toBe(loaded);
	});

	it("reads a CommonJS module whose source Node refuses to be without", () => {
		expect(loadPatiently(import.meta.url, "commonjs", refuse)).toMatchObject({
			format: "commonjs",
			source: expect.stringContaining("whose source Node refuses to be without"),
		});
	});

	it("reads one without a format, too", () => {
		const url = new URL("../../../scripts/link-node.cjs", import.meta.url).href;
		expect(loadPatiently(url, null, refuse)).toMatchObject({ format: "commonjs", shortCircuit: true });
	});

	it("leaves every other failure as it is", () => {
		expect(() => loadPatiently(import.meta.url, "module", refuse)).toThrow(refusal);
		expect(() => loadPatiently("data:text/javascript,", "commonjs", refuse)).toThrow(refusal);
		const own = new Error("mine");
		expect(() =>
			loadPatiently(import.meta.url, "commonjs", () => {
				throw own;
			}),
		).toThrow(own);
	});
});
