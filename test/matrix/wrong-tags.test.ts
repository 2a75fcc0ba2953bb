import { expect, it } from "vitest";
import { SDK_PROGRAMS } from "./sdk-program.ts";
import { wrongTags } from "./wrong-tags.ts";

const sdks = SDK_PROGRAMS.filter(({ name }) => name === "openai");
const stdout = ["0", "1"]
	.map((index) =>
		JSON.stringify({ sdk: "openai", user: `openai-u${index}`, id: `r${index}`, version: "1.0.0", variant: "control" }),
	)
	.join("\n");

function span(index: number, more: Readonly<Record<string, unknown>> = {}) {
	const attributes = {
		"gen_ai.operation.name": "chat",
		"gen_ai.prompt.name": "support-reply",
		"gen_ai.prompt.version": "1.0.0",
		"feature_flag.result.variant": "polite.control",
		"armspan.unit.id": `openai-u${index}`,
		"gen_ai.response.id": `r${index}`,
		...more,
	};
	return { name: "chat", attributes };
}

const wrong = (...spans: ReturnType<typeof span>[]) => wrongTags(stdout, spans, sdks, 2);

it("is silent when every span is its user's and every call counts once", () => {
	expect(wrong(span(0), span(1))).toEqual([]);
});

it.each([
	["a missing span", [span(0)], "openai-u1: counted 0 times"],
	[
		"another's response",
		[span(0, { "gen_ai.response.id": "r1" }), span(1)],
		"chat of openai-u0: the response of openai-u1",
	],
	["another's version", [span(0, { "gen_ai.prompt.version": "2.0.0" }), span(1)], "chat of openai-u0: version 2.0.0"],
	[
		"another's arm",
		[span(0, { "feature_flag.result.variant": "polite.treatment" }), span(1)],
		"chat of openai-u0: variant treatment",
	],
	[
		"a call counted twice",
		[span(0), span(0, { "gen_ai.operation.name": undefined, "openinference.span.kind": "LLM" }), span(1)],
		"openai-u0: counted 2 times",
	],
	[
		"another's question",
		[span(0, { "input.value": "I am openai-u1." }), span(1)],
		"chat of openai-u0: asked by openai-u1",
	],
	[
		"a span without tags",
		[span(0), span(1), span(1, { "armspan.unit.id": undefined })],
		"chat of undefined: no such user",
	],
])("names %s", (_what, spans, line) => {
	expect(wrong(...spans)).toContain(line);
});

it("names a user who got no answer", () => {
	expect(wrongTags("", [], sdks, 1)).toContain("openai-u0: no answer");
});
