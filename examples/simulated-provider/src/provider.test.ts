import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createProvider } from "./provider.ts";
import { ServedLog, type ServedResponse } from "./served-log.ts";

const SYSTEM = {
	control: "State the answer in two sentences.",
	friendly: "You are a warm, friendly member of the team.",
};
type Kind = keyof typeof SYSTEM;

async function startProvider(seed = 7): Promise<{ url: string; logFile: string }> {
	const folder = mkdtempSync(join(tmpdir(), "armspan-provider-"));
	const logFile = join(folder, "served.jsonl");
	const log = new ServedLog(logFile);
	const server = createProvider({ seed, log });
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	onTestFinished(async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
		log.close();
		rmSync(folder, { recursive: true });
	});
	await control(url, { latencyScale: 0 });
	return { url, logFile };
}

async function control(url: string, body: unknown): Promise<Response> {
	return fetch(`${url}/control`, { method: "POST", body: JSON.stringify(body) });
}

async function complete(url: string, user: string, turn: number, kind: Kind = "control") {
	const response = await fetch(`${url}/v1/chat/completions`, {
		method: "POST",
		headers: { "x-conversation-turn": String(turn) },
		body: JSON.stringify({
			model: "gpt-4o-mini",
			messages: [
				{ role: "system", content: SYSTEM[kind] },
				{ role: "user", content: "Where is my order?" },
			],
			max_tokens: 200,
			user,
		}),
	});
	const { created: _, ...body } = (await response.json()) as Record<string, unknown>;
	return { status: response.status, quality: response.headers.get("x-simulated-quality"), body };
}

const CALLS = Array.from({ length: 60 }, (_, i) => ({
	user: `user-${i % 12}`,
	turn: 1 + Math.floor(i / 12),
	kind: (i % 2 === 0 ? "control" : "friendly") as Kind,
}));

async function completeAll(url: string, calls: typeof CALLS, together: number) {
	const answers = new Map<string, unknown>();
	for (let i = 0; i < calls.length; i += together) {
		await Promise.all(
			calls.slice(i, i + together).map(async ({ user, turn, kind }) => {
				answers.set(`${user} ${turn}`, await complete(url, user, turn, kind));
			}),
		);
	}
	return Object.fromEntries([...answers].sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("the answer depends on seed, user, turn and prompt, not on the order of arrival", async () => {
	const [first, second, other] = await Promise.all([startProvider(7), startProvider(7), startProvider(8)]);
	for (const { url } of [first, second, other]) await control(url, { errorRate: { control: 0.3, friendly: 0.3 } });
	const answers = await completeAll(first.url, CALLS, 1);
	expect(await completeAll(second.url, CALLS.toReversed(), 20)).toEqual(answers);
	expect(await completeAll(other.url, CALLS, 20)).not.toEqual(answers);
	expect(Object.values(answers).map((answer) => (answer as { status: number }).status)).toEqual(
		expect.arrayContaining([200, 429, 500]),
	);
	expect(await completeAll(first.url, CALLS, 20)).toEqual(answers);
});

test("the friendly prompt is answered at greater length and liked better", async () => {
	const { url } = await startProvider();
	await control(url, { errorRate: { control: 0, friendly: 0 } });
	const means: Record<string, { tokens: number; quality: number }> = {};
	for (const kind of ["control", "friendly"] as const) {
		const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => complete(url, `user-${i}`, 1, kind)));
		const tokens = answers.map(({ body }) => (body.usage as { completion_tokens: number }).completion_tokens);
		means[kind] = {
			tokens: tokens.reduce((a, b) => a + b) / 100,
			quality: answers.reduce((sum, { quality }) => sum + Number(quality), 0) / 100,
		};
		expect(Math.max(...tokens)).toBeLessThanOrEqual(200);
	}
	expect(means.friendly!.tokens).toBeGreaterThan(1.8 * means.control!.tokens);
	expect(means.friendly!.quality).toBeGreaterThan(means.control!.quality + 0.05);
});

test("the switch concerns the named prompt from the next call on, and adds failures to those there were", async () => {
	const { url } = await startProvider();
	const failures = async (kind: Kind) => {
		const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => complete(url, `user-${i}`, 1, kind)));
		return answers.flatMap(({ status }, i) => (status === 200 ? [] : [i]));
	};
	const before = { control: await failures("control"), friendly: await failures("friendly") };
	const answer = (await (await control(url, { errorRate: { friendly: 0.3 } })).json()) as Record<string, unknown>;
	expect(answer).toMatchObject({ errorRate: { control: 0.01, friendly: 0.3 }, latencyScale: 0 });
	expect(new Date(answer.at as string).toISOString()).toBe(answer.at);
	const after = { control: await failures("control"), friendly: await failures("friendly") };
	expect(after.control).toEqual(before.control);
	expect(after.friendly).toEqual(expect.arrayContaining(before.friendly));
	// 200 draws at 30 %: outside 35 … 85 with a probability below 1e-4, and the seed is fixed.
	expect(after.friendly.length).toBeGreaterThan(35);
	expect(after.friendly.length).toBeLessThan(85);
});

test("every answer is logged and counted", async () => {
	const { url, logFile } = await startProvider();
	await control(url, { errorRate: { control: 1 } });
	const served = [await complete(url, "a", 1), await complete(url, "a", 2, "friendly"), await complete(url, "b", 1)];
	const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
	const log = lines.map((line) => JSON.parse(line) as ServedResponse);
	expect(
		log.map(({ user, turn, promptKind, status, completed }) => [user, turn, promptKind, status, completed]),
	).toEqual([
		["a", 1, "control", served[0]!.status, true],
		["a", 2, "friendly", 200, true],
		["b", 1, "control", served[2]!.status, true],
	]);
	expect(log[1]!.id).toBe(served[1]!.body.id);
	expect(new Set(log.map(({ id }) => id)).size).toBe(3);
	expect(await (await fetch(`${url}/control/served`)).json()).toMatchObject({
		total: { served: 3, errors: 2, abandoned: 0, lastStartedAt: log[2]!.startedAt },
		byPromptKind: { control: { served: 2, errors: 2 }, friendly: { served: 1, errors: 0 } },
	});
});

describe("what is refused", () => {
	test.each([
		["{", "body"],
		["[]", "body"],
		['{"messages":[{"role":"user","content":"x"}]}', "model"],
		['{"model":"m","messages":[]}', "messages"],
		['{"model":"m","messages":[null]}', "messages[0]"],
		['{"model":"m","messages":[{"role":"user"}],"max_tokens":-1}', "max_tokens"],
	])("%s", async (body, param) => {
		const { url } = await startProvider();
		const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body });
		expect(response.status).toBe(400);
		expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", param } });
	});

	test.each([
		{ errorRate: { friendly: 2 } },
		{ errorRate: { other: 0.1 } },
		{ errorrate: 1 },
		{ latencyScale: "x" },
		null,
	])("control %j", async (body) => {
		const { url } = await startProvider();
		expect((await control(url, body)).status).toBe(400);
		const state = await (await fetch(`${url}/control`)).json();
		expect(state).toEqual({ errorRate: { control: 0.01, friendly: 0.01 }, latencyScale: 0 });
	});
});
