import type { ChatRequest } from "./chat-request.ts";
import { type DrawIdentity, identifier, lognormal, normal, uniform } from "./draw.ts";

/** The prompts that the provider tells apart. */
export const PROMPT_KINDS = ["control", "friendly"] as const;
export type PromptKind = (typeof PROMPT_KINDS)[number];

/** What can be switched at run time, per prompt. */
export interface Behaviour {
	/** Probability that a call fails. */
	readonly errorRate: Readonly<Record<PromptKind, number>>;
	/** Factor on every waiting time; 0 answers at once. */
	readonly latencyScale: number;
}

export const INITIAL_BEHAVIOUR: Behaviour = { errorRate: { control: 0.01, friendly: 0.01 }, latencyScale: 1 };

export interface SimulatedReply {
	readonly id: string;
	readonly promptKind: PromptKind;
	readonly status: 200 | 429 | 500;
	readonly text: string;
	readonly finishReason: "stop" | "length";
	readonly inputTokens: number;
	readonly outputTokens: number;
	/** Until the first token of a stream. */
	readonly firstTokenMs: number;
	/** Until the last byte. */
	readonly latencyMs: number;
	/** What a person would think of the answer, 0 to 1. */
	readonly quality: number;
}

/** A friendlier prompt is answered at greater length, so later and dearer, and is liked better. */
const CHARACTER: Readonly<Record<PromptKind, { medianTokens: number; quality: number }>> = {
	control: { medianTokens: 45, quality: 0.52 },
	friendly: { medianTokens: 110, quality: 0.64 },
};

const FIRST_TOKEN_MEDIAN_MS = 60;
const PER_TOKEN_MS = 1.2;
const SHARE_OF_RATE_LIMITS = 0.3;

/** The rule: a system message that asks for a "warm, friendly" tone is the treatment prompt. */
function promptKindOf(request: ChatRequest): PromptKind {
	return request.messages.some(({ role, content }) => role === "system" && /\bwarm, friendly\b/i.test(content))
		? "friendly"
		: "control";
}

/** The answer to a request: a pure function of seed, user, turn, prompt and behaviour. */
export function simulateReply(request: ChatRequest, identity: DrawIdentity, behaviour: Behaviour): SimulatedReply {
	const promptKind = promptKindOf(request);
	const { medianTokens, quality } = CHARACTER[promptKind];
	const wantedTokens = Math.max(8, Math.round(lognormal(identity, "tokens", medianTokens, 0.35)));
	const truncated = request.maxTokens > 0 && wantedTokens > request.maxTokens;
	const outputTokens = truncated ? request.maxTokens : wantedTokens;
	const firstTokenMs = lognormal(identity, "first-token", FIRST_TOKEN_MEDIAN_MS, 0.4) * behaviour.latencyScale;
	const perTokenMs = lognormal(identity, "per-token", PER_TOKEN_MS, 0.25) * behaviour.latencyScale;
	// Users differ more than their calls do: what makes many calls by one user less than as many observations.
	const taste = 0.15 * normal({ ...identity, turn: 0 }, "taste");
	const failed = uniform(identity, "error") < behaviour.errorRate[promptKind];
	return {
		id: `chatcmpl-${identifier(identity)}`,
		promptKind,
		status: !failed ? 200 : uniform(identity, "error-kind") < SHARE_OF_RATE_LIMITS ? 429 : 500,
		text: writeText(promptKind, outputTokens, identity),
		finishReason: truncated ? "length" : "stop",
		inputTokens: countTokens(request),
		outputTokens,
		firstTokenMs,
		latencyMs: failed ? firstTokenMs : firstTokenMs + perTokenMs * outputTokens,
		quality: Math.min(1, Math.max(0, quality + taste + 0.1 * normal(identity, "quality"))),
	};
}

/** Four characters to a token, and four tokens around each message: near enough to bill by. */
function countTokens({ messages }: ChatRequest): number {
	return messages.reduce((sum, { content }) => sum + 4 + Math.ceil(content.length / 4), 3);
}

const SENTENCES: Readonly<Record<PromptKind, readonly string[]>> = {
	control: [
		"Your order leaves our warehouse within one working day.",
		"Delivery takes two to four working days.",
		"Returns are free for thirty days; the label is in your account.",
		"The refund reaches your account within five working days.",
		"You can change the address until the parcel is packed.",
	],
	friendly: [
		"I can see why you would like to know that, and I am glad you asked.",
		"Your order leaves our warehouse within one working day, and delivery then takes two to four working days.",
		"As soon as the parcel is on its way, you will get a message with a link to follow it.",
		"If it does not fit, you can send it back free of charge within thirty days; the label is in your account.",
		"We pay the amount back within five working days after the parcel has arrived here.",
		"I have made a note for my colleagues, so you will not have to explain it twice.",
		"If anything else comes up, simply answer this message and we will gladly help.",
	],
};

/** Whole sentences of about `tokens` tokens. */
function writeText(promptKind: PromptKind, tokens: number, identity: DrawIdentity): string {
	const sentences = SENTENCES[promptKind];
	const first = Math.floor(uniform(identity, "text") * sentences.length);
	let text = "";
	for (let i = 0; text.length < tokens * 4; i++) {
		text += `${text === "" ? "" : " "}${sentences[(first + i) % sentences.length]}`;
	}
	return text;
}
