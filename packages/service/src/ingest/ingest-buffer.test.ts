import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BufferClosedError, IngestBuffer } from "./ingest-buffer.ts";

interface Rows {
	rows: number;
	block: Uint8Array;
}

const rows = (count: number, bytes = count): Rows => ({ rows: count, block: new Uint8Array(bytes) });

/** An INSERT that the test lets through or fails by hand. */
function manualInsert() {
	const calls: { sizes: number[]; commit: () => void; fail: (error: Error) => void }[] = [];
	const insert = (batches: Rows[]) =>
		new Promise<void>((commit, fail) => {
			calls.push({ sizes: batches.map((batch) => batch.rows), commit, fail });
		});
	return { calls, insert };
}

/** A buffer whose INSERTs succeed at once, and what went into each. */
function recordingBuffer() {
	const inserts: { atMs: number; sizes: number[] }[] = [];
	const buffer = new IngestBuffer<Rows>({
		insert: async (batches) => {
			inserts.push({
				atMs: 10 * Math.round((performance.now() - began) / 10),
				sizes: batches.map((batch) => batch.rows),
			});
		},
		delayMs: 200,
	});
	const began = performance.now();
	return { buffer, inserts };
}

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

describe("IngestBuffer", () => {
	test("acknowledges only after the commit, and joins what arrives together", async () => {
		const { calls, insert } = manualInsert();
		const buffer = new IngestBuffer({ insert, delayMs: 200 });
		let acknowledged = 0;
		const both = Promise.all(
			[buffer.add(rows(2)), buffer.add(rows(1))].map((added) => added.then(() => acknowledged++)),
		);
		await vi.advanceTimersByTimeAsync(199);
		expect(calls).toEqual([]);
		await vi.advanceTimersByTimeAsync(1);
		expect(calls[0]?.sizes).toEqual([2, 1]);
		expect([acknowledged, buffer.pendingRows]).toEqual([0, 3]);
		calls[0]?.commit();
		await both;
		expect([acknowledged, buffer.pendingRows]).toEqual([2, 0]);
	});

	test("rows that arrive during an INSERT go into the next one", async () => {
		const { calls, insert } = manualInsert();
		const buffer = new IngestBuffer({ insert, delayMs: 200 });
		const first = buffer.add(rows(1));
		await vi.advanceTimersByTimeAsync(200);
		const second = buffer.add(rows(2));
		await vi.advanceTimersByTimeAsync(60_000);
		expect(calls).toHaveLength(1);
		calls[0]?.commit();
		await first;
		await vi.advanceTimersByTimeAsync(0);
		expect(calls[1]?.sizes).toEqual([2]);
		calls[1]?.commit();
		await second;
	});

	test("a failed INSERT rejects every sender in it, and the next one is unharmed", async () => {
		const { calls, insert } = manualInsert();
		const buffer = new IngestBuffer({ insert, delayMs: 200 });
		const outcome = Promise.allSettled([buffer.add(rows(1)), buffer.add(rows(2))]);
		await vi.advanceTimersByTimeAsync(200);
		calls[0]?.fail(new Error("disk full"));
		expect((await outcome).map((o) => o.status)).toEqual(["rejected", "rejected"]);
		const next = buffer.add(rows(3));
		await vi.advanceTimersByTimeAsync(1000);
		calls[1]?.commit();
		await next;
	});

	test("a quiet service inserts soon after the first rows, then once a second", async () => {
		const { buffer, inserts } = recordingBuffer();
		const sending = setInterval(() => void buffer.add(rows(10)), 50);
		await vi.advanceTimersByTimeAsync(4_000);
		clearInterval(sending);
		expect(inserts.map(({ atMs }) => atMs)).toEqual([250, 1250, 2250, 3250]);
		expect(inserts[1]?.sizes).toHaveLength(20);
	});

	test("a sender that filled its batch waits half as long, as it can send no more before the answer", async () => {
		const { buffer, inserts } = recordingBuffer();
		const send = async (): Promise<void> => {
			await buffer.add(rows(512));
			if (inserts.length < 4) await send();
		};
		const sent = send();
		await vi.advanceTimersByTimeAsync(3_000);
		await sent;
		expect(inserts.map(({ atMs }) => atMs)).toEqual([200, 700, 1200, 1700]);
	});

	test("as many rows as are worth an INSERT wait for no time at all", async () => {
		const { buffer, inserts } = recordingBuffer();
		void buffer.add(rows(19_999));
		await vi.advanceTimersByTimeAsync(10);
		void buffer.add(rows(1));
		await vi.advanceTimersByTimeAsync(0);
		expect(inserts).toEqual([{ atMs: 10, sizes: [19_999, 1] }]);
	});

	test("one INSERT takes no more than the engine should hold; a single request of more goes alone", async () => {
		const { buffer, inserts } = recordingBuffer();
		for (const size of [60_000, 10_000, 100_000, 5]) void buffer.add(rows(size));
		await vi.advanceTimersByTimeAsync(2_000);
		expect(inserts.map(({ sizes }) => sizes)).toEqual([[60_000], [10_000], [100_000], [5]]);
		for (const bytes of [30_000_000, 3_000_000, 3_000_000]) void buffer.add(rows(20_000, bytes));
		await vi.advanceTimersByTimeAsync(1_000);
		expect(inserts.slice(4).map(({ sizes }) => sizes)).toEqual([[20_000, 20_000], [20_000]]);
	});

	test("close writes what waits and refuses the rest", async () => {
		const { buffer, inserts } = recordingBuffer();
		const waiting = [buffer.add(rows(60_000)), buffer.add(rows(10_000))];
		await buffer.close();
		await Promise.all(waiting);
		expect(inserts.map(({ sizes }) => sizes)).toEqual([[60_000], [10_000]]);
		await expect(buffer.add(rows(3))).rejects.toBeInstanceOf(BufferClosedError);
	});
});
