import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createProvider } from "../provider.ts";
import { ServedLog } from "../served-log.ts";

/** The SDKs themselves are driven against this server in `packages/register`; here is what they would not notice. */
async function start(): Promise<{ url: string; log: ServedLog }> {
	const log = new ServedLog(undefined);
	const server = createProvider({ seed: 7, log });
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
		log.close();
	});
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const calm = { latencyScale: 0, errorRate: { control: 0, friendly: 0 } };
	await (await fetch(`${url}/control`, { method: "POST", body: JSON.stringify(calm) })).text();
	return { url, log };
}

const messages = [{ role: "user", content: "Hello" }];
const ENDPOINTS: Record<string, { body: object; stream?: object; streamPath?: string; error: string }> = {
	"/v1/chat/completions": { body: { model: "m", messages }, stream: { stream: true }, error: "error.type" },
	"/v1/completions": { body: { model: "m", prompt: "Hello" }, stream: { stream: true }, error: "error.type" },
	"/v1/responses": { body: { model: "m", input: "Hello" }, stream: { stream: true }, error: "error.type" },
	"/v1/embeddings": { body: { model: "m", input: "Hello" }, error: "error.type" },
	"/v1/messages": { body: { model: "m", max_tokens: 900, messages }, stream: { stream: true }, error: "error.type" },
	"/v1/messages/count_tokens": { body: { model: "m", messages }, error: "error.type" },
	"/v1beta/models/m:generateContent": {
		body: { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
		streamPath: "/v1beta/models/m:streamGenerateContent?alt=sse",
		error: "error.status",
	},
	"/v1beta/models/m:batchEmbedContents": {
		body: { requests: [{ content: { parts: [{ text: "Hello" }] } }] },
		error: "error.status",
	},
};

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
	fetch(url, { method: "POST", body: JSON.stringify(body), headers });

function at(value: unknown, path: string): unknown {
	return path.split(".").reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

describe.each(Object.entries(ENDPOINTS))("POST %s", (path, { body, stream, streamPath, error }) => {
	test("answers, always the same to the same user", async () => {
		const { url } = await start();
		const answers = await Promise.all(
			["a", "a", "b"].map(async (user) => {
				const response = await post(url + path, body, { "x-simulated-user": user });
				expect(response.status).toBe(200);
				return (await response.text()).replace(/"created(_at)?":\d+/, "");
			}),
		);
		expect(answers[1]).toBe(answers[0]);
	});

	test("fails in the provider's own words, when a header asks for it", async () => {
		const { url, log } = await start();
		const response = await post(url + path, body, { "x-simulated-fault": "429" });
		expect(response.status).toBe(429);
		expect(at(await response.json(), error)).toMatch(/rate_limit_error|RESOURCE_EXHAUSTED/);
		expect(log.counts().total).toMatchObject({ served: 1, errors: 1 });
		const malformed = await post(url + path, body, { "x-simulated-fault": "malformed" });
		await expect(malformed.json()).rejects.toThrow(SyntaxError);
		await expect(post(url + path, body, { "x-simulated-fault": "disconnect" })).rejects.toThrow("fetch failed");
	});

	test.each([
		["x-simulated-fault", "often"],
		["x-simulated-fault", "200"],
		["x-simulated-usage", "input=many"],
		["x-simulated-usage", "constructor=1"],
	])("refuses a header %s: %s", async (name, value) => {
		const { url } = await start();
		const response = await post(url + path, body, { [name]: value });
		expect(response.status).toBe(400);
		expect(at(await response.json(), "error.message")).toContain(name);
	});

	test("refuses what is no request, and lives", async () => {
		const { url } = await start();
		for (const wrong of [[], null, "x", { model: 5, messages: [], contents: 5, requests: 5 }]) {
			expect((await post(url + path, wrong)).status).toBe(400);
		}
		expect((await post(url + path, body)).status).toBe(200);
	});

	test.skipIf(stream === undefined && streamPath === undefined)("streams, and breaks off when told to", async () => {
		const { url } = await start();
		const ask = (fault?: string) =>
			post(
				url + (streamPath ?? path),
				{ ...body, ...stream },
				fault === undefined ? {} : { "x-simulated-fault": fault },
			);
		const response = await ask();
		expect(response.headers.get("content-type")).toBe("text/event-stream");
		const events = (await response.text()).trimEnd().split("\n\n");
		expect(events.length).toBeGreaterThan(8);
		for (const event of events) expect(event).toMatch(/^(?:event: [\w.]+\n)?data: (?:\{.*\}|\[DONE\])$/);
		await expect((await ask("disconnect")).text()).rejects.toThrow();
		expect(await (await ask("failure-event")).text()).toMatch(/overloaded|server had an error/i);
	});
});

test.each([
	["GET", "/v1/messages"],
	["POST", "/v1beta/models/m:countTokens"],
	["POST", "/v1beta/models/m:constructor"],
	["POST", "/constructor"],
	["POST", "/v1beta/models/../../etc:generateContent"],
])("%s %s is not found", async (method, path) => {
	const { url } = await start();
	expect((await fetch(url + path, { method, ...(method === "POST" ? { body: "{}" } : {}) })).status).toBe(404);
});
