import { z } from "zod";

/** What the HTTP API answers besides the codes of packages. */
export type ApiErrorCode =
	| "BAD_REQUEST"
	| "HOST_REFUSED"
	| "INTERNAL"
	| "INVALID_REQUEST"
	| "NOT_FOUND"
	| "TOO_MANY_STREAMS"
	| "UNAUTHENTICATED"
	| "UNKNOWN_EXPERIMENT";

/** Body of every answer that is not a success. */
export const ApiError = z.strictObject({ code: z.string(), message: z.string() });

/** For the `response` of a route: what every route may answer besides. */
export const ERROR_RESPONSES = { "4xx": ApiError, "5xx": ApiError };

export function apiError(code: ApiErrorCode, message: string): z.infer<typeof ApiError> {
	return { code, message };
}
