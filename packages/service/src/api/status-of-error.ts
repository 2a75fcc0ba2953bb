/** HTTP status of codes that say what is wrong with the request. */
const STATUS: Readonly<Record<string, number>> = {
	SQL_REFUSED: 400,
	SQL_FAILED: 400,
	SQL_LIMIT: 400,
	SQL_TOO_LARGE: 413,
	SQL_BUSY: 503,
	FORGET_INVALID: 400,
	FORGET_TOO_WIDE: 409,
	UNKNOWN_METRIC: 400,
	UNKNOWN_PROMPT: 400,
	UNKNOWN_ITERATION: 404,
};

/** Status of an error that a route threw; 500, whose message stays in the log, for what is not the request's fault. */
export function statusOfError(error: { readonly statusCode?: number; readonly code?: string }): number {
	return error.statusCode ?? STATUS[error.code ?? ""] ?? 500;
}

/** What Node says of a server that is not there, or goes while it answers. */
const NO_SERVER: ReadonlySet<string | undefined> = new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"EHOSTUNREACH",
	"ENOTFOUND",
	"EPIPE",
	"ETIMEDOUT",
]);

/** Whether a route failed since ClickHouse does not answer: not the request's fault, and worth asking again. */
export function isStoreUnreachable(error: unknown): boolean {
	if (typeof error !== "object" || error === null) return false;
	const { code, cause } = error as { readonly code?: string; readonly cause?: unknown };
	// The store's error has the connection's as its cause.
	return code === "STORE_UNAVAILABLE" || NO_SERVER.has(code) || isStoreUnreachable(cause);
}
