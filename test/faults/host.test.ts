import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { writeSupportBundle } from "../../packages/instrumentation/src/fixtures/support-bundle.ts";
import { type ChatServer, startChatServer } from "../../packages/register/src/fixtures/chat-server.ts";
import { type Host, type HostOptions, runHost } from "../../packages/register/src/fixtures/host.ts";
import { type OtlpCollector, startOtlpCollector } from "../../packages/register/src/fixtures/otlp-collector.ts";

// Up to six processes one after another, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

let chat: ChatServer;
let collector: OtlpCollector;
let silent: Server;
let env: Record<string, string>;

beforeAll(async () => {
	chat = await startChatServer();
	collector = await startOtlpCollector();
	silent = createServer(() => {});
	await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
	env = {
		CHAT_URL: chat.baseURL,
		ARMSPAN_ROUTING: await writeSupportBundle(),
		ARMSPAN_FLUSH_LIMIT_MS: "300",
		OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
	};
});
afterAll(async () => {
	await Promise.all([chat.close(), collector.close()]);
	silent.closeAllConnections();
	silent.close();
});
beforeEach(() => {
	collector.spans.length = 0;
	collector.logs.length = 0;
});

const DOWN = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
const hanging = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
/** Where something must be sent, however busy the machine is. */
const UNHURRIED = { ARMSPAN_FLUSH_LIMIT_MS: "20000" };
const folder = () => mkdtempSync(join(tmpdir(), "armspan-faults-"));

/** An application that answers the same with Armspan and without: the server echoes the question. */
const BODY = `
import { rmSync } from "node:fs";
import OpenAI from "openai";
import { armspan } from "@armspan/instrumentation";
const client = new OpenAI({ baseURL: process.env.CHAT_URL, apiKey: "test", maxRetries: 0 });
const question = "Where is it?";
const fallback = { model: "gpt-4o-mini", messages: [{ role: "user", content: question }] };
async function ask(user = "u1", more = {}) {
	const answer = await armspan.execute("support-reply", { user, variables: { question }, fallback }, (prompt) =>
		client.chat.completions.create({ ...prompt.config, model: prompt.model, messages: prompt.messages, ...more }),
	);
	return answer.choices[0].message.content.trim();
}
`;

async function outcome(host: Host) {
	return { ...(await host.exited), stdout: host.stdout() };
}

/** Runs the program with Armspan and without it, and expects no difference that a user or a supervisor could see. */
async function sameWithAndWithout(end: string, more: Partial<HostOptions> = {}, after?: (host: Host) => Promise<void>) {
	const run = async (register: boolean) => {
		const options = { type: "module", source: BODY + end, register, ...more } as const;
		const host = runHost({ ...options, env: { ...env, ...more.env } });
		await after?.(host);
		return { ...(await outcome(host)), stderr: host.stderr() };
	};
	const [{ stderr: stderrWith, ...withArmspan }, { stderr: stderrWithout, ...without }] = await Promise.all([
		run(true),
		run(false),
	]);
	expect(withArmspan, stderrWith).toEqual(without);
	const unhandled = (text: string) => /unhandled|UnhandledPromise/i.test(text);
	expect(unhandled(stderrWith)).toBe(unhandled(stderrWithout));
	return withArmspan;
}

const ASK = "console.log(await ask());\n";

describe("the host's answer and exit are the same with Armspan and without", () => {
	it.each([
		["the collector is down", () => DOWN],
		["the collector takes everything and never answers", hanging],
		["the collector's address makes no sense", () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://[not an address" })],
		["the bundle is not there", () => ({ ARMSPAN_ROUTING: join(folder(), "missing") })],
		[
			"every setting is garbage",
			() => ({
				ARMSPAN_UNIT_KEY: "",
				ARMSPAN_REFERENCE_KEY: "x",
				ARMSPAN_ROUTING_PUBLIC_KEY: "x",
				ARMSPAN_SPOOL: "\u0001/x",
				OTEL_BSP_SCHEDULE_DELAY: "soon",
				ARMSPAN_REDACT: "://",
				ARMSPAN_BAGGAGE_HOSTS: ",*,%",
			}),
		],
	] as [string, () => Record<string, string>][])("when %s", async (_what, faults) => {
		const { code, stdout } = await sameWithAndWithout(`process.exitCode = 3;\n${ASK}`, { env: faults() });
		expect([code, stdout]).toEqual([3, "Where is it?\n"]);
	});

	it("when more ends than the queue holds", async () => {
		const end = `
import { trace } from "@opentelemetry/api";
const tracer = trace.getTracer("load");
for (let index = 0; index < 20_000; index++) tracer.startSpan("one").end();
${ASK}`;
		await sameWithAndWithout(end, { env: DOWN });
	});

	it("when the provider hangs and the client gives up", async () => {
		const end = 'console.log(await ask("u1", { user: "hang" }).catch((error) => error.constructor.name));\n';
		const given = `client.timeout = 300;\n${end}`;
		expect((await sameWithAndWithout(given)).stdout).toBe("APIConnectionTimeoutError\n");
	});

	it("when the provider fails, or drops a stream", async () => {
		const end = `
console.log(await ask("u1", { user: "error-500" }).catch((error) => error.message));
const stream = await client.chat.completions.create({ model: "m", messages: fallback.messages, stream: true, user: "drop" });
let text = "";
try { for await (const chunk of stream) text += chunk.choices[0].delta.content; } catch (error) { text += error.constructor.name; }
console.log(text);
`;
		await sameWithAndWithout(end);
	});

	it("when the clock jumps", async () => {
		const end = `
const now = Date.now;
const jumps = [0, 3_600_000, -3_600_000, -now(), 4e12, NaN];
let turn = 0;
Date.now = () => now() + jumps[turn++ % jumps.length];
for (let index = 0; index < 12; index++) console.log(await ask("u" + index));
`;
		await sameWithAndWithout(end);
	});

	it("when the bundle is deleted under way", async () => {
		const end = `
console.log(await ask());
if (armspan.status().started) rmSync(process.env.ARMSPAN_ROUTING, { recursive: true, force: true });
await new Promise((resolve) => setTimeout(resolve, 600));
console.log(await ask());
`;
		const routing = await writeSupportBundle(folder());
		await sameWithAndWithout(end, { env: { ARMSPAN_ROUTING: routing } });
		expect(existsSync(routing)).toBe(false);
	});

	it("when nothing can be written to disk", async () => {
		const launcher = ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash"];
		const env = { ...DOWN, ARMSPAN_SPOOL: folder(), ARMSPAN_ROUTING_CACHE: folder() };
		await sameWithAndWithout(`${ASK}process.exit(4);\n`, { env, launcher });
		expect(readdirSync(env.ARMSPAN_SPOOL)).toEqual([]);
	});

	it.each([
		["process.exit() after an answer", `${ASK}process.exit(5);\n`, 5],
		[
			"process.exit() while calls are under way",
			'void ask(); void ask("u2"); setTimeout(() => process.exit(6), 20);\n',
			6,
		],
		["process.exit() in a rejection handler", 'ask("u1", { user: "error-500" }).catch(() => process.exit(7));\n', 7],
		["an uncaught exception", `${ASK}setTimeout(() => { throw new Error("mine"); }, 1);\n`, 1],
		["an unhandled rejection", `${ASK}void Promise.reject(new Error("mine"));\n`, 1],
		[
			"an unhandled rejection of the SDK's own",
			'void client.chat.completions.create({ model: "m", messages: [], user: "error-500" });\n',
			undefined,
		],
	] as [string, string, number | undefined][])("on %s", async (_what, end, code) => {
		const lefts = await Promise.all(
			[{}, DOWN, hanging()].map((faults) => sameWithAndWithout(end, { env: { ...faults, ARMSPAN_SPOOL: folder() } })),
		);
		if (code !== undefined) expect(lefts.map((left) => left.code)).toEqual([code, code, code]);
	});

	it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const)("on %s", async (signal) => {
		const end = `${ASK}setInterval(() => {}, 1000);\n`;
		for (const faults of [DOWN, hanging()]) {
			const left = await sameWithAndWithout(end, { env: faults }, async (host) => {
				await host.says("Where is it?");
				host.child.kill(signal);
			});
			expect(left.signal).toBe(signal);
		}
	});
});

describe("what could not be sent", () => {
	it("is counted, in the status and as metrics", async () => {
		const end = `
import { metrics, trace } from "@opentelemetry/api";
const observed = {};
metrics.setGlobalMeterProvider({
	getMeter: () => ({
		createCounter: () => ({ add() {} }),
		createObservableGauge: () => ({ addCallback() {}, removeCallback() {} }),
		createObservableCounter: (name) => ({ addCallback: (observe) => { observed[name] = observe; }, removeCallback() {} }),
	}),
});
armspan.start();
const tracer = trace.getTracer("load");
for (let index = 0; index < 20_000; index++) tracer.startSpan("one").end();
const values = {};
observed["armspan.spans.dropped"]({ observe: (value, attributes) => { values[attributes["error.type"]] = value; } });
console.log(JSON.stringify([armspan.status().drops.spans, values]));
`;
		const host = runHost({ type: "module", source: BODY + end, env: { ...env, ...DOWN } });
		expect((await host.exited).code, host.stderr()).toBe(0);
		const [status, metrics] = JSON.parse(host.stdout());
		expect(status["queue-full"]).toBeGreaterThanOrEqual(20_000 - 4096);
		expect(metrics).toEqual(status);
	});

	it.each([
		["process.exit()", `${ASK}process.exit(0);\n`],
		["an uncaught exception", `${ASK}throw new Error("mine");\n`],
		["a natural end without a collector", ASK],
	])("at %s waits in the spool for the next start, which sends it once", async (_what, end) => {
		const spool = folder();
		const given = { ...env, ARMSPAN_SPOOL: spool, ARMSPAN_ROUTING: env.ARMSPAN_ROUTING ?? "" };
		const first = runHost({ type: "module", source: BODY + end, env: { ...given, ...DOWN } });
		await first.exited;
		expect(first.stdout()).toBe("Where is it?\n");
		expect(readdirSync(spool)).toHaveLength(2);
		// Files that are not ours, or are broken, harm nobody.
		writeFileSync(join(spool, "0-1-a.spans.json"), "{");
		writeFileSync(
			join(spool, "0-1-b.spans.json"),
			JSON.stringify({
				version: 1,
				resources: [{}],
				items: [null, 7, {}, { resource: 0, spanContext: { traceId: "x" } }],
			}),
		);
		const second = runHost({
			type: "module",
			source: "setTimeout(() => console.log('bye'), 200);\n",
			env: { ...given, ...UNHURRIED },
		});
		expect(await outcome(second)).toEqual({ code: 0, signal: null, stdout: "bye\n" });
		expect(collector.spans.map(({ name }) => name)).toEqual([expect.stringMatching(/^chat gpt-4o/)]);
		expect(collector.spans[0]?.attributes).toMatchObject({
			"gen_ai.prompt.name": "support-reply",
			"armspan.unit.id": "u1",
			"armspan.iteration": 1,
			"gen_ai.usage.input_tokens": 1000,
			"gen_ai.response.finish_reasons": ["stop"],
		});
		expect(collector.spans[0]?.resource["service.name"]).toBe("test-host");
		expect(collector.logs.map(({ name }) => name)).toEqual(["feature_flag.evaluation"]);
		expect(readdirSync(spool).filter((name) => name.endsWith(".spans.json"))).toEqual([]);
	});

	it("is in the spool, for nobody else to read, when a signal ended the process without a collector", async () => {
		const spool = join(folder(), "made", "as needed");
		const source = `${BODY}${ASK}setInterval(() => {}, 1000);\n`;
		const host = runHost({ type: "module", source, env: { ...env, ...hanging(), ARMSPAN_SPOOL: spool } });
		await host.says("Where is it?");
		host.child.kill("SIGTERM");
		expect(await host.exited).toEqual({ code: null, signal: "SIGTERM" });
		expect(readdirSync(spool).map((name) => name.split(".").slice(1).join("."))).toEqual(
			expect.arrayContaining(["spans.json", "events.json"]),
		);
		expect(statSync(spool).mode & 0o777).toBe(0o700);
		for (const name of readdirSync(spool)) expect(statSync(join(spool, name)).mode & 0o777).toBe(0o600);
	});

	it("holds no content in the spool either", async () => {
		const spool = folder();
		const end = `
await client.chat.completions.create({ model: "m", messages: fallback.messages, user: "error-500" }).catch(async (error) => {
	const { trace } = await import("@opentelemetry/api");
	trace.getTracer("app").startActiveSpan("request", (span) => { span.recordException(error); span.end(); });
});
process.exit(0);
`;
		await runHost({ type: "module", source: BODY + end, env: { ...env, ARMSPAN_SPOOL: spool } }).exited;
		const written = readdirSync(spool).map((name) => readFileSync(join(spool, name), "utf8"));
		expect(written.join("")).toContain("InternalServerError");
		expect(written.join("")).not.toContain("secret text of the prompt");
	});
});

describe("flush()", () => {
	it("sends what there is before a process is frozen, and comes back when nobody takes it", async () => {
		const end = `
${ASK}
const finished = await armspan.flush({ limitMs: Number(process.env.LIMIT) });
console.log(JSON.stringify(finished));
process.kill(process.pid, "SIGKILL");
`;
		const sent = runHost({ type: "module", source: BODY + end, env: { ...env, LIMIT: "20000" } });
		await sent.exited;
		expect(sent.stdout()).toBe("Where is it?\ntrue\n");
		expect([collector.spans.length, collector.logs.length]).toEqual([1, 1]);
		const lost = runHost({ type: "module", source: BODY + end, env: { ...env, ...hanging(), LIMIT: "300" } });
		await lost.exited;
		expect(lost.stdout()).toBe("Where is it?\nfalse\n");
	});
});
