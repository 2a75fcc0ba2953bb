import { expect, test } from "vitest";
import { assertJsonSize } from "./assert-json-size.ts";

const MB = 1_048_576;
const padded = (text: string) => Buffer.from(`${text}${" ".repeat(MB)}`);

test("brackets are counted by depth and number, those in texts are not", () => {
	expect(() => assertJsonSize(padded("[".repeat(256) + "]".repeat(256)))).not.toThrow();
	expect(() => assertJsonSize(padded("[".repeat(257)))).toThrow("nested deeper than 256");
	expect(() => assertJsonSize(padded(`[${"{},".repeat(1_999_999)}0]`))).not.toThrow();
	expect(() => assertJsonSize(padded(`[${"{},".repeat(2_000_000)}0]`))).toThrow("more than 2000000 objects");
	const texts = ["[".repeat(1000), '\\"[['.repeat(1000), "\\\\", "é[\u0022["];
	for (const text of texts) {
		expect(() => assertJsonSize(padded(JSON.stringify([text, text])))).not.toThrow();
	}
	expect(() => assertJsonSize(padded(`"\\\\"${"[".repeat(300)}`))).toThrow("nested");
});

test("what is no JSON is left to the parser, and small bodies are not looked at", () => {
	for (const text of ['"', '"\\', "]]]]", "[]}}", '"'.repeat(1000)]) {
		expect(() => assertJsonSize(padded(text))).not.toThrow();
		expect(() => assertJsonSize(Buffer.concat([Buffer.alloc(MB), Buffer.from(text)]))).not.toThrow();
	}
	expect(() => assertJsonSize(Buffer.from("[".repeat(1000)))).not.toThrow();
});
