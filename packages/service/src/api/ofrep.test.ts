import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import { compileBundle, RoutingTable } from "@armspan/router";
import { Environment, Experiment } from "@armspan/schema";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { type Client, OpenFeature } from "@openfeature/server-sdk";
import { type FastifyInstance, fastify } from "fastify";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createApi } from "./api.ts";

const TOKEN = "a-token-for-tests";
/** A prompt in folders. */
const LONG = `a/${"long-".repeat(20)}folder/name`;

function bundleOf(revision: number, halted: ReadonlySet<string> = new Set()) {
	const prompt = (text: string) => {
		const bytes = Buffer.from(text);
		return {
			bytes,
			digest: createHash("sha256").update(bytes).digest("hex"),
			model: "m-small",
			config: { top_p: 0.9 },
		};
	};
	const experiment = Experiment.parse({
		key: "polite",
		hypothesis: "Polite replies are liked better.",
		owner: "support",
		prompt: "support-reply",
		status: "running",
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "polite", version: "1.1.0" },
		],
		audience: [{ attribute: "country", in: ["CH", "DE"] }],
		primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.1 },
	});
	const { file } = compileBundle({
		environmentName: "production",
		environment: Environment.parse({ prompts: { "support-reply": "1.0.0", summary: "2.0.0", [LONG]: "2.0.0" } }),
		experiments: [{ file: "experiments/polite.yaml", experiment }],
		prompts: new Map([
			["support-reply@1.0.0", prompt("Reply.")],
			["support-reply@1.1.0", prompt("Reply politely.")],
			["summary@2.0.0", prompt("Sum up.")],
			[`${LONG}@2.0.0`, prompt("Sum up.")],
		]),
		revision,
		sourceCommit: "0123456789abcdef0123456789abcdef01234567",
		halted,
	});
	return { file, table: RoutingTable.fromFile(file) };
}

let bundle: ReturnType<typeof bundleOf> | undefined;
let app: FastifyInstance;
let baseUrl = "";

function apiOf(token: string | undefined): Promise<FastifyInstance> {
	const unused = () => {
		throw new Error("OFREP must not ask the evidence store");
	};
	return createApi({
		...{ evidence: {} as never, forgetUnit: unused },
		backend: { health: unused, experiments: unused, decisions: unused, units: unused },
		bundle: () => bundle,
		token,
		version: "0.0.0",
		logger: fastify().log,
	});
}

beforeAll(async () => {
	app = await apiOf(TOKEN);
	await app.listen({ host: "127.0.0.1", port: 0 });
	baseUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
});
afterAll(() => app.close());
beforeEach(() => {
	bundle = bundleOf(1);
});

const FLAG = "/ofrep/v1/evaluate/flags/support-reply";
const BULK = "/ofrep/v1/evaluate/flags";

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
	return fetch(`${baseUrl}${path}`, {
		method: "POST",
		headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
		body: typeof body === "string" ? body : JSON.stringify(body),
	});
}

describe("the official OFREP provider", () => {
	let client: Client;
	beforeAll(async () => {
		const provider = new OFREPProvider({ baseUrl, headers: [["Authorization", `Bearer ${TOKEN}`]] });
		await OpenFeature.setProviderAndWait("ofrep", provider);
		client = OpenFeature.getClient("ofrep");
	});
	afterAll(() => OpenFeature.close());

	it("gets what the table assigns, for units inside and outside the audience", async () => {
		const seen = new Set<string>();
		for (let unit = 0; unit < 100; unit++) {
			const user = unit % 10 === 0 ? `ünï-${unit}` : `u-${unit}`;
			const country = ["CH", "DE", "FR"][unit % 3]!;
			const details = await client.getObjectDetails("support-reply", {}, { targetingKey: user, country });
			const ours = bundle!.table.assign("support-reply", { user }, { country })!;
			expect(details).toMatchObject({
				variant: ours.flagVariant,
				reason: ours.enrolled ? "SPLIT" : "DEFAULT",
				value: bundle!.file.flags["support-reply"]!.variants[ours.flagVariant],
				flagMetadata: { version: "1", "armspan.reason": ours.reason, "armspan.enrolled": ours.enrolled },
			});
			seen.add(ours.flagVariant);
		}
		expect([...seen].sort()).toEqual(["default", "polite.control", "polite.polite"]);
	});

	it("falls back to the code default with the right code", async () => {
		expect(await client.getObjectDetails("no-such-prompt", { mine: 1 })).toMatchObject({
			value: { mine: 1 },
			errorCode: "FLAG_NOT_FOUND",
		});
		expect(await client.getStringDetails("support-reply", "mine")).toMatchObject({
			value: "mine",
			errorCode: "TYPE_MISMATCH",
		});
		bundle = undefined;
		expect(await client.getObjectDetails("support-reply", { mine: 1 })).toMatchObject({
			value: { mine: 1 },
			errorCode: "GENERAL",
		});
	});

	it("asks for a prompt in folders, its slashes escaped or not", async () => {
		const details = await client.getObjectDetails(LONG, {}, { targetingKey: "u-17" });
		expect(details).toMatchObject({ variant: "default", value: { prompt: LONG } });
		const escaped = await post(`${BULK}/${encodeURIComponent(LONG)}`, {});
		expect(await escaped.json()).toMatchObject({ key: LONG, variant: "default" });
	});

	it("is told of a halt at once", async () => {
		const context = { targetingKey: "u-17", country: "CH" };
		expect((await client.getObjectDetails("support-reply", {}, context)).variant).toBe("polite.polite");
		bundle = bundleOf(2, new Set(["polite#1"]));
		expect(await client.getObjectDetails("support-reply", {}, context)).toMatchObject({
			variant: "default",
			reason: "DISABLED",
		});
	});
});

describe("bulk evaluation", () => {
	it("answers every flag, and 304 while nothing changed for this context", async () => {
		const body = { context: { targetingKey: "u-17", country: "CH" } };
		const first = await post(BULK, body);
		expect(first.status).toBe(200);
		const etag = first.headers.get("etag")!;
		expect(await first.json()).toMatchObject({
			flags: [
				{ key: LONG, variant: "default", reason: "DEFAULT" },
				{ key: "summary", variant: "default", reason: "DEFAULT" },
				{ key: "support-reply", variant: "polite.polite", reason: "SPLIT" },
			],
			metadata: { flagSetId: "armspan/production", version: "1" },
		});
		for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
			const again = await post(BULK, body, { "if-none-match": known });
			expect([again.status, await again.text()]).toEqual([304, ""]);
			expect(again.headers.get("etag")).toBe(etag);
		}
		expect((await post(BULK, { context: { targetingKey: "u-18" } }, { "if-none-match": etag })).status).toBe(200);
		bundle = bundleOf(2);
		const changed = await post(BULK, body, { "if-none-match": etag });
		expect([changed.status, changed.headers.get("etag") === etag]).toEqual([200, false]);
	});

	it("takes a request without a body", async () => {
		const response = await fetch(`${baseUrl}${BULK}`, {
			method: "POST",
			headers: { authorization: `Bearer ${TOKEN}` },
		});
		expect(response.status).toBe(200);
		expect(await response.json()).toMatchObject({ flags: [{}, {}, { metadata: { "armspan.reason": "no-unit" } }] });
	});
});

describe("hostile requests", () => {
	it.each([
		["no JSON", "{", 400, "PARSE_ERROR"],
		["an empty body", "", 400, "PARSE_ERROR"],
		["a body that reaches a prototype", '{"context":{"__proto__":{"country":"CH"}}}', 400, "PARSE_ERROR"],
		["an array", "[]", 400, "INVALID_CONTEXT"],
		["a context that is none", '{"context":"u-17"}', 400, "INVALID_CONTEXT"],
		["a targeting key that is no text", '{"context":{"targetingKey":17}}', 400, "INVALID_CONTEXT"],
		["a body of 100 kB", JSON.stringify({ context: { targetingKey: "x".repeat(100_000) } }), 413, "PARSE_ERROR"],
	])("%s", async (_name, body, status, errorCode) => {
		for (const path of [FLAG, BULK]) {
			const response = await post(path, body);
			expect(response.status).toBe(status);
			const answer = (await response.json()) as Record<string, unknown>;
			expect(answer).toMatchObject({ errorCode, errorDetails: expect.any(String) });
			expect(answer.key).toBe(path === FLAG ? "support-reply" : undefined);
		}
	});

	it("gives an id of 10 kB, or of any characters, its one answer", async () => {
		for (const user of ["x".repeat(10_000), "\u0000\ud800 😀", "constructor", " "]) {
			const response = await post(FLAG, { context: { targetingKey: user, country: "CH" } });
			const ours = bundle!.table.assign("support-reply", { user }, { country: "CH" })!;
			expect(await response.json()).toMatchObject({ variant: ours.flagVariant });
		}
	});

	it("ignores what is no text, number or boolean in a context", async () => {
		const context = { targetingKey: "u-17", country: ["CH"], nested: { a: [1, { b: null }] }, nothing: null };
		const answer = await (await post(FLAG, { context })).json();
		expect(answer).toMatchObject({ variant: "default", metadata: { "armspan.reason": "audience" } });
	});

	it("knows no other flag, method or media type", async () => {
		for (const key of ["no-such-prompt", "constructor", "__proto__", "%00", "a%2Fb"]) {
			const response = await post(`${BULK}/${key}`, {});
			expect(response.status).toBe(404);
			expect(await response.json()).toMatchObject({ key: decodeURIComponent(key), errorCode: "FLAG_NOT_FOUND" });
		}
		const headers = { authorization: `Bearer ${TOKEN}` };
		expect((await fetch(`${baseUrl}${BULK}`, { headers })).status).toBe(404);
		expect((await post(FLAG, "{}", { "content-type": "text/plain" })).status).toBe(400);
		expect((await post(FLAG, "{}", { "content-type": "text/xml" })).status).toBe(415);
	});

	it("wants the token, and this machine's name where there is none", async () => {
		for (const authorization of ["", "Bearer wrong"]) {
			expect((await post(FLAG, {}, { authorization })).status).toBe(401);
		}
		const open = await apiOf(undefined);
		const request = { method: "POST", url: FLAG, payload: {} } as const;
		expect((await open.inject({ ...request, headers: { host: "evil.example" } })).statusCode).toBe(403);
		expect((await open.inject({ ...request, headers: { host: "localhost" } })).statusCode).toBe(200);
		await open.close();
	});

	it("says 503 while there is no bundle, and 500 without details when the evaluation fails", async () => {
		bundle = undefined;
		const none = await post(FLAG, {});
		expect([none.status, none.headers.get("retry-after")]).toEqual([503, "1"]);
		expect(await none.json()).toEqual({ errorDetails: "there is no routing bundle yet; try again in a second" });
		const broken = await createApi({
			...{ evidence: {} as never, forgetUnit: {} as never },
			backend: {} as never,
			bundle: () => {
				throw new Error("a secret");
			},
			token: undefined,
			version: "0.0.0",
			logger: fastify().log,
		});
		const failed = await broken.inject({ method: "POST", url: FLAG, payload: {}, headers: { host: "localhost" } });
		expect([failed.statusCode, failed.json()]).toEqual([
			500,
			{ errorDetails: "the evaluation failed; the service's log says why" },
		]);
		await broken.close();
	});

	it("is rate limited, with its own limit", async () => {
		const response = await post(FLAG, {});
		expect(Number(response.headers.get("x-ratelimit-limit"))).toBeGreaterThan(600);
	});
});
