import { anthropicCountTokens, anthropicMessages } from "./anthropic-messages.ts";
import { geminiContent } from "./gemini-content.ts";
import { geminiEmbeddings } from "./gemini-embeddings.ts";
import { openAiChat } from "./openai-chat.ts";
import { openAiCompletions } from "./openai-completions.ts";
import { openAiEmbeddings } from "./openai-embeddings.ts";
import { openAiResponses } from "./openai-responses.ts";
import type { WireFormat } from "./wire-format.ts";

export interface WireRoute {
	readonly format: WireFormat;
	/** From the path; empty where the body names the model. */
	readonly model: string;
	/** Whether the path asks for a stream. */
	readonly stream: boolean;
}

const FORMATS: Readonly<Record<string, WireFormat>> = {
	"/v1/chat/completions": openAiChat,
	"/v1/completions": openAiCompletions,
	"/v1/responses": openAiResponses,
	"/v1/embeddings": openAiEmbeddings,
	"/v1/messages": anthropicMessages,
	"/v1/messages/count_tokens": anthropicCountTokens,
};

const GEMINI_PATH = /^\/v1(?:beta|alpha)?\/models\/([\w.-]{1,200}):(\w+)$/;
const GEMINI_FORMATS: Readonly<Record<string, WireFormat>> = {
	generateContent: geminiContent,
	streamGenerateContent: geminiContent,
	embedContent: geminiEmbeddings,
	batchEmbedContents: geminiEmbeddings,
};

/** @returns how a path is spoken to, or `undefined` when no provider has it */
export function wireRouteOf(path: string): WireRoute | undefined {
	if (Object.hasOwn(FORMATS, path)) return { format: FORMATS[path]!, model: "", stream: false };
	const [, model = "", method = ""] = GEMINI_PATH.exec(path) ?? [];
	if (!Object.hasOwn(GEMINI_FORMATS, method)) return undefined;
	return { format: GEMINI_FORMATS[method]!, model, stream: method === "streamGenerateContent" };
}
