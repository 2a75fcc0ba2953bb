import type { IncomingMessage } from "node:http";

const MAX_BODY_BYTES = 64 * 1024;

/** The client's fault; the message is for the client. */
export class BadRequest extends Error {
	readonly status: number;

	constructor(status: number, message: string) {
		super(message);
		this.status = status;
	}
}

/** @throws {BadRequest} 413 or 400 */
export async function readJsonObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of request as AsyncIterable<Buffer>) {
		bytes += chunk.length;
		if (bytes > MAX_BODY_BYTES)
			throw new BadRequest(413, `the body is too large; expected at most ${MAX_BODY_BYTES} bytes`);
		chunks.push(chunk);
	}
	let body: unknown;
	try {
		body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
	} catch {
		throw new BadRequest(400, "the body is not valid JSON");
	}
	if (typeof body !== "object" || body === null || Array.isArray(body)) {
		throw new BadRequest(400, "expected a JSON object");
	}
	return body as Record<string, unknown>;
}

/** @throws {BadRequest} 400 naming the field */
export function readText(body: Readonly<Record<string, unknown>>, field: string, maxCharacters: number): string {
	const value = body[field];
	if (typeof value === "string" && value.trim() !== "" && value.length <= maxCharacters) return value;
	throw new BadRequest(400, `${field}: expected text of 1 to ${maxCharacters} characters`);
}

/** @throws {BadRequest} 400 naming the field */
export function readNumber(
	body: Readonly<Record<string, unknown>>,
	field: string,
	minimum: number,
	maximum: number,
): number {
	const value = body[field];
	if (typeof value === "number" && value >= minimum && value <= maximum) return value;
	throw new BadRequest(400, `${field}: expected a number from ${minimum} to ${maximum}`);
}
