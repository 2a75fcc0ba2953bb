import { textDigest } from "@armspan/instrumentation/recognition";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodePromptMemory } from "../../instrumentation/src/code-prompt-memory.ts";
import { matchesParts } from "./mapping-entry.ts";
import { parseMapping } from "./mapping-file.ts";
import { PromptRecogniser } from "./recognised-prompt.ts";
import { anthropicPrompt, googlePrompt, openAiPrompt, type PromptRequest } from "./recognised-texts.ts";

const MAPPING = `
prompts:
  - { prompt: greet, version: 1.0.0, match: { template: "Hello {{name}}, good morning.", role: user } }
  - { prompt: greet, version: 2.0.0, match: { template: "Hello {{name}}, good morning. {{more}}" } }
  - { prompt: greet-formal, version: 1.0.0, match: { template: "Hello {{title}} {{name}}, good morning." } }
  - { prompt: agent, version: 3.0.0, match: { fingerprint: "${textDigest("You are an agent.")}", role: system } }
  - { prompt: agent-mini, version: 1.0.0, match: { template: "You are an agent of {{shop}}.", model: mini } }
`;
const { entries = [] } = parseMapping(MAPPING, "mapping");
const memory = new CodePromptMemory();
const recogniser = new PromptRecogniser(entries, memory);

const name = ({ identity }: ReturnType<PromptRecogniser["recognise"]>) =>
	identity && `${identity.name}@${identity.version}`;
const said = (...texts: [role: "system" | "user", text: string][]): PromptRequest => ({
	model: "mini",
	texts: texts.map(([role, text]) => ({ role, text })),
});
const recognised = (request: PromptRequest) => name(recogniser.recognise(request));

describe("a request", () => {
	it.each([
		["Hello Ann, good morning.", "greet@1.0.0"],
		["\r\n Hello , good morning.\n", "greet@1.0.0"],
		["Hello Ann, good morning", undefined],
		["hello Ann, good morning.", undefined],
		["Hello Ann, good morning. Hello Bob, good morning.", "greet@2.0.0"],
		["Hello Ann, good morning. Sleep well!", "greet@2.0.0"],
		["Hello, good morning.", undefined],
	])("%j is %s", (text, expected) => {
		expect(recognised(said(["user", text]))).toBe(expected);
	});

	it("may be recognised by its role and model", () => {
		expect(recognised(said(["system", "You are an agent."]))).toBe("agent@3.0.0");
		expect(recognised(said(["user", "You are an agent."]))).toBeUndefined();
		expect(recognised(said(["system", "You are an agent of Acme."]))).toBe("agent-mini@1.0.0");
		expect(recognised({ ...said(["system", "You are an agent of Acme."]), model: "maxi" })).toBeUndefined();
	});

	it("that matches several is the one with the longest static text, whatever their order, and says so", () => {
		const request = said(["user", "Hello Dr. Ann, good morning."]);
		const found = recogniser.recognise(request);
		// The space between title and name is static text, too.
		expect([name(found), found.alternative?.name]).toEqual(["greet-formal@1.0.0", "greet"]);
		expect(new PromptRecogniser([...entries].reverse(), memory).recognise(request)).toEqual(found);
	});

	it("rendered by a template in code is that one, unless the mapping knows its digest", () => {
		const rendered = "Hello Ann, good morning.";
		const own = new CodePromptMemory();
		const byBoth = new PromptRecogniser(entries, own);
		own.remember(textDigest(rendered), { name: "in-code", version: "v", digest: "0".repeat(64), staticLength: 3 });
		expect(name(byBoth.recognise(said(["user", rendered])))).toBe("in-code@v");
		const { digest } = entries[0]!.identity;
		own.remember(textDigest(rendered), { name: "in-code", version: "v", digest, staticLength: 3 });
		expect(name(byBoth.recognise(said(["user", rendered])))).toBe("greet@1.0.0");
	});

	it("is not looked at where it is too long, and says so; the rest is", () => {
		const long = "x".repeat(300_000);
		const found = recogniser.recognise(said(["user", long], ["system", "You are an agent."]));
		expect([name(found), found.curtailed]).toEqual(["agent@3.0.0", true]);
	});

	it("costs a bounded number of searched characters, however hostile", () => {
		const match = { staticParts: ["", "needle-one", "needle-two", ""] };
		const prompts = Array.from({ length: 1000 }, (_, index) => ({ prompt: `p${index}`, match }));
		const many = parseMapping(JSON.stringify({ prompts }), "many").entries!;
		const hostile = new PromptRecogniser(many, memory).recognise(said(["user", "needle-on".repeat(29_000)]));
		expect([hostile.identity, hostile.curtailed]).toEqual([undefined, true]);
	});
});

it("matches exactly what a regular expression would", () => {
	const part = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 3 });
	fc.assert(
		fc.property(
			fc.array(part, { minLength: 1, maxLength: 4 }),
			fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 }),
			(parts, text) => {
				const expected = new RegExp(`^${parts.join("[^]*")}$`).test(text);
				expect(matchesParts(parts, text, { characters: 1000 })).toBe(expected);
			},
		),
	);
});

it("reads the texts of every SDK's request, and no answers", () => {
	const texts = (request: PromptRequest) => [...request.texts].map(({ role, text }) => `${role}: ${text}`);
	const messages = [
		{ role: "developer", content: "S" },
		{ role: "assistant", content: "no" },
		{
			role: "user",
			content: [
				{ type: "text", text: "U" },
				{ type: "image_url", image_url: {} },
			],
		},
		null,
	];
	expect(texts(openAiPrompt({ messages }))).toEqual(["system: S", "user: U"]);
	expect(texts(openAiPrompt({ instructions: "I", input: "U" }))).toEqual(["system: I", "user: U"]);
	expect(texts(openAiPrompt({ input: [{ role: "user", content: [{ type: "input_text", text: "U" }] }] }))).toEqual([
		"user: U",
	]);
	expect(texts(openAiPrompt({ prompt: ["a", "b"] }))).toEqual(["user: a", "user: b"]);
	expect(texts(anthropicPrompt({ system: [{ type: "text", text: "S" }], messages }))).toEqual([
		"system: S",
		"system: S",
		"user: U",
	]);
	const parts = [{ text: "P" }, { inlineData: {} }];
	expect(texts(googlePrompt({ contents: "U", config: { systemInstruction: { parts } } }))).toEqual([
		"system: P",
		"user: U",
	]);
	expect(texts(googlePrompt({ contents: [{ parts }, { role: "model", parts }, "U", { text: "T" }] }))).toEqual([
		"user: P",
		"user: U",
		"user: T",
	]);
	for (const odd of [undefined, null, 7, { messages: 7, contents: 7, system: 7 }]) {
		expect([...texts(openAiPrompt(odd)), ...texts(anthropicPrompt(odd)), ...texts(googlePrompt(odd))]).toEqual([]);
	}
});

it("looks at both ends of a long conversation", () => {
	const messages = Array.from({ length: 1000 }, (_, index) => ({ role: "user", content: String(index) }));
	const seen = [...openAiPrompt({ messages }).texts].map(({ text }) => Number(text));
	expect(seen).toEqual([...Array(32).keys(), ...Array.from({ length: 32 }, (_, index) => 968 + index)]);
	expect([...openAiPrompt({ messages: messages.slice(0, 40) }).texts]).toHaveLength(40);
});
