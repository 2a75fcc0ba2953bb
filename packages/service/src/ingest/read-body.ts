import type { Readable } from "node:stream";
import type { ByteShare } from "./byte-budget.ts";

/** A body of more bytes than one request may have. */
export class BodyTooLargeError extends Error {
	override readonly name = "BodyTooLargeError";
}

/**
 * The bytes of a request, held in `share` as they come: nothing is reserved for what a sender only announces.
 * @throws {BodyTooLargeError | BudgetSpentError} at the first byte too many
 */
export async function readBody(
	payload: Readable,
	announcedBytes: number | undefined,
	maxBytes: number,
	share: ByteShare,
): Promise<Uint8Array> {
	if (announcedBytes !== undefined && announcedBytes > maxBytes) {
		throw new BodyTooLargeError(`body exceeds ${maxBytes} bytes`);
	}
	const chunks: Buffer[] = [];
	let size = 0;
	// a stream that is left half-read would take the connection with it, and the answer
	for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > maxBytes) {
			throw new BodyTooLargeError(`body exceeds ${maxBytes} bytes`);
		}
		share.hold(size);
		chunks.push(chunk);
	}
	// of its own memory, so that it can be handed to another thread
	const body = new Uint8Array(size);
	let at = 0;
	for (const chunk of chunks) {
		body.set(chunk, at);
		at += chunk.length;
	}
	return body;
}
