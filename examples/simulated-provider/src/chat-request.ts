/** The part of a request that is simulated, whatever the wire format. */
export interface ChatRequest {
	readonly model: string;
	readonly messages: readonly { readonly role: string; readonly content: string }[];
	/** 0 when the request does not say. */
	readonly maxTokens: number;
	readonly stream: boolean;
	/** Whether a stream is to state its usage; OpenAI's alone must be asked. */
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

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws {InvalidRequest} */
export function parseBody(text: string): JsonObject {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch {
		throw new InvalidRequest("body", "the body is not valid JSON");
	}
	if (!isObject(body)) throw new InvalidRequest("body", "expected a JSON object");
	return body;
}

/** @throws {InvalidRequest} */
export function modelOf(value: unknown): string {
	if (typeof value !== "string" || value === "") throw new InvalidRequest("model", "expected the name of a model");
	return value;
}

/** @throws {InvalidRequest} */
export function messagesOf(value: unknown): ChatRequest["messages"] {
	if (!Array.isArray(value) || value.length === 0) {
		throw new InvalidRequest("messages", "expected a list with at least one message");
	}
	return value.map((message: unknown, index) => {
		if (!isObject(message) || typeof message.role !== "string") {
			throw new InvalidRequest(`messages[${index}]`, "expected an object with a role");
		}
		return { role: message.role, content: textOf(message.content) };
	});
}

/** @throws {InvalidRequest} */
export function limitOf(name: string, value: unknown): number {
	const limit = value ?? 0;
	if (typeof limit === "number" && Number.isInteger(limit) && limit >= 0) return limit;
	throw new InvalidRequest(name, "expected a whole number");
}

export function userOf(value: unknown): string {
	return typeof value === "string" && value !== "" ? value.slice(0, 500) : "anonymous";
}

/** Content is text, a list of parts, or an object that has parts. */
export function textOf(content: unknown): string {
	if (typeof content === "string") return content;
	if (Array.isArray(content)) return content.map(textOf).join("");
	if (!isObject(content)) return "";
	return typeof content.text === "string" ? content.text : textOf(content.parts ?? content.content);
}

export function isObject(value: unknown): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
