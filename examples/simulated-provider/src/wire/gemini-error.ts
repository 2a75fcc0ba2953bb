import type { Failure } from "./wire-format.ts";

const STATUSES: Readonly<Record<number, string>> = {
	400: "INVALID_ARGUMENT",
	404: "NOT_FOUND",
	429: "RESOURCE_EXHAUSTED",
	503: "UNAVAILABLE",
};

export function geminiError({ status, message }: Failure): unknown {
	return { error: { code: status, message, status: STATUSES[status] ?? "INTERNAL" } };
}
