import fc from "fast-check";
import { expect, test } from "vitest";
import { type Document, parseDocument } from "yaml";
import { editYaml } from "./edit-yaml.ts";

function edited(text: string, edit: (document: Document) => void): string {
	return editYaml(parseDocument(text, { version: "1.2", schema: "core" }), text, edit);
}

const TEXT = `# head

a:   1   # first
# about b
b: >-
  folded
  text


list: [ 1,2 ]   # flow
map:
    deep:   {x: 1}
last: 'end'`;

test.each<[string, (document: Document) => void, string]>([
	["nothing", () => {}, TEXT],
	["the same value again", (d) => d.set("a", 1), TEXT],
	["a number", (d) => d.set("a", 2), TEXT.replace("a:   1", "a:   2")],
	["a text that needs quotes", (d) => d.set("a", "2"), TEXT.replace("a:   1", 'a:   "2"')],
	["a text that looks like a comment", (d) => d.set("a", "x # y"), TEXT.replace("a:   1", 'a:   "x # y"')],
	["the last value", (d) => d.set("last", "over"), TEXT.replace("'end'", "'over'")],
	["a new key", (d) => d.set("new", true), `${TEXT}\nnew: true\n`],
	["a removed key", (d) => d.delete("list"), TEXT.replace("list: [ 1,2 ]   # flow\n", "")],
])("%s", (_name, edit, expected) => {
	expect(edited(TEXT, edit)).toBe(expected);
});

test.each([" ", "\n", "", " \n x", "x \n", "\tx"])("%j in the place of a block is that text", (wanted) => {
	for (const style of [">-", "|", ">", "|+"]) {
		const text = edited(TEXT.replace(">-", style), (document) => document.set("b", wanted));
		expect(parseDocument(text).toJS()).toEqual({ ...parseDocument(TEXT).toJS(), b: wanted });
	}
});

test("a change deep inside leaves the other keys alone", () => {
	const text = edited(TEXT, (document) => document.setIn(["map", "deep", "x"], 5));
	expect(text.slice(0, text.indexOf("map:"))).toBe(TEXT.slice(0, TEXT.indexOf("map:")));
	expect(parseDocument(text).toJS()).toEqual({ ...parseDocument(TEXT).toJS(), map: { deep: { x: 5 } } });
});

test("lines that end in CR LF", () => {
	const text = TEXT.replaceAll("\n", "\r\n");
	const result = edited(text, (document) => document.set("a", 2));
	expect(parseDocument(result).toJS()).toEqual({ ...parseDocument(TEXT).toJS(), a: 2 });
});

test("whatever the values are, the edit is what it says and nothing else", () => {
	const value = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null));
	fc.assert(
		fc.property(value, fc.constantFrom("a", "b", "list", "map", "last", "new"), (wanted, key) => {
			const before = parseDocument(TEXT).toJS() as Record<string, unknown>;
			const text = edited(TEXT, (document) => document.set(key, wanted));
			expect(parseDocument(text, { version: "1.2", schema: "core" }).toJS()).toEqual({ ...before, [key]: wanted });
			expect(text).toContain("# about b");
		}),
		{ numRuns: 300 },
	);
});
