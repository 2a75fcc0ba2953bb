import { expect, it } from "vitest";
import { readSourceUrl } from "./source-url.ts";

const plain = { isSigned: false, allowInsecure: false };

it.each([
	["http://127.0.0.1:7070", {}, "http://127.0.0.1:7070/routing/v1/"],
	["http://localhost:7070/", { token: "t" }, "http://localhost:7070/routing/v1/"],
	["http://[::1]:7070", { token: "t" }, "http://[::1]:7070/routing/v1/"],
	["https://armspan.example", { token: "t" }, "https://armspan.example/routing/v1/"],
	["https://files.example/bundles/production", {}, "https://files.example/bundles/production/"],
	["http://files.example/x/", { isSigned: true }, "http://files.example/x/"],
	["http://files.example/x", { allowInsecure: true }, "http://files.example/x/"],
])("%s is taken", (text, trust, expected) => {
	expect(readSourceUrl(text, { ...plain, ...trust }).href).toBe(expected);
});

it.each([
	["", {}],
	["armspan.example:7070", {}],
	["file:///etc/passwd", {}],
	["ftp://armspan.example", {}],
	["http://armspan.example:7070", {}],
	["http://armspan.example:7070", { token: "t", isSigned: true, allowInsecure: true }],
	["http://127.0.0.1.evil.example", {}],
	["http://localhost.evil.example", { token: "t" }],
	["https://user:hunter2@armspan.example", {}],
	["https://armspan.example/x?token=hunter2", {}],
])("%s is refused", (text, trust) => {
	expect(() => readSourceUrl(text, { ...plain, ...trust })).toThrow(
		expect.objectContaining({ code: "SOURCE_INVALID", message: expect.not.stringContaining("hunter2") }),
	);
});
