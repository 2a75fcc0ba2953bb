import { fieldsOf } from "./sdk-dialect.ts";

/** A text of a request, and who speaks; `system` includes developer messages and instructions. */
export interface PromptText {
	readonly role: "system" | "user";
	readonly text: string;
}

/** What is compared of a request. Read lazily, and never kept. */
export interface PromptRequest {
	readonly model: unknown;
	readonly texts: Iterable<PromptText>;
}

/** Of a long conversation its beginning and its end are looked at: that is where prompts stand. */
const MESSAGES_AT_EACH_END = 32;
const PARTS_AT_EACH_END = 8;

/** Chat completions, responses and legacy completions. */
export function openAiPrompt(request: unknown): PromptRequest {
	const { model, messages, instructions, input, prompt } = fieldsOf(request);
	return {
		model,
		texts: (function* () {
			yield* textsOf("system", instructions);
			yield* turns(messages);
			yield* typeof input === "string" ? textsOf("user", input) : turns(input);
			yield* textsOf("user", prompt);
		})(),
	};
}

/** The Messages API. */
export function anthropicPrompt(request: unknown): PromptRequest {
	const { model, messages, system } = fieldsOf(request);
	return {
		model,
		texts: (function* () {
			yield* textsOf("system", system);
			yield* turns(messages);
		})(),
	};
}

/** `generateContent` of the Gemini API and Vertex AI. */
export function googlePrompt(request: unknown): PromptRequest {
	const { model, contents, config } = fieldsOf(request);
	return {
		model: typeof model === "string" ? model.slice(model.lastIndexOf("/") + 1) : model,
		texts: (function* () {
			yield* googleTexts("system", fieldsOf(config).systemInstruction);
			yield* googleTexts("user", contents);
		})(),
	};
}

function* turns(messages: unknown): Generator<PromptText> {
	if (!Array.isArray(messages)) return;
	for (const message of ends(messages, MESSAGES_AT_EACH_END)) {
		const { role, content } = fieldsOf(message);
		const speaker = roleOf(role);
		if (speaker !== undefined) yield* textsOf(speaker, content);
	}
}

/** A text, or a list of texts and of parts that have one. */
function* textsOf(role: PromptText["role"], content: unknown): Generator<PromptText> {
	for (const part of Array.isArray(content) ? ends(content, PARTS_AT_EACH_END) : [content]) {
		const text = typeof part === "string" ? part : fieldsOf(part).text;
		if (typeof text === "string") yield { role, text };
	}
}

/** A text, a part, a content of parts, or a list of these. */
function* googleTexts(role: PromptText["role"], contents: unknown): Generator<PromptText> {
	for (const content of Array.isArray(contents) ? ends(contents, MESSAGES_AT_EACH_END) : [contents]) {
		const { role: stated, parts } = fieldsOf(content);
		const speaker = role === "user" && stated !== undefined ? roleOf(stated) : role;
		if (speaker !== undefined) yield* textsOf(speaker, parts ?? content);
	}
}

function roleOf(role: unknown): PromptText["role"] | undefined {
	if (role === "system" || role === "developer") return "system";
	return role === "user" ? "user" : undefined;
}

function* ends(list: readonly unknown[], size: number): Generator<unknown> {
	const tail = Math.max(size, list.length - size);
	for (let index = 0; index < list.length; index = index + 1 === size ? Math.max(tail, size) : index + 1) {
		yield list[index];
	}
}
