import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { gzipSync } from "node:zlib";
import type { EncodedRows } from "@armspan/store";
import type { FastifyBaseLogger } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IngestBuffer } from "./ingest-buffer.ts";
import { createOtlpReceiver } from "./otlp-receiver.ts";

const silent = {
	...{ fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {}, silent() {}, level: "silent" },
	child: () => silent,
} as unknown as FastifyBaseLogger;

const MAX_BODY_BYTES = 100_000;
const MAX_HELD_BYTES = 400_000;
const body = JSON.stringify({
	resourceSpans: [
		{ scopeSpans: [{ spans: [{ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }] }] },
	],
});

let stored = 0;
const insert = async (batches: EncodedRows[]) => {
	for (const { rows } of batches) stored += rows;
};
const traces = new IngestBuffer<EncodedRows>({ insert, delayMs: 1 });
const logs = new IngestBuffer<EncodedRows>({ insert, delayMs: 1 });
const app = createOtlpReceiver({
	...{ traces, logs, token: undefined, logger: silent },
	...{ maxBodyBytes: MAX_BODY_BYTES, maxHeldBytes: MAX_HELD_BYTES },
});
let port = 0;
beforeAll(async () => {
	await app.listen({ port: 0, host: "127.0.0.1" });
	port = (app.server.address() as AddressInfo).port;
});
afterAll(async () => {
	await traces.close();
	await logs.close();
	await app.close();
});

const head = (...headers: string[]) =>
	["POST /v1/traces HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", ...headers, "", ""].join("\r\n");
const whole = (...headers: string[]) => `${head(`Content-Length: ${body.length}`, ...headers)}${body}`;

/** Sends raw bytes and returns the status lines of all answers, until the connection ends or so many have come. */
async function statuses(parts: (string | Buffer)[], { answers = 1, end = false } = {}): Promise<number[]> {
	const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
	let text = "";
	const found = () => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
	const ended = new Promise<void>((resolve) => {
		socket.on("close", () => resolve());
		socket.on("end", () => resolve());
		// the receiver may hang up on what is still being sent
		socket.on("error", () => resolve());
		socket.on("data", (chunk) => {
			text += chunk;
			if (found().length >= answers) resolve();
		});
	});
	await once(socket, "connect");
	for (const part of parts) socket.write(part);
	if (end) socket.end();
	await ended;
	socket.destroy();
	return found();
}

test.each([
	["a body as it should be", [whole()], [200]],
	["both a length and chunks", [`${head("Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n`], [400]],
	["two lengths", [head("Content-Length: 5", "Content-Length: 6")], [400]],
	["a negative length", [head("Content-Length: -1")], [400]],
	["a length that is no number", [head("Content-Length: 1e3")], [400]],
	["a length beyond all numbers", [head("Content-Length: 99999999999999999999")], [400]],
	["a length beyond the limit, of which nothing is sent", [head("Content-Length: 1000000000")], [413]],
	["a chunk whose size is no number", [`${head("Transfer-Encoding: chunked")}xyz\r\n`], [400]],
	["a chunk of more bytes than numbers count", [`${head("Transfer-Encoding: chunked")}ffffffffffffffffff\r\n`], [400]],
	["another transfer encoding", [`${head("Transfer-Encoding: gzip")}`], [400]],
	["headers without end", [`POST /v1/traces HTTP/1.1\r\n${"a: b\r\n".repeat(10_000)}`], [431]],
	["no HTTP", ["\x16\x03\x01\x02\x00\x01\x00"], [400]],
	["an expectation that nobody meets", [whole("Expect: miracles")], [417]],
	["no body at all", [head("Content-Length: 0")], [400]],
] as [string, string[], number[]][])("%s is answered at once", async (_, parts, expected) => {
	expect(await statuses(parts)).toEqual(expected);
});

test("a sender that asks before it sends is told to go on", async () => {
	expect(await statuses([whole("Expect: 100-continue")], { answers: 2 })).toEqual([100, 200]);
});

test("chunks without end are refused at the limit, while more of them come", async () => {
	const chunk = `${(10_000).toString(16)}\r\n${"x".repeat(10_000)}\r\n`;
	expect(await statuses([head("Transfer-Encoding: chunked"), ...Array(30).fill(chunk)])).toEqual([413]);
});

test("requests sent behind each other on one connection are answered in their order", async () => {
	const before = stored;
	const bad = `${head("Content-Length: 1")}{`;
	expect(await statuses([whole() + bad + whole()], { answers: 3 })).toEqual([200, 400, 200]);
	expect(stored - before).toBe(2);
});

test("a length that is too small leaves bytes that are no request", async () => {
	const before = stored;
	const sent = `${head(`Content-Length: ${body.length - 2}`)}${body}`;
	// the parser ends the connection at them, maybe before the body has its own answer
	expect(new Set(await statuses([sent], { answers: 2 }))).toEqual(new Set([400]));
	expect(stored).toBe(before);
});

test("senders that leave in the middle of a body give back what they held, and store nothing", async () => {
	const before = stored;
	for (let round = 0; round < 3; round++) {
		const half = [head("Content-Length: 90000"), "x".repeat(80_000)];
		await Promise.all(Array.from({ length: 4 }, () => statuses(half, { end: true })));
	}
	expect(stored).toBe(before);
	// nearly all of the budget at once, three times what four of them held
	expect(await statuses([whole()])).toEqual([200]);
	const large = `${body}${" ".repeat(MAX_BODY_BYTES - body.length)}`;
	const sent = `${head(`Content-Length: ${large.length}`)}${large}`;
	expect(await Promise.all([statuses([sent]), statuses([sent])])).toEqual([[200], [200]]);
});

test("many small bombs at once are refused or told to come back, and the next sender is served", async () => {
	const bomb = gzipSync(Buffer.alloc(90_000));
	const sent = Buffer.concat([Buffer.from(head(`Content-Length: ${bomb.length}`, "Content-Encoding: gzip")), bomb]);
	const answers = (await Promise.all(Array.from({ length: 40 }, () => statuses([sent])))).flat();
	expect(answers).toHaveLength(40);
	expect(answers.every((status) => status === 400 || status === 429)).toBe(true);
	expect(await statuses([whole()])).toEqual([200]);
});
