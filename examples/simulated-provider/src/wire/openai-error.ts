import type { Failure } from "./wire-format.ts";

const TYPES: Readonly<Record<number, string>> = { 401: "authentication_error", 429: "rate_limit_error" };

export function openAiError({ status, message, param = undefined }: Failure): unknown {
	const type = TYPES[status] ?? (status >= 500 ? "server_error" : "invalid_request_error");
	return {
		error: { message, type, param: param ?? null, code: status === 429 ? "rate_limit_exceeded" : null },
	};
}
