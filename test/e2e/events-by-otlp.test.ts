import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EncodedRows, openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSupportBundle } from "../../packages/instrumentation/src/fixtures/support-bundle.ts";
import { type ChatServer, startChatServer } from "../../packages/register/src/fixtures/chat-server.ts";
import { runHost } from "../../packages/register/src/fixtures/host.ts";
import { IngestBuffer } from "../../packages/service/src/ingest/ingest-buffer.ts";
import { createOtlpReceiver } from "../../packages/service/src/ingest/otlp-receiver.ts";
import { readBlock } from "../../packages/store/src/native/read-block.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const TOKEN = "the service's token";
const noPython = spawnSync("python3", ["--version"]).error !== undefined;
if (noPython) process.stderr.write("\nSKIPPED: events from Python are not tested here: there is no python3\n");

type Receiver = ReturnType<typeof createOtlpReceiver>;

const silent = { level: "silent", child: () => silent } as unknown as Receiver["log"];
for (const level of ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const) {
	(silent as unknown as Record<string, unknown>)[level] = () => {};
}

const folder = mkdtempSync(join(tmpdir(), "armspan-events-"));
const script = join(folder, "feedback.py");
let store: Store;
let receiver: Receiver;
let chat: ChatServer;
let endpoint: string;
let buffers: { close(): Promise<void> }[] = [];
/** Rows of `otel_logs` as the receiver stored them. */
const events: Record<string, unknown>[] = [];

beforeAll(async () => {
	const page = readFileSync(new URL("../../docs/events-by-otlp.md", import.meta.url), "utf8");
	writeFileSync(script, /```python\n(.*?)```/s.exec(page)?.[1] ?? "");
	store = await openStore({ kind: "embedded", path: join(folder, "clickhouse") });
	await store.migrate();
	const limits = { delayMs: 1 };
	const traces = new IngestBuffer<EncodedRows>({ insert: (batches) => store.insertEncoded(batches), ...limits });
	const logs = new IngestBuffer<EncodedRows>({
		insert: async (batches) => {
			events.push(...batches.flatMap(({ block }) => readBlock(block)));
			await store.insertEncoded(batches);
		},
		...limits,
	});
	buffers = [traces, logs];
	receiver = createOtlpReceiver({ traces, logs, token: TOKEN, logger: silent });
	await receiver.listen({ host: "127.0.0.1", port: 0 });
	endpoint = `http://127.0.0.1:${(receiver.server.address() as AddressInfo).port}`;
	chat = await startChatServer();
});
afterAll(async () => {
	await Promise.all([receiver.close(), chat.close(), ...buffers.map((buffer) => buffer.close())]);
	await store.close();
	rmSync(folder, { recursive: true, force: true });
});

/** An application asks for some users, and prints a reference for each. */
const APPLICATION = `
import OpenAI from "openai";
import { armspan } from "@armspan/instrumentation";
const client = new OpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test" });
for (const user of ["u1", "u2", "ü ~3"]) {
	const routed = armspan.prompt("support-reply", { user, variables: { question: "Where?" } });
	await routed.run(() => client.chat.completions.create({ ...routed.config, model: routed.model, messages: routed.messages }));
	console.log(routed.reference());
}
console.log(armspan.prompt("support-reply", { user: "u1" }).reference({ expiresInMs: 1000 }));
`;

function python(...values: string[]): Promise<{ code: number | null; stderr: string }> {
	const env = { PATH: process.env.PATH, ARMSPAN_REFERENCE_KEY: `another-key,${KEY}`, ARMSPAN_TOKEN: TOKEN };
	const child = spawn("python3", [script, ...values], { env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
	let stderr = "";
	child.stderr.on("data", (chunk) => {
		stderr += chunk;
	});
	return new Promise((resolve) => child.on("close", (code) => resolve({ code, stderr })));
}

test.skipIf(noPython)(
	"what Python sends about an application's calls is counted as that application's own",
	{ timeout: 120_000 },
	async () => {
		const env = {
			CHAT_URL: chat.baseURL,
			ARMSPAN_ROUTING: await writeSupportBundle(folder),
			ARMSPAN_REFERENCE_KEY: KEY,
			ARMSPAN_UNIT_KEY: "pepper",
			ARMSPAN_FLUSH_LIMIT_MS: "20000",
			OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
			OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${encodeURIComponent(TOKEN)}`,
		};
		const application = runHost({ type: "module", source: APPLICATION, env });
		expect((await application.exited).code, application.stderr()).toBe(0);
		const [first = "", second = "", third = "", brief = ""] = application.stdout().trim().split("\n");

		// A double click, a change of mind, a conversion.
		for (const values of [
			["feedback", "feedback", "1", first],
			["feedback", "feedback", "1", first],
			["feedback", "feedback", "1", second],
			["feedback", "feedback", "1", third],
			["conversion", "purchase", "1", third],
		]) {
			expect(await python(...values)).toEqual({ code: 0, stderr: "" });
		}
		// The same click by way of the application's own method is still the same click.
		const echo = `
import { armspan } from "@armspan/instrumentation";
console.log(armspan.feedback(process.env.REFERENCE, { score: 1 }));
`;
		const again = runHost({ type: "module", source: echo, env: { ...env, REFERENCE: first } });
		await again.exited;
		expect(again.stdout()).toBe("true\n");

		// A browser that would rather be in the other arm.
		const forged = first.replace(
			/polite\.(control|treatment)/,
			(_, arm) => `polite.${arm === "control" ? "treatment" : "control"}`,
		);
		expect(forged).not.toBe(first);
		expect(await python("feedback", "feedback", "1", forged)).toEqual({
			code: 1,
			stderr: "refused: the signature is wrong\n",
		});
		expect((await python("feedback", "feedback", "1", first.slice(0, -3))).code).toBe(1);
		expect((await python("feedback", "feedback", "1", "ü")).code).toBe(1);
		while (Number(brief.split("~")[1]) * 1000 > Date.now()) await new Promise((resolve) => setTimeout(resolve, 50));
		expect(await python("feedback", "feedback", "1", brief)).toEqual({ code: 1, stderr: "refused: it has expired\n" });

		const evaluations = events.filter((event) => event.EventName === "gen_ai.evaluation.result");
		expect(evaluations).toHaveLength(6);
		expect(
			new Set(evaluations.map((event) => new Map(event.LogAttributes as [string, string][]).get("armspan.event.id")))
				.size,
		).toBe(4);
		expect((await store.counts()).evaluations).toBe(4);
		const totals = await store.metricTotals({
			...{ experiment: "polite", iteration: 1, unitType: "user", prompt: "", metrics: [], asOf: new Date() },
		});
		expect(totals.excludedUnits).toBe(0);
		const sums = totals.arms.reduce(
			(all, { units, calls }) => ({ units: all.units + units, calls: all.calls + calls }),
			{ units: 0, calls: 0 },
		);
		expect(sums).toEqual({ units: 3, calls: 3 });
		const spans = new Set(evaluations.map((event) => `${event.TraceId} ${event.SpanId}`));
		expect(spans.size).toBe(3);
	},
);
