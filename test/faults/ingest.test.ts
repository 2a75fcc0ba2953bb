import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { IngestSender } from "./ingest-sender.ts";
import { killWhileIngesting, ReceiverProcess, type Stored } from "./kill-while-ingesting.ts";

/** A file system of its own without root: a mount that only the receiver sees. */
const SMALL_DISK = ["unshare", "--user", "--map-root-user", "--mount"];
const canMount = spawnSync(SMALL_DISK[0] as string, [...SMALL_DISK.slice(1), "true"]).status === 0;
if (!canMount)
	process.stderr.write("\nSKIPPED: a full disk is not tested here: unshare cannot make a mount namespace\n");

let folder: string;
const receivers: ReceiverProcess[] = [];

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "armspan-ingest-"));
});
afterEach(async () => {
	await Promise.all(receivers.splice(0).map((receiver) => receiver.kill()));
	rmSync(folder, { recursive: true, force: true });
});

/** Small and fast; Math.random would make a failure unrepeatable. */
function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}

function expectStoredOnce(stored: Stored, acknowledged: readonly string[], sent: readonly string[]): void {
	const storedIds = new Set(stored.calls);
	const sentIds = new Set(sent);
	expect(acknowledged.filter((id) => !storedIds.has(id))).toEqual([]);
	expect(stored.calls.filter((id) => !sentIds.has(id))).toEqual([]);
	expect([stored.calls.length, stored.counted]).toEqual([storedIds.size, storedIds.size]);
}

test("killed at random while spans come in, nothing acknowledged is lost and nothing counts twice", async () => {
	const { sent, acknowledged, stored, failures } = await killWhileIngesting(folder, 3, seeded(7));
	expectStoredOnce(stored, acknowledged, sent);
	expect(acknowledged.length).toBeGreaterThan(600);
	// and some were indeed under way
	expect(failures[""]).toBeGreaterThan(0);
}, 240_000);

test.skipIf(!canMount)(
	"on a full disk senders are told to come back; with room again all is taken, once",
	async () => {
		const mounted = join(folder, "disk");
		mkdirSync(mounted);
		const receiver = new ReceiverProcess(mounted, [
			...SMALL_DISK,
			...["sh", "-c", 'mount -t tmpfs -o size=256m tmpfs "$0" && exec "$@"', mounted],
		]);
		receivers.push(receiver);
		const sender = new IngestSender(200);
		sender.url = await receiver.url();
		sender.start(4);
		const until = async (condition: () => boolean) => {
			while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
		};
		await until(() => sender.acknowledged.length > 1000);
		// no room for the rows, then room for the rows but not for the parts they become
		for (const bytes of [0, 200_000, 1_000_000]) {
			expect(await receiver.tell(`fill ${bytes}`)).toBe("filled");
			const failed = sender.failures["503"] ?? 0;
			await until(() => (sender.failures["503"] ?? 0) > failed + 8);
			expect(await receiver.tell("free")).toBe("freed");
			const taken = sender.acknowledged.length;
			await until(() => sender.acknowledged.length > taken + 1000);
		}
		await sender.stop();
		expect(Object.keys(sender.failures)).toEqual(["503"]);
		expectStoredOnce(await receiver.end(), sender.acknowledged, sender.sent);
	},
	240_000,
);

const MB = 1_000_000;
const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json" };
const GZIP = { "content-encoding": "gzip" };
const spans = (inner: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${inner}]}]}]}`;
const ids = '"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"';

/** What it is, its headers, its body, and the status that answers it. */
const ABUSE: [string, Record<string, string>, () => string | Uint8Array, number][] = [
	[
		"2 GB of zeros in gzip",
		{ ...PROTOBUF, ...GZIP },
		() => Buffer.concat(Array(20).fill(gzipSync(Buffer.alloc(100 * MB)))),
		413,
	],
	[
		"1 GB of zeros in zstd",
		{ ...PROTOBUF, "content-encoding": "zstd" },
		() => zstdCompressSync(Buffer.alloc(1000 * MB)),
		413,
	],
	["20 MB of brackets", { ...JSON_TYPE, ...GZIP }, () => gzipSync("[".repeat(20 * MB)), 400],
	["20 MB of empty objects", { ...JSON_TYPE, ...GZIP }, () => gzipSync(spans("{},".repeat(6 * MB).slice(0, -1))), 400],
	[
		"a value nested 10,000 deep",
		JSON_TYPE,
		() =>
			spans(
				`{${ids},"attributes":[{"key":"k","value":${'{"arrayValue":{"values":['.repeat(10_000)}${"]}}".repeat(10_000)}}]}`,
			),
		200,
	],
	[
		"a million attributes",
		{ ...JSON_TYPE, ...GZIP },
		() => gzipSync(spans(`{${ids},"attributes":[${'{"key":"k"},'.repeat(MB).slice(0, -1)}]}`)),
		200,
	],
	[
		"a thousand spans of a thousand attributes",
		{ ...JSON_TYPE, ...GZIP },
		() =>
			gzipSync(
				spans(
					Array(1000)
						.fill(`{${ids},"attributes":[${'{"key":"k"},'.repeat(1000).slice(0, -1)}]}`)
						.join(","),
				),
			),
		200,
	],
	[
		"a large resource of many spans",
		{ ...JSON_TYPE, ...GZIP },
		() =>
			gzipSync(
				`{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"stringValue":"${"x".repeat(200_000)}"}}]},"scopeSpans":[{"spans":[${`{${ids}},`.repeat(100_000).slice(0, -1)}]}]}]}`,
			),
		200,
	],
	["random bytes", PROTOBUF, () => crypto.getRandomValues(new Uint8Array(60_000)), 400],
	[
		"bad UTF-8 in a key",
		JSON_TYPE,
		() =>
			Buffer.concat([
				Buffer.from(spans(`{${ids},"attributes":[{"key":"`).slice(0, -6)),
				Buffer.from([0xff, 0xc0, 0x80]),
				Buffer.from('"}]}]}]}]}'),
			]),
		200,
	],
	[
		"nothing but ids of zeros",
		JSON_TYPE,
		() => spans('{"traceId":"00000000000000000000000000000000","spanId":"0000000000000000"}'),
		200,
	],
	[
		"keys of prototypes",
		JSON_TYPE,
		() =>
			spans(
				`{${ids},"__proto__":{"x":1},"attributes":[{"key":"__proto__","value":{"stringValue":"x"}},{"key":"constructor.prototype.x"}]}`,
			),
		200,
	],
];

test("abuse of every kind at once is answered, leaves memory bounded and the next sender unharmed", async () => {
	const receiver = new ReceiverProcess(folder);
	receivers.push(receiver);
	const url = await receiver.url();
	const send = async ([, headers, body]: (typeof ABUSE)[number]) => {
		for (;;) {
			const answer = await fetch(url, { method: "POST", headers, body: body() as string });
			await answer.arrayBuffer();
			// told to come back: it does
			if (answer.status !== 429) return answer.status;
			expect(answer.headers.get("retry-after")).toBe("1");
			await new Promise((resolve) => setTimeout(resolve, 200));
		}
	};
	const statuses = await Promise.all(ABUSE.map(send));
	expect(Object.fromEntries(ABUSE.map(([name], index) => [name, statuses[index]]))).toEqual(
		Object.fromEntries(ABUSE.map(([name, , , expected]) => [name, expected])),
	);
	const sender = new IngestSender(50);
	sender.url = url;
	sender.start(1);
	while (sender.acknowledged.length < 50) await new Promise((resolve) => setTimeout(resolve, 20));
	await sender.stop();
	const stored = await receiver.end();
	expectStoredOnce(
		{ ...stored, calls: stored.calls.filter((id) => id !== "b7ad6b7169203331") },
		sender.acknowledged,
		sender.sent,
	);
	expect(stored.peakMb).toBeLessThan(1500);
}, 240_000);
