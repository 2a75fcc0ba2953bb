import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { EncodedRows } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { IngestBuffer } from "./ingest-buffer.ts";
import { createOtlpReceiver } from "./otlp-receiver.ts";

const silent = {
	fatal() {},
	error() {},
	warn() {},
	info() {},
	debug() {},
	trace() {},
	silent() {},
	level: "silent",
	child: () => silent,
} as unknown as FastifyBaseLogger;

const span = (spanId: string) => ({
	traceId: "0af7651916cd43dd8448eb211c80319c",
	spanId,
	name: "chat m",
	kind: 3,
	startTimeUnixNano: "1763600000000000000",
	endTimeUnixNano: "1763600001000000000",
});
const body = (...spans: unknown[]) =>
	JSON.stringify({ resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans }] }] });
const good = body(span("b7ad6b7169203331"));
const JSON_TYPE = { "content-type": "application/json" };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const close of closing.splice(0)) await close();
});

function receiver(
	options: {
		insert?: (batches: EncodedRows[]) => Promise<void>;
		maxHeldBytes?: number;
		delayMs?: number;
		token?: string;
		maxBodyBytes?: number;
	} = {},
) {
	const stored: EncodedRows[] = [];
	const insert = options.insert ?? (async (batches: EncodedRows[]) => void stored.push(...batches));
	const traces = new IngestBuffer<EncodedRows>({ insert, delayMs: options.delayMs ?? 1 });
	const logs = new IngestBuffer<EncodedRows>({ insert, delayMs: 1 });
	const { token, maxHeldBytes = 200_000, maxBodyBytes = 100_000 } = options;
	const app = createOtlpReceiver({ traces, logs, token, logger: silent, maxBodyBytes, maxHeldBytes });
	closing.push(
		() => traces.close(),
		() => app.close(),
	);
	return { app, stored, traces };
}

/** Whether the text stands in what was stored: blocks hold texts as they are. */
const holds = (stored: EncodedRows[], text: string) => stored.some(({ block }) => Buffer.from(block).includes(text));

const post = (
	app: ReturnType<typeof receiver>["app"],
	payload: string | Buffer,
	headers: Record<string, string>,
	url = "/v1/traces",
) => app.inject({ method: "POST", url, payload, headers });

describe("OTLP receiver", () => {
	test.each([
		["plain JSON", Buffer.from(good), {}],
		["gzip", gzipSync(good), { "content-encoding": "gzip" }],
		["zstd", zstdCompressSync(good), { "content-encoding": "zstd" }],
	])("%s is stored and acknowledged", async (_name, payload, headers) => {
		const { app, stored } = receiver();
		const response = await post(app, payload, { ...JSON_TYPE, ...headers });
		expect(response.statusCode).toBe(200);
		expect(stored.map(({ rows }) => rows)).toEqual([1]);
		expect(holds(stored, "b7ad6b7169203331")).toBe(true);
	});

	test("a span with an impossible id is rejected alone, and the answer says so", async () => {
		const { app, stored } = receiver();
		const response = await post(app, body(span("b7ad6b7169203331"), span("0000000000000000")), JSON_TYPE);
		expect(response.statusCode).toBe(200);
		expect(Number(response.json().partialSuccess.rejectedSpans)).toBe(1);
		expect(stored.map(({ rows }) => rows)).toEqual([1]);
	});

	test("large JSON bodies keep each other waiting, and no other sender", async () => {
		const { app } = receiver({ maxBodyBytes: 20_000_000, maxHeldBytes: 500_000_000 });
		const spans = (count: number) =>
			body(...Array.from({ length: count }, (_, index) => span((index + 1).toString(16).padStart(16, "0"))));
		const [large, usual] = [spans(60_000), spans(400)];
		// Above what is read on the main thread, which waits for nobody.
		expect(usual.length).toBeGreaterThan(32_768);
		const answers: string[] = [];
		const send = async (name: string, payload: string) => {
			expect((await post(app, payload, JSON_TYPE)).statusCode).toBe(200);
			answers.push(name);
		};
		await Promise.all([send("large", large), send("large", large), send("large", large), send("usual", usual)]);
		expect(answers).toHaveLength(4);
		expect(answers.at(-1)).toBe("large");
	});

	test("nothing is acknowledged before it is committed", async () => {
		let commit = () => {};
		const { app } = receiver({
			insert: () =>
				new Promise((resolve) => {
					commit = () => resolve(undefined);
				}),
		});
		let answered = false;
		const response = post(app, good, JSON_TYPE).then((answer) => {
			answered = true;
			return answer;
		});
		await new Promise((resolve) => setTimeout(resolve, 50));
		expect(answered).toBe(false);
		commit();
		expect((await response).statusCode).toBe(200);
	});

	test.each([
		["no JSON", Buffer.from("{"), JSON_TYPE, 400],
		["no protobuf", Buffer.from([0xff, 0xff, 0xff]), { "content-type": "application/x-protobuf" }, 400],
		["no gzip", Buffer.from(good), { ...JSON_TYPE, "content-encoding": "gzip" }, 400],
		["a gzip bomb", gzipSync(Buffer.alloc(10_000_000)), { ...JSON_TYPE, "content-encoding": "gzip" }, 413],
		["a large body", Buffer.alloc(200_000), JSON_TYPE, 413],
		["nested encoding", gzipSync(good), { ...JSON_TYPE, "content-encoding": "gzip, gzip" }, 415],
		["another type", Buffer.from(good), { "content-type": "text/plain" }, 415],
	] as const)("%s is refused for good", async (_name, payload, headers, status) => {
		const { app, stored } = receiver();
		const response = await post(app, payload, headers);
		expect(response.statusCode).toBe(status);
		expect(stored).toEqual([]);
		expect(response.headers["retry-after"]).toBeUndefined();
	});

	test("what may succeed later is answered with 503 and Retry-After, never another 5xx", async () => {
		const failing = receiver({ insert: () => Promise.reject(new Error("disk full")) });
		const failed = await post(failing.app, good, JSON_TYPE);
		expect([failed.statusCode, failed.headers["retry-after"]]).toEqual([503, "1"]);
		expect(failed.body).not.toContain("disk full");

		const closing = receiver();
		await closing.traces.close();
		const refused = await post(closing.app, good, JSON_TYPE);
		expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([503, "1"]);
	});

	test("while requests under way hold as much memory as they may, others are told to come back, and then are taken", async () => {
		const { app, traces } = receiver({ maxHeldBytes: 50_000, delayMs: 60_000 });
		const large = body(...Array.from({ length: 200 }, (_, index) => span((index + 1).toString(16).padStart(16, "a"))));
		const first = post(app, large, JSON_TYPE);
		while (traces.pendingRows === 0) await new Promise((resolve) => setTimeout(resolve, 1));
		const second = await post(app, large, JSON_TYPE);
		expect([second.statusCode, second.headers["retry-after"]]).toEqual([429, "1"]);
		expect(second.json()).toMatchObject({ code: 8 });
		const bomb = await post(app, gzipSync(Buffer.alloc(90_000)), { ...JSON_TYPE, "content-encoding": "gzip" });
		expect(bomb.statusCode).toBe(429);
		await traces.close();
		expect((await first).statusCode).toBe(200);
		const other = receiver({ maxHeldBytes: 50_000 });
		for (let count = 0; count < 5; count++) {
			expect((await post(other.app, large, JSON_TYPE)).statusCode).toBe(200);
		}
	});

	test("a body that is larger than announced, or never ends, is cut at the limit, and the sender hears why", async () => {
		const { app } = receiver();
		await app.listen({ host: "127.0.0.1", port: 0 });
		const { port } = app.server.address() as AddressInfo;
		const endless = request({ host: "127.0.0.1", port, method: "POST", path: "/v1/traces", headers: JSON_TYPE });
		const answered = once(endless, "response") as Promise<[IncomingMessage]>;
		endless.on("error", () => undefined); // it is cut off while it writes
		const writing = setInterval(() => endless.write(Buffer.alloc(20_000, " ")), 1);
		const [answer] = await answered;
		clearInterval(writing);
		expect([answer.statusCode, answer.headers.connection]).toEqual([413, "close"]);
		answer.resume();
		endless.destroy();
		// and what it held is free again
		expect((await post(app, good, JSON_TYPE)).statusCode).toBe(200);
	});

	test("errors to a protobuf sender are a protobuf Status", async () => {
		const { app } = receiver();
		const response = await post(app, Buffer.from([0xff]), { "content-type": "application/x-protobuf" });
		expect(response.headers["content-type"]).toContain("application/x-protobuf");
		// code = 3 (INVALID_ARGUMENT), then the message
		expect([...response.rawPayload.subarray(0, 3)]).toEqual([0x08, 3, 0x12]);
	});

	test("hostile keys are inert", async () => {
		const { app, stored } = receiver();
		const hostile = {
			...span("b7ad6b7169203331"),
			attributes: [
				{ key: "__proto__", value: { stringValue: "x" } },
				{ key: "constructor.prototype.polluted", value: { stringValue: "x" } },
			],
		};
		expect((await post(app, body(hostile), JSON_TYPE)).statusCode).toBe(200);
		expect(holds(stored, "__proto__")).toBe(true);
		expect(({} as Record<string, unknown>).polluted).toBeUndefined();
		expect(({} as Record<string, unknown>).x).toBeUndefined();
	});

	test("a name that a web page pointed at this machine is refused, loopback names are not", async () => {
		const { app } = receiver();
		expect((await post(app, good, { ...JSON_TYPE, host: "evil.example" })).statusCode).toBe(403);
		expect((await post(app, good, { ...JSON_TYPE, host: "localhost:4318" })).statusCode).toBe(200);
		expect((await post(app, good, { ...JSON_TYPE, host: "[::1]:4318" })).statusCode).toBe(200);
	});
});
