// The `openai` SDK on a `fetch` that answers at once, instrumented as `@armspan/register` and as Langfuse do it.
import { createRequire } from "node:module";
import { sep } from "node:path";
import type { Armspan } from "@armspan/instrumentation";
import type OpenAI from "openai";
import { instrumentOpenAi } from "../../packages/register/src/instrument-openai.ts";
import type { MappingEntry } from "../../packages/register/src/mapping-entry.ts";
import { recognition } from "../../packages/register/src/recognition.ts";
import { PROMPT, variables } from "./hand-made-span.ts";
import type { Case } from "./interleaved.ts";
import type { Langfuse } from "./langfuse/langfuse.ts";
import { bare, tagging, type tracers, use } from "./telemetry.ts";

export const ALONE = "openai alone";
const INSTRUMENTED = "openai, instrumented by register";
const OBSERVED = "openai, observeOpenAI";
export const OWN_OPENAI_CASE = "armspan, prompt and run";
export const LANGFUSE_OPENAI_CASE = "langfuse, get, compile, observeOpenAI with the prompt";

const BODY = JSON.stringify({
	id: "chatcmpl-1",
	object: "chat.completion",
	created: 1,
	model: "gpt-4o-mini-2024-07-18",
	choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "It arrives tomorrow." } }],
	usage: { prompt_tokens: 40, completion_tokens: 8, total_tokens: 48 },
});

/** A copy of the package for itself: instrumentation changes a copy's prototypes. */
function ownCopy(): typeof OpenAI {
	const require = createRequire(import.meta.url);
	for (const file of Object.keys(require.cache)) {
		if (file.includes(`${sep}node_modules${sep}openai${sep}`)) delete require.cache[file];
	}
	return (require("openai") as { OpenAI: typeof OpenAI }).OpenAI;
}

function clientOf(Class: typeof OpenAI): OpenAI {
	return new Class({
		apiKey: "bench",
		baseURL: "http://127.0.0.1:1/v1",
		maxRetries: 0,
		fetch: async () => new Response(BODY, { status: 200, headers: { "content-type": "application/json" } }),
	});
}

const written = {
	model: "gpt-4o-mini",
	temperature: 0.2,
	messages: [
		{ role: "system" as const, content: "You are the plain support agent." },
		{ role: "user" as const, content: variables.question },
	],
};

export interface OpenAiCases {
	readonly armspan: Armspan;
	/** Has a key for references. */
	readonly signing: Armspan;
	/** A mapping file that names the prompt, last. */
	readonly mapping: readonly MappingEntry[];
	readonly langfuse: Langfuse;
	/** With Langfuse's span processor. */
	readonly processed: ReturnType<typeof tracers>;
}

export function openAiCases({ armspan, signing, mapping, langfuse, processed }: OpenAiCases): Case[] {
	const Instrumented = ownCopy();
	if (!instrumentOpenAi(Instrumented)) throw new Error("openai is not instrumented; expected version 4.19 to 7");
	const instrumented = clientOf(Instrumented);
	const alone = clientOf(ownCopy());
	const observed = langfuse.observeOpenAI(alone);
	const onBare = () => {
		use(bare);
		recognition.use([]);
	};
	const onTagging = () => {
		use(tagging);
		recognition.use([]);
	};
	const onProcessed = () => {
		use(processed);
		langfuse.useTracers(processed);
	};
	const send = ({ config, model, messages }: ReturnType<Armspan["prompt"]>) =>
		instrumented.chat.completions.create({ ...config, model, messages });
	const routed = (user: string) => armspan.prompt(PROMPT, { user, variables });
	return [
		{ name: ALONE, spans: 0, prepare: onBare, call: async () => alone.chat.completions.create(written) },
		{
			name: INSTRUMENTED,
			base: ALONE,
			prepare: onBare,
			call: async () => instrumented.chat.completions.create(written),
		},
		{
			name: "the same again (what 0 looks like)",
			base: INSTRUMENTED,
			prepare: onBare,
			call: async () => instrumented.chat.completions.create(written),
		},
		{
			name: OWN_OPENAI_CASE,
			tag: PROMPT,
			base: INSTRUMENTED,
			prepare: onTagging,
			call: async (user) => {
				const prompt = routed(user);
				return prompt.run(() => send(prompt));
			},
		},
		{
			name: "armspan, execute",
			tag: PROMPT,
			base: INSTRUMENTED,
			prepare: onTagging,
			call: async (user) => armspan.execute(PROMPT, { user, variables }, send),
		},
		{
			name: "armspan, prompt and run, and reference()",
			tag: PROMPT,
			base: INSTRUMENTED,
			prepare: onTagging,
			call: async (user) => {
				const prompt = signing.prompt(PROMPT, { user, variables });
				await prompt.run(() => send(prompt));
				return prompt.reference();
			},
		},
		{
			name: `not routed, recognised by a mapping file of ${mapping.length}`,
			tag: mapping.at(-1)!.identity.name,
			base: INSTRUMENTED,
			prepare: () => {
				use(tagging);
				recognition.use(mapping);
			},
			call: async () => instrumented.chat.completions.create(written),
		},
		{
			name: OBSERVED,
			base: ALONE,
			prepare: onProcessed,
			call: async () => observed.chat.completions.create(written),
		},
		{
			name: LANGFUSE_OPENAI_CASE,
			tag: PROMPT,
			base: OBSERVED,
			prepare: onProcessed,
			call: async (user) => {
				const prompt = await langfuse.get(PROMPT, { type: "chat" });
				const client = langfuse.observeOpenAI(alone, { langfusePrompt: prompt, userId: user });
				return client.chat.completions.create({ ...prompt.config, messages: prompt.compile(variables) });
			},
		},
	];
}
