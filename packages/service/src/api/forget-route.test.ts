import { type ForgetUnitOptions, type ForgottenUnit, StoreError } from "@armspan/store";
import fastify from "fastify";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { createApi } from "./api.ts";

const TOKEN = "the token of this test";
const ERASURE = "0b4e7f0a-0000-4000-8000-000000000000";
const forgetUnit = vi.fn(
	async ({ dryRun }: ForgetUnitOptions): Promise<ForgottenUnit> => ({
		...(dryRun ? { id: null, erasedAt: null } : { id: ERASURE, erasedAt: new Date(0) }),
		...{ erased: { calls: 2 }, outside: { otel_logs: 1 } },
		remaining: [{ table: "otel_logs", column: "Body", rows: 1 }],
	}),
);
const unused = () => {
	throw new Error("not asked here");
};
const apiOf = (token: string | undefined) =>
	createApi({
		...{ evidence: {} as never, forgetUnit, bundle: unused, token, version: "0.0.0", logger: fastify().log },
		backend: { health: unused, experiments: unused, decisions: unused, units: unused },
	});
const [closed, open] = [await apiOf(TOKEN), await apiOf(undefined)];

beforeEach(() => {
	forgetUnit.mockClear();
});
afterAll(() => Promise.all([closed.close(), open.close()]));

const ask = async (payload: unknown, headers: Record<string, string>, api = closed) => {
	const url = "/api/v1/units/forget";
	const response = await api.inject({ method: "POST", url, headers, payload: payload as object });
	return { status: response.statusCode, body: response.json() };
};
const authorized = { authorization: `Bearer ${TOKEN}` };

test("a unit is erased under all its ids, and what is left is told", async () => {
	const answer = await ask({ unitIds: ["ada@example.org", "a1b2"], by: "Grace" }, authorized);
	expect(answer).toEqual({
		status: 200,
		body: {
			...{ schemaVersion: 1, id: ERASURE, erasedAt: "1970-01-01T00:00:00.000Z", erased: { calls: 2 } },
			...{ outside: { otel_logs: 1 }, remaining: [{ table: "otel_logs", column: "Body", rows: 1 }] },
		},
	});
	expect(forgetUnit.mock.calls).toEqual([[{ unitIds: ["ada@example.org", "a1b2"], actor: "Grace" }]]);
	expect((await ask({ unitIds: ["ada"], by: "Grace" }, { host: "127.0.0.1" }, open)).status).toBe(200);
});

test("a dry run has no record; what is to go is asked for by name", async () => {
	const asked = { unitIds: ["ada"], by: "Grace", dryRun: true, everywhere: false };
	expect(await ask(asked, authorized)).toMatchObject({ status: 200, body: { id: null, erasedAt: null } });
	expect(forgetUnit.mock.calls).toEqual([[{ unitIds: ["ada"], actor: "Grace", dryRun: true, everywhere: false }]]);
});

test("too much to erase unasked is the request's fault, said with its code", async () => {
	forgetUnit.mockRejectedValueOnce(new StoreError("FORGET_TOO_WIDE", "nothing was erased"));
	const answer = await ask({ unitIds: ["ada"], by: "Grace" }, authorized);
	expect(answer).toEqual({ status: 409, body: { code: "FORGET_TOO_WIDE", message: "nothing was erased" } });
});

test.each([
	["without the token", { unitIds: ["ada"], by: "Grace" }, {}, closed, 401],
	["from another host, without any token", { unitIds: ["ada"], by: "Grace" }, { host: "evil.example" }, open, 403],
	["as a form of a web page", "unitIds=ada&by=Grace", { host: "127.0.0.1", "content-type": "text/plain" }, open, 400],
	["nobody", { unitIds: [], by: "Grace" }, authorized, closed, 400],
	["an empty id", { unitIds: [""], by: "Grace" }, authorized, closed, 400],
	["an id too long for one", { unitIds: ["a".repeat(1001)], by: "Grace" }, authorized, closed, 400],
	["everywhere, as a text", { unitIds: ["ada"], by: "Grace", everywhere: "no" }, authorized, closed, 400],
	["many at once", { unitIds: Array.from({ length: 11 }, String), by: "Grace" }, authorized, closed, 400],
	["without a name", { unitIds: ["ada"] }, authorized, closed, 400],
])("%s: refused, and nothing is erased", async (_what, payload, headers, api, status) => {
	expect((await ask(payload, headers as Record<string, string>, api)).status).toBe(status);
	expect(forgetUnit).not.toHaveBeenCalled();
});

test("what is wrong with an id is said with a code of ours, field and value", async () => {
	const response = await closed.inject({
		...{ method: "POST", url: "/api/v1/units/forget", headers: { ...authorized, host: "127.0.0.1" } },
		payload: { unitIds: [""], by: "Grace" },
	});
	expect(response.json()).toEqual({
		code: "INVALID_REQUEST",
		message: expect.stringMatching(/^invalid body unitIds\.0: found ""; /),
	});
});
