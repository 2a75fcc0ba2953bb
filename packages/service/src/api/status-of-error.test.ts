import { expect, test } from "vitest";
import { isStoreUnreachable, statusOfError } from "./status-of-error.ts";

test("a server that is not there is found behind the store's error, anything else is not taken for it", () => {
	const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
	expect(
		isStoreUnreachable(Object.assign(new Error("query failed", { cause: refused }), { code: "QUERY_FAILED" })),
	).toBe(true);
	expect(isStoreUnreachable(Object.assign(new Error("query failed"), { code: "QUERY_FAILED" }))).toBe(false);
	expect(isStoreUnreachable(undefined)).toBe(false);
});

test("what the request did wrong keeps its status", () => {
	expect(statusOfError({ code: "UNKNOWN_METRIC" })).toBe(400);
	expect(statusOfError({ statusCode: 413 })).toBe(413);
	expect(statusOfError({ code: "QUERY_FAILED" })).toBe(500);
});
