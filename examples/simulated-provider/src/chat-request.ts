/** The part of OpenAI's chat completion request that is simulated. */
export interface ChatRequest {
	readonly model: string;
	readonly messages: readonly { readonly role: string; readonly content: string }[];
	/** 0 when the request does not say. */
	readonly maxTokens: number;
	readonly stream: boolean;
	readonly includeUsage: boolean;
	readonly user: string;
}

export class InvalidRequest extends Error {
	readonly param: string;

	constructor(param: string, message: string) {
		super(message);
		this.param = param;
	}
}

/** @throws {InvalidRequest} naming the parameter that is wrong */
export function parseChatRequest(text: string): ChatRequest {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch {
		throw new InvalidRequest("body", "the body is not valid JSON");
	}
	if (!isObject(body)) throw new InvalidRequest("body", "expected a JSON object");
	const { model, messages, max_tokens, max_completion_tokens, stream, stream_options, user } = body;
	if (typeof model !== "string" || model === "") throw new InvalidRequest("model", "expected the name of a model");
	if (!Array.isArray(messages) || messages.length === 0) {
		throw new InvalidRequest("messages", "expected a list with at least one message");
	}
	const limit = max_completion_tokens ?? max_tokens ?? 0;
	if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 0) {
		throw new InvalidRequest("max_tokens", "expected a whole number");
	}
	return {
		model,
		messages: messages.map((message: unknown, index) => {
			if (!isObject(message) || typeof message.role !== "string") {
				throw new InvalidRequest(`messages[${index}]`, "expected an object with a role");
			}
			return { role: message.role, content: textOf(message.content) };
		}),
		maxTokens: limit,
		stream: stream === true,
		includeUsage: isObject(stream_options) && stream_options.include_usage === true,
		user: typeof user === "string" && user !== "" ? user.slice(0, 500) : "anonymous",
	};
}

/** Content is text or a list of parts. */
function textOf(content: unknown): string {
	if (typeof content === "string") return content;
	if (!Array.isArray(content)) return "";
	return content.map((part: unknown) => (isObject(part) && typeof part.text === "string" ? part.text : "")).join("");
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
