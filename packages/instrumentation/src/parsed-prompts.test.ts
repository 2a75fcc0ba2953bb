import { expect, it } from "vitest";
import { supportBundle } from "./fixtures/support-bundle.ts";
import { ParsedPrompts } from "./parsed-prompts.ts";

const { prompts } = supportBundle();

it("parses each prompt once, ahead of time or when a call needs it, and keeps it for the next bundle", () => {
	const first = new ParsedPrompts(prompts);
	const [one = "", two = ""] = prompts.keys();
	const parsed = first.get(one);
	expect(parsed).not.toBeInstanceOf(Error);
	expect(first.get(one)).toBe(parsed);
	expect(first.parseFor(Number.POSITIVE_INFINITY)).toBe(true);
	expect(first.get(one)).toBe(parsed);
	const next = new ParsedPrompts(new Map([...prompts].slice(0, 2)), first);
	expect(next.get(one)).toBe(parsed);
	expect(next.get(two)).toBe(first.get(two));
});

it("goes on where it stopped when time was short", () => {
	const parsedPrompts = new ParsedPrompts(prompts);
	let rounds = 1;
	while (!parsedPrompts.parseFor(0)) rounds++;
	// One in each, as there was no time for a second.
	expect(rounds).toBe(prompts.size);
	expect(parsedPrompts.parseFor(0)).toBe(true);
});

it("keeps the reason for a prompt that is none, and knows what is not there", () => {
	const parsedPrompts = new ParsedPrompts(new Map([["bad", Buffer.from("---\nmodel: [\n---\n")]]));
	expect(parsedPrompts.parseFor(1000)).toBe(true);
	expect(parsedPrompts.get("bad")).toBeInstanceOf(Error);
	expect(parsedPrompts.get("other")).toBeUndefined();
});
