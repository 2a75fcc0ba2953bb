import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compileBundle } from "../compile-bundle.ts";
import { atOnce } from "../in-slices.ts";
import { sampleInput } from "../testing/sample-input.ts";
import { shapeProblemSteps } from "./json-shape.ts";

const limitOf = (text: string) => atOnce(shapeProblemSteps(Buffer.from(text)))?.limit;
const values = (count: number) => Array.from({ length: count }, () => "0").join(",");
const members = (count: number) => Array.from({ length: count }, (_, index) => `"f${index}":0`).join(",");

it("has nothing against what is compiled, nor against this repository's largest JSON", () => {
	expect(limitOf(compileBundle(sampleInput()).json)).toBeUndefined();
	expect(limitOf(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))).toBeUndefined();
});

it.each([
	["nesting, 100", "[".repeat(100), undefined],
	["nesting, 101", "[".repeat(101), "depth"],
	["nesting of both kinds", '{"a":['.repeat(51), "depth"],
	["6 MB of it", "[".repeat(6_000_000), "depth"],
	["side by side, not nested", `{"flags":{"a":[${Array.from({ length: 500 }, () => "[{}]").join(",")}]}}`, undefined],
	["brackets in a text", `{"a":"${"[{".repeat(500)}"}`, undefined],
	["brackets in a text with quotes", `{"a":"${String.raw`\"[`.repeat(500)}"}`, undefined],
	["brackets after a text that ends in a backslash", `{"a":"${"\\\\"}",${"[".repeat(101)}`, "depth"],
	["10,000 flags", `{"flags":{${members(10_000)}}}`, undefined],
	["20,000 flags", `{"flags":{${members(20_000)}}}`, "flags"],
	["20,000 members beside the flags", `{${members(20_000)}}`, "flags"],
	["10,000 values in a flag", `{"flags":{"a":[${values(10_000)}]}}`, undefined],
	["20,000 values in a flag", `{"flags":{"a":[${values(20_000)}]}}`, "values"],
	["20,000 values in two flags", `{"flags":{"a":[${values(10_000)}],"b":[${values(10_000)}]}}`, undefined],
	["commas in a text", `{"flags":{"a":"${",".repeat(20_000)}"}}`, undefined],
	["no JSON at all", '}}]]\\"', undefined],
])("%s", (_what, text, limit) => {
	expect(limitOf(text)).toBe(limit);
});

it("takes a step for every 64 KiB", () => {
	const steps = shapeProblemSteps(Buffer.alloc(1024 * 1024, 0x20));
	let count = 0;
	while (steps.next().done !== true) count++;
	expect(count).toBe(16);
});
