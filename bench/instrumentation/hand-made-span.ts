// A span made by hand around an answer that is there at once: what is added is not lost in an SDK's own time.
import type { Armspan } from "@armspan/instrumentation";
import { SpanKind } from "@opentelemetry/api";
import type { Case } from "./interleaved.ts";
import type { Langfuse, LangfusePrompt } from "./langfuse/langfuse.ts";
import { bare, currentTracers, tagging, type tracers, use } from "./telemetry.ts";

export const PROMPT = "support-reply";
export const variables = { question: "Where is my parcel? I ordered it two weeks ago." };

export const OWN_CASE = "armspan, prompt and run";
export const BARE = "span by hand";
const ANSWER = { usage: { inputTokens: 40, outputTokens: 8 } };

/** An instrumented call, the same for all. */
async function chat(request: { model: string; messages: readonly object[] }, attributes?: object): Promise<object> {
	const span = currentTracers()
		.getTracer("bench")
		.startSpan(`chat ${request.model}`, {
			kind: SpanKind.CLIENT,
			attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": request.model, ...attributes },
		});
	const answer = await Promise.resolve(ANSWER);
	span.setAttributes({
		"gen_ai.usage.input_tokens": answer.usage.inputTokens,
		"gen_ai.usage.output_tokens": answer.usage.outputTokens,
	});
	span.end();
	return request.messages;
}

const written = {
	model: "gpt-4o-mini",
	messages: [
		{ role: "system", content: "You are the plain support agent." },
		{ role: "user", content: variables.question },
	],
};

export function bareCases(): Case[] {
	const prepare = () => use(bare);
	return [
		{ name: BARE, prepare, call: () => chat(written) },
		{ name: "the same again (what 0 looks like)", base: BARE, prepare, call: async () => chat(written) },
	];
}

/** @param signing has a key for references, `hashing` one for unit ids */
export function armspanCases(plain: Armspan, hashing: Armspan, signing: Armspan): Case[] {
	const prepare = () => use(tagging);
	const routed = (armspan: Armspan, user: string) => {
		const prompt = armspan.prompt(PROMPT, { user, variables });
		return prompt.run(() => chat(prompt));
	};
	let fresh = 0;
	return [
		{
			name: OWN_CASE,
			call: (user: string) => routed(plain, user),
		},
		{
			name: "armspan, execute",
			call: (user: string) => plain.execute(PROMPT, { user, variables }, chat),
		},
		{
			name: "armspan, prompt and run, unit ids hashed",
			call: (user: string) => routed(hashing, user),
		},
		{
			name: "armspan, prompt and run, each user's first call: an exposure event",
			call: () => routed(plain, `fresh-${fresh++}`),
		},
		{
			name: "armspan, prompt and run, with a reference key, none asked for",
			call: (user: string) => routed(signing, user),
		},
		{
			name: "armspan, prompt and run, and reference()",
			call: async (user: string) => {
				const prompt = signing.prompt(PROMPT, { user, variables });
				const answer = await prompt.run(() => chat(prompt));
				return { answer, reference: prompt.reference() };
			},
		},
	].map((one) => ({ ...one, prepare, base: BARE, tag: PROMPT }));
}

const LEAST_LANGFUSE = "langfuse, get, compile, prompt set on the span by hand";
const LIKE_LANGFUSE = "langfuse, get, compile, propagateAttributes";
const OWN_SPAN_LANGFUSE = "langfuse, get, compile, startObservation (its span instead of ours)";
/** What is compared with ours: the least that can be done, the same as ours, and as most of its docs have it. */
export const LANGFUSE_CASES = [LEAST_LANGFUSE, LIKE_LANGFUSE, OWN_SPAN_LANGFUSE];

export function langfuseCases(langfuse: Langfuse, processed: ReturnType<typeof tracers>): Case[] {
	const get = (label?: string) => langfuse.get(PROMPT, { type: "chat", ...(label === undefined ? {} : { label }) });
	const requestOf = (prompt: LangfusePrompt) => ({ ...prompt.config, messages: prompt.compile(variables) });
	const onProcessed = () => {
		use(processed);
		langfuse.useTracers(processed);
	};
	return [
		{
			name: LEAST_LANGFUSE,
			prepare: () => use(bare),
			call: async (user: string) => {
				const prompt = await get();
				return chat(requestOf(prompt), {
					"langfuse.observation.prompt.name": prompt.name,
					"langfuse.observation.prompt.version": prompt.version,
					"user.id": user,
				});
			},
		},
		{
			name: LIKE_LANGFUSE,
			prepare: onProcessed,
			call: async (user: string) => {
				const prompt = await get();
				return langfuse.propagateAttributes({ userId: user, prompt }, () => chat(requestOf(prompt)));
			},
		},
		{
			name: "langfuse, the same with the A/B test of its docs",
			prepare: onProcessed,
			call: async (user: string) => {
				const [a, b] = await Promise.all([get("prod-a"), get("prod-b")]);
				const prompt = Math.random() < 0.5 ? a : b;
				return langfuse.propagateAttributes({ userId: user, prompt }, () => chat(requestOf(prompt)));
			},
		},
		{
			name: OWN_SPAN_LANGFUSE,
			prepare: onProcessed,
			call: async () => {
				const prompt = await get();
				const { model, messages } = requestOf(prompt);
				const generation = langfuse.startObservation(
					`chat ${model}`,
					{ model, input: messages, prompt },
					{ asType: "generation" },
				);
				const answer = await Promise.resolve(ANSWER);
				const usageDetails = { input: answer.usage.inputTokens, output: answer.usage.outputTokens };
				generation.update({ output: messages, usageDetails }).end();
			},
		},
	].map((one) => ({ ...one, base: BARE, tag: PROMPT }));
}
