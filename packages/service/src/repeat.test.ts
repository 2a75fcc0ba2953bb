import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { repeat } from "./repeat.ts";

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

function counted() {
	const starts: number[] = [];
	return {
		starts,
		task: async () => {
			starts.push(performance.now());
		},
	};
}

test("runs at once, then every interval", async () => {
	const { starts, task } = counted();
	const origin = performance.now();
	const repetition = repeat(task, { everyMs: 1000, gapMs: 100 });
	await vi.advanceTimersByTimeAsync(2500);
	await repetition.stop();
	expect(starts.map((at) => at - origin)).toEqual([0, 1000, 2000]);
});

test("soon brings the next run forward, but no closer than the gap", async () => {
	const { starts, task } = counted();
	const origin = performance.now();
	const repetition = repeat(task, { everyMs: 1000, gapMs: 100 });
	await vi.advanceTimersByTimeAsync(10);
	repetition.soon();
	repetition.soon();
	await vi.advanceTimersByTimeAsync(490);
	repetition.soon();
	await vi.advanceTimersByTimeAsync(10);
	await repetition.stop();
	expect(starts.map((at) => at - origin)).toEqual([0, 100, 500]);
});

test("a run that takes long delays the next; what became new meanwhile is looked at right after", async () => {
	const origin = performance.now();
	const starts: number[] = [];
	const repetition = repeat(
		async () => {
			starts.push(performance.now() - origin);
			await new Promise((resolve) => setTimeout(resolve, 300));
		},
		{ everyMs: 1000, gapMs: 100 },
	);
	await vi.advanceTimersByTimeAsync(50);
	repetition.soon();
	await vi.advanceTimersByTimeAsync(300);
	expect(starts).toEqual([0, expect.closeTo(300, -1)]);
	const stopped = repetition.stop();
	await vi.advanceTimersByTimeAsync(1000);
	await stopped;
	expect(starts).toEqual([0, expect.closeTo(300, -1)]);
});

test("nothing runs after stop", async () => {
	const { starts, task } = counted();
	const repetition = repeat(task, { everyMs: 1000, gapMs: 100 });
	await vi.advanceTimersByTimeAsync(10);
	await repetition.stop();
	repetition.soon();
	await vi.advanceTimersByTimeAsync(5000);
	expect(starts).toHaveLength(1);
});
