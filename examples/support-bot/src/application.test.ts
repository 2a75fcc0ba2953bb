import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { describe, expect, onTestFinished, test } from "vitest";
import { createProvider } from "../../simulated-provider/src/provider.ts";
import { ServedLog } from "../../simulated-provider/src/served-log.ts";
import { createApplication } from "./application.ts";
import { generateLoad } from "./load-generator.ts";

async function listen(server: Server): Promise<string> {
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function start(): Promise<{ provider: string; url: string; openai: OpenAI; log: ServedLog; logFile: string }> {
	const folder = mkdtempSync(join(tmpdir(), "armspan-support-bot-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const logFile = join(folder, "served.jsonl");
	const log = new ServedLog(logFile);
	onTestFinished(() => log.close());
	const provider = await listen(createProvider({ seed: 7, log }));
	await control(provider, { latencyScale: 0, errorRate: { control: 0, friendly: 0 } });
	const openai = new OpenAI({ apiKey: "simulated", baseURL: `${provider}/v1`, maxRetries: 0 });
	return { provider, openai, url: await listen(createApplication(openai)), log, logFile };
}

async function control(provider: string, body: unknown): Promise<void> {
	const response = await fetch(`${provider}/control`, { method: "POST", body: JSON.stringify(body) });
	expect(response.status).toBe(200);
}

const post = (url: string, body: unknown) =>
	fetch(url, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });

const QUESTION = { user: "user-1", turn: 1, question: "Where is my order?", customerName: "Ada" };

describe("the provider, seen by the openai SDK", () => {
	test("a stream says the same as a whole answer, with usage at its end", async () => {
		const { openai } = await start();
		const request = { model: "gpt-4o-mini", messages: [{ role: "user" as const, content: "Hello" }], user: "user-1" };
		const whole = await openai.chat.completions.create(request);
		const stream = await openai.chat.completions.create({
			...request,
			stream: true,
			stream_options: { include_usage: true },
		});
		const chunks: OpenAI.ChatCompletionChunk[] = [];
		for await (const chunk of stream) chunks.push(chunk);
		expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(
			whole.choices[0]!.message.content,
		);
		expect(chunks.at(-1)!.usage).toEqual(whole.usage);
		expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
		expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe("stop");
		expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set([whole.id]));
	});

	test("failures are the SDK's own errors", async () => {
		const { openai, provider } = await start();
		await control(provider, { errorRate: { control: 1 } });
		const errors = await Promise.all(
			Array.from({ length: 30 }, (_, i) =>
				openai.chat.completions
					.create({ model: "m", messages: [{ role: "user", content: "x" }], user: `user-${i}` })
					.then(
						() => "answered",
						(error: unknown) => (error as Error).constructor.name,
					),
			),
		);
		expect(new Set(errors)).toEqual(new Set(["InternalServerError", "RateLimitError"]));
	});
});

describe("POST /reply", () => {
	test("answers, and takes feedback and conversions for the answer", async () => {
		const { url } = await start();
		const response = await post(`${url}/reply`, QUESTION);
		expect(response.status).toBe(200);
		const { id, answer } = (await response.json()) as { id: string; answer: string };
		expect(answer.length).toBeGreaterThan(20);
		expect(Number(response.headers.get("x-simulated-quality"))).toBeGreaterThan(0);
		expect((await post(`${url}/feedback`, { id, score: 1 })).status).toBe(204);
		expect((await post(`${url}/conversion`, { id })).status).toBe(204);
	});

	test("streams the same answer as events, the last with the id", async () => {
		const { url } = await start();
		const { answer } = (await (await post(`${url}/reply`, QUESTION)).json()) as { answer: string };
		const response = await post(`${url}/reply`, { ...QUESTION, stream: true });
		expect(response.headers.get("content-type")).toBe("text/event-stream");
		const events = (await response.text())
			.trimEnd()
			.split("\n\n")
			.map((event) => JSON.parse(event.replace(/^data: /, "")) as { text?: string; id?: string });
		expect(events.map(({ text }) => text ?? "").join("")).toBe(answer);
		expect((await post(`${url}/feedback`, { id: events.at(-1)!.id, score: 0 })).status).toBe(204);
	});

	test.each([true, false])("a failing provider is a 502, and the next call works (stream: %s)", async (stream) => {
		const { provider, url } = await start();
		await control(provider, { errorRate: { control: 1 } });
		const response = await post(`${url}/reply`, { ...QUESTION, stream });
		expect(response.status).toBe(502);
		expect(((await response.json()) as { error: string }).error).toMatch(/^the provider failed: (429|500)$/);
		await control(provider, { errorRate: { control: 0 } });
		expect((await post(`${url}/reply`, { ...QUESTION, stream })).status).toBe(200);
	});

	test.each([
		["/reply", "{", 400, "not valid JSON"],
		["/reply", [], 400, "expected a JSON object"],
		["/reply", { ...QUESTION, user: "" }, 400, "user: "],
		["/reply", { ...QUESTION, turn: "1" }, 400, "turn: "],
		["/reply", { ...QUESTION, question: "x".repeat(70_000) }, 413, "too large"],
		["/feedback", { id: "none", score: 1 }, 404, "no such reply"],
		["/feedback", { id: "none", score: 2 }, 400, "score: "],
		["/conversion", {}, 400, "id: "],
		["/other", {}, 404, "not found"],
	])("%s %j is refused", async (path, body, status, message) => {
		const { url } = await start();
		const response = await post(`${url}${path}`, body);
		expect(response.status).toBe(status);
		expect(((await response.json()) as { error: string }).error).toContain(message);
	});
});

describe("the load", () => {
	const options = { seed: 7, users: 20, rate: 2000, durationSeconds: Number.POSITIVE_INFINITY, calls: 120 };
	const neverStopped = new AbortController().signal;

	test("counts what the provider served, each user and turn once; a failing provider does not end it", async () => {
		const { provider, url, log, logFile } = await start();
		await control(provider, { errorRate: { control: 0.3 } });
		const summary = await generateLoad({ ...options, url, signal: neverStopped, onTrouble: expect.unreachable });
		expect(summary).toMatchObject({ calls: 120, users: 20, unreachable: 0, dropped: 0 });
		const { served, errors, abandoned } = log.counts().total;
		expect({ served, abandoned }).toEqual({ served: 120, abandoned: 0 });
		expect(summary.answered).toBe(served - errors);
		expect(summary.failed).toEqual({ 502: errors });
		for (const count of [errors, summary.streamed, summary.feedback, summary.conversions])
			expect(count).toBeGreaterThan(0);
		const lines = readFileSync(logFile, "utf8").trimEnd().split("\n");
		const calls = lines.map((line) => JSON.parse(line) as { user: string; turn: number });
		expect(new Set(calls.map(({ user, turn }) => `${user} ${turn}`)).size).toBe(120);
	});

	test("the same seed asks the same and reacts the same", async () => {
		const summaries = [];
		for (const rate of [2000, 500]) {
			const { url } = await start();
			const { seconds: _, ...summary } = await generateLoad({
				...options,
				rate,
				url,
				signal: neverStopped,
				onTrouble: expect.unreachable,
			});
			summaries.push(summary);
		}
		expect(summaries[1]).toEqual(summaries[0]);
	});

	test("stops when it is told to, and lives when nobody answers", async () => {
		const stop = new AbortController();
		const troubles: string[] = [];
		const summary = await generateLoad({
			...options,
			calls: Number.POSITIVE_INFINITY,
			// Nobody listens on port 1.
			url: "http://127.0.0.1:1",
			signal: stop.signal,
			onTrouble: (message) => {
				troubles.push(message);
				stop.abort();
			},
		});
		expect(summary.unreachable).toBeGreaterThan(0);
		expect(troubles).toHaveLength(1);
	});
});
