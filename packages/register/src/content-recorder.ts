import type { Span } from "@opentelemetry/api";
import { type Fields, fieldsOf } from "./sdk-dialect.ts";

/** A model that never stops talking must not take the host's memory. */
const MAX_TEXT_LENGTH = 1_000_000;
const MAX_CHOICES = 128;

let wanted = false;

/** Whether spans that we make carry prompts and answers from now on; redaction happens where they leave. */
export function recordContent(on: boolean): void {
	wanted = on;
}

/** @param request what the SDK's method was given */
export function contentRecorder(span: Span, request: unknown): ContentRecorder | undefined {
	return wanted ? new ContentRecorder(span, fieldsOf(request)) : undefined;
}

/**
 * Puts the texts of one call on its span, in the shape of the semantic conventions. Texts only: of images, files and
 * tool calls there is the type. Streams are put together, so that what leaves is what was said, not pieces of it.
 */
export class ContentRecorder {
	readonly #span: Span;
	readonly #choices: string[] = [];

	constructor(span: Span, request: Fields) {
		this.#span = span;
		const system = [request.instructions, request.system, fieldsOf(request.config).systemInstruction].flatMap(partsOf);
		const input = request.messages ?? request.input ?? request.contents ?? request.prompt;
		const messages = (Array.isArray(input) ? input : input === undefined ? [] : [input]).map(messageOf);
		if (system.length > 0) span.setAttribute("gen_ai.system_instructions", JSON.stringify(system));
		if (messages.length > 0) span.setAttribute("gen_ai.input.messages", JSON.stringify(messages));
	}

	/** A whole answer, or one event of its stream, of any of the SDKs. */
	observe(body: unknown): void {
		const { type, delta, choices, candidates, content, output, index } = fieldsOf(body);
		if (type === "response.output_text.delta") this.#add(0, delta);
		else if (type === "content_block_delta") this.#add(0, fieldsOf(delta).text);
		else if (Array.isArray(choices)) {
			for (const [position, choice] of choices.entries()) {
				const { delta: piece, message, text, index: place } = fieldsOf(choice);
				this.#add(typeof place === "number" ? place : position, fieldsOf(piece ?? message).content ?? text);
			}
		} else if (Array.isArray(candidates)) {
			for (const [position, candidate] of candidates.entries()) this.#addParts(position, fieldsOf(candidate).content);
		} else if (type === "message" || Array.isArray(content))
			this.#addParts(typeof index === "number" ? index : 0, content);
		else if (Array.isArray(output)) for (const item of output) this.#addParts(0, fieldsOf(item).content);
	}

	end(): void {
		const messages = this.#choices.map((content) => ({ role: "assistant", parts: [{ type: "text", content }] }));
		if (messages.length > 0) this.#span.setAttribute("gen_ai.output.messages", JSON.stringify(messages));
	}

	#addParts(choice: number, content: unknown): void {
		for (const part of partsOf(content)) this.#add(choice, part.content);
	}

	#add(choice: number, text: unknown): void {
		if (typeof text !== "string" || !Number.isInteger(choice) || choice < 0 || choice >= MAX_CHOICES) return;
		while (this.#choices.length <= choice) this.#choices.push("");
		const before = this.#choices[choice] ?? "";
		if (before.length < MAX_TEXT_LENGTH) this.#choices[choice] = (before + text).slice(0, MAX_TEXT_LENGTH);
	}
}

interface Part {
	readonly type: string;
	readonly content?: string;
}

function messageOf(value: unknown): { role: string; parts: Part[] } {
	const { role, content, parts } = fieldsOf(value);
	return { role: typeof role === "string" ? role : "user", parts: partsOf(content ?? parts ?? value) };
}

/** What the SDKs take for content: a text, a part, a message of parts, or a list of those. */
function partsOf(content: unknown): Part[] {
	if (content === undefined || content === null) return [];
	if (typeof content === "string") return [{ type: "text", content }];
	if (Array.isArray(content)) return content.flatMap(partsOf);
	const { type, text, parts } = fieldsOf(content);
	if (parts !== undefined) return partsOf(parts);
	if (typeof text === "string") return [{ type: "text", content: text }];
	return [{ type: typeof type === "string" ? type : "other" }];
}
