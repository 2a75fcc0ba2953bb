import { expect, test } from "vitest";
import { invalidRequest } from "./invalid-request.ts";

const request = { query: { effect: "abc" }, params: { key: "A B" }, body: { unitIds: ["", "x"] } };
const fault = (instancePath: string, message: string) => [{ instancePath, message }];

test.each([
	[
		{ validation: fault("/effect", "Invalid input: expected number, received NaN"), validationContext: "querystring" },
		'invalid query parameter effect: found "abc"; expected number. See /api/v1/openapi.json',
	],
	[
		{ validation: fault("/unitIds/0", "Too small: expected string to have >=1 characters"), validationContext: "body" },
		'invalid body unitIds.0: found ""; Too small: expected string to have >=1 characters. See /api/v1/openapi.json',
	],
	[
		{ validation: fault("/__proto__/x", "Invalid input: expected string, received undefined") },
		"invalid body __proto__.x: missing; expected string. See /api/v1/openapi.json",
	],
	[
		{ validation: fault("/", 'Unrecognized key: "unknown"'), validationContext: "querystring" },
		'invalid query parameter: Unrecognized key: "unknown". See /api/v1/openapi.json',
	],
])("field, value and what is expected: %j", (error, message) => {
	expect(invalidRequest(error, request)).toBe(message);
});

test("what no schema refused is not said to be invalid", () => {
	expect(invalidRequest({}, request)).toBeUndefined();
});
