import { describe, expect, test } from "vitest";
import { BufferClosedError, BufferFullError, IngestBuffer } from "./ingest-buffer.ts";

/** An INSERT that the test lets through or fails by hand. */
function manualInsert() {
	const calls: { rows: number[]; commit: () => void; fail: (error: Error) => void }[] = [];
	const insert = (rows: number[]) =>
		new Promise<void>((commit, fail) => {
			calls.push({ rows, commit, fail });
		});
	return { calls, insert };
}

async function until(condition: () => boolean): Promise<void> {
	while (!condition()) {
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
}

describe("IngestBuffer", () => {
	test("acknowledges only after the commit, and joins what arrives together", async () => {
		const { calls, insert } = manualInsert();
		const buffer = new IngestBuffer({ insert, delayMs: 1, maxRows: 100 });
		let acknowledged = 0;
		const both = Promise.all([buffer.add([1, 2]), buffer.add([3])].map((added) => added.then(() => acknowledged++)));
		await until(() => calls.length === 1);
		expect(calls[0]?.rows).toEqual([1, 2, 3]);
		expect(acknowledged).toBe(0);
		calls[0]?.commit();
		await both;
		expect(acknowledged).toBe(2);
		expect(buffer.pendingRows).toBe(0);
	});

	test("rows that arrive during an INSERT go into the next one", async () => {
		const { calls, insert } = manualInsert();
		const buffer = new IngestBuffer({ insert, delayMs: 1, maxRows: 100 });
		const first = buffer.add([1]);
		await until(() => calls.length === 1);
		const second = buffer.add([2]);
		calls[0]?.commit();
		await first;
		await until(() => calls.length === 2);
		expect(calls[1]?.rows).toEqual([2]);
		calls[1]?.commit();
		await second;
	});

	test("a failed INSERT rejects every sender in it, and the next one is unharmed", async () => {
		const { calls, insert } = manualInsert();
		const buffer = new IngestBuffer({ insert, delayMs: 1, maxRows: 100 });
		const outcome = Promise.allSettled([buffer.add([1]), buffer.add([2])]);
		await until(() => calls.length === 1);
		calls[0]?.fail(new Error("disk full"));
		expect((await outcome).map((o) => o.status)).toEqual(["rejected", "rejected"]);
		const next = buffer.add([3]);
		await until(() => calls.length === 2);
		calls[1]?.commit();
		await next;
	});

	test("refuses what exceeds the limit, but never a single large request when nothing waits", async () => {
		const { calls, insert } = manualInsert();
		const buffer = new IngestBuffer({ insert, delayMs: 1, maxRows: 3 });
		const large = buffer.add([1, 2, 3, 4, 5]);
		await expect(buffer.add([6])).rejects.toBeInstanceOf(BufferFullError);
		await until(() => calls.length === 1);
		calls[0]?.commit();
		await large;
		const later = buffer.add([7]);
		await until(() => calls.length === 2);
		calls[1]?.commit();
		await later;
	});

	test("close writes what waits and refuses the rest", async () => {
		const written: number[] = [];
		const buffer = new IngestBuffer<number>({
			insert: async (rows) => {
				written.push(...rows);
			},
			delayMs: 60_000,
			maxRows: 10,
		});
		const waiting = buffer.add([1, 2]);
		await buffer.close();
		await waiting;
		expect(written).toEqual([1, 2]);
		await expect(buffer.add([3])).rejects.toBeInstanceOf(BufferClosedError);
	});
});
