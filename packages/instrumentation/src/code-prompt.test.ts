import { createHash } from "node:crypto";
import { context, DiagLogLevel, diag } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { callOf, withCall } from "./call-context.ts";
import { prompt } from "./code-prompt.ts";
import { canonicalText, promptFingerprint, textDigest } from "./code-prompt-fingerprint.ts";
import { CodePromptMemory, codePrompts } from "./code-prompt-memory.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

recordTelemetry();

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const identityOf = (text: string) => codePrompts().find(textDigest(canonicalText(text)));

test("a template renders to the string that JavaScript makes of it, and is known by its static parts", () => {
	const greet = (name: unknown) => prompt("support/greet")`Hello ${name}, how are you?\r\n`;
	expect(greet("Ann")).toBe(`Hello ${"Ann"}, how are you?\r\n`);
	expect([greet(undefined), greet([1, 2])]).toEqual([
		"Hello undefined, how are you?\r\n",
		"Hello 1,2, how are you?\r\n",
	]);
	const digest = sha256("Hello \u0000, how are you?");
	expect(identityOf(greet("Bob"))).toEqual({
		name: "support/greet",
		version: `sha256-${digest.slice(0, 12)}`,
		digest,
		staticLength: 20,
	});
	expect(() => greet(Symbol("no"))).toThrow(TypeError);
});

test("layout at the ends is no other version; another word is", () => {
	expect(promptFingerprint(["\n  Hello ", "!\r\n"])).toBe(promptFingerprint(["Hello ", "!"]));
	expect(promptFingerprint(["Hello ", "!"])).not.toBe(promptFingerprint(["Hello", " !"]));
	expect(promptFingerprint(["a\r\nb"])).toBe(sha256("a\nb"));
});

test("without a name it is named after its digest; a name that is none leaves the text and warns once", () => {
	const digest = sha256("What is love? \u0000");
	expect(identityOf(prompt`What is love? ${1}`)?.name).toBe(`unnamed/${digest.slice(0, 12)}`);
	const warnings: string[] = [];
	const warn = (message: string) => void warnings.push(message);
	const ignore = () => {};
	diag.setLogger({ warn, error: ignore, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
	const misnamed = () => prompt("No Name!")`misnamed ${1}`;
	expect([misnamed(), misnamed()]).toEqual(["misnamed 1", "misnamed 1"]);
	diag.disable();
	expect(identityOf("misnamed 1")).toBeUndefined();
	expect(warnings).toEqual([expect.stringContaining('prompt("No Name!"): expected names of lower-case letters')]);
});

test("one place in the code may serve several names", () => {
	const render = (name: string) => prompt(name)`shared by ${name}`;
	const names = ["a", "b", "a"].map((name) => identityOf(render(name))?.name);
	expect(names).toEqual(["a", "b", "a"]);
});

test("only digests are remembered, and only so many", () => {
	const memory = new CodePromptMemory(2);
	const identity = { name: "a", version: "sha256-000000000000", digest: "0", staticLength: 1 };
	for (const digest of ["1", "2", "1", "3"]) memory.remember(digest, identity);
	expect([memory.size, memory.find("1"), memory.find("2")]).toEqual([2, identity, undefined]);
});

test("run tags what is started inside, generators included, but not inside a routed call", () => {
	const text = prompt("support/run")`Run ${1}`;
	const nameInside = () => callOf(context.active())?.attributes["gen_ai.prompt.name"];
	expect(prompt.run(` ${text}\n`, nameInside)).toBe("support/run");
	expect(prompt.run("some other text", nameInside)).toBeUndefined();
	const lazy = prompt.run(text, function* () {
		yield nameInside();
	});
	expect([...lazy]).toEqual(["support/run"]);
	const routed = withCall(context.active(), { attributes: { "gen_ai.prompt.name": "routed" }, spanStarted() {} });
	expect(context.with(routed, () => prompt.run(text, nameInside))).toBe("routed");
	expect(() =>
		prompt.run(text, () => {
			throw new RangeError("of the caller");
		}),
	).toThrow(RangeError);
});
