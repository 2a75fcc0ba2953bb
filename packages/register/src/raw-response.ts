import type { LlmCall } from "./llm-call.ts";
import { guarded } from "./traced-call.ts";
import { type Method, replaceMethod } from "./wrap-method.ts";

/** How long a body may stay unread before its span ends without usage. */
const PATIENCE_MS = 1000;

const waiting = new Set<() => void>();

/**
 * Follows a raw HTTP response that the caller took instead of the answer. The body is the caller's: it is never read
 * here. Who reads it with `json()` or `text()` lets us see the usage; who does not, or streams it, gets a span without,
 * that ended when the response came.
 */
export function followRawResponse(response: unknown, call: LlmCall): void {
	const respondedAt = new Date();
	call.responded((response as { status?: unknown } | undefined)?.status);
	if (!(response instanceof Response) || !/\bjson\b/.test(response.headers.get("content-type") ?? "")) {
		call.end(respondedAt);
		return;
	}
	const giveUp = () => {
		waiting.delete(giveUp);
		call.end(respondedAt);
	};
	waiting.add(giveUp);
	setTimeout(giveUp, PATIENCE_MS).unref();
	const observe = (read: Method, parse: (body: unknown) => unknown): Method =>
		async function (this: unknown) {
			const body = await Reflect.apply(read, this, []);
			guarded(() => call.received(parse(body), () => false));
			waiting.delete(giveUp);
			return body;
		};
	replaceMethod(
		response,
		"json",
		observe(response.json, (body) => body),
	);
	replaceMethod(
		response,
		"text",
		observe(response.text, (body) => JSON.parse(String(body))),
	);
}

/** Ends the spans whose body nobody has read yet: the process is about to leave. */
export function endUnreadResponses(): void {
	for (const giveUp of waiting) guarded(giveUp);
}
