import { describe, expect, it } from "vitest";
import { DEFAULT_RESTART_SCALES, type Restart, restartSchedule } from "./restart-schedule.ts";

const MINUTE = 60_000;
const schedule = (nowMs: number): Restart[] => restartSchedule({ iterationStartedAtMs: 1_000_000, nowMs });

describe("restartSchedule", () => {
	it("starts with the iteration and again every ten seconds", () => {
		expect(schedule(1_000_000).map(({ start }) => start)).toEqual([1]);
		expect(schedule(1_009_999)).toHaveLength(1);
		expect(schedule(1_020_000).map(({ start, startedAtMs }) => [start, startedAtMs])).toEqual([
			[1, 1_000_000],
			[2, 1_010_000],
			[3, 1_020_000],
		]);
	});

	it("after two days watches fine starts of minutes, minutes of an hour, ten minutes of a day", () => {
		const now = 1_000_000 + 2 * 24 * 60 * MINUTE;
		const ages = schedule(now).map(({ startedAtMs }) => (now - startedAtMs) / 1000);
		expect(Math.max(...ages)).toBe(143 * 600);
		expect(ages.filter((age) => age < 360)).toEqual(Array.from({ length: 36 }, (_, index) => (35 - index) * 10));
		expect(ages.filter((age) => age >= 360 && age < 3600)).toEqual(
			Array.from({ length: 54 }, (_, index) => (59 - index) * 60),
		);
		expect(ages.filter((age) => age >= 3600).every((age) => age % 600 === 0)).toBe(true);
	});

	it("lists starts as they began, however fine the scale that keeps them", () => {
		const starts = schedule(1_000_000 + 90 * MINUTE).map(({ start }) => start);
		expect(starts.length).toBeGreaterThan(80);
		for (const [index, start] of starts.entries()) expect(start).toBeGreaterThan(starts[index - 1] ?? 0);
	});

	it("refuses an interval that goes backwards", () => {
		const scales = [{ intervalMs: -1000, keptStarts: 3, share: 0.5 }];
		expect(() => restartSchedule({ iterationStartedAtMs: 0, nowMs: 0, scales })).toThrow(
			expect.objectContaining({ code: "INVALID_SCHEDULE" }),
		);
	});

	it("is the first start alone when the clock runs behind the iteration", () => {
		expect(schedule(999_000).map(({ start, startedAtMs }) => [start, startedAtMs])).toEqual([[1, 1_000_000]]);
	});

	it("gives the first start ln 2·(1/ln 2 − 1/ln 3) of every scale", () => {
		expect(schedule(1_000_000)[0]?.weight).toBeCloseTo(Math.LN2 * (1 / Math.LN2 - 1 / Math.log(3)), 14);
	});

	it("spends at most alpha on all starts that ever exist, each counted at the most it ever had", () => {
		const most = new Map<number, number>();
		for (let minute = 0; minute < 60 * 24 * 7; minute += 1) {
			for (const { start, weight } of schedule(1_000_000 + minute * MINUTE)) {
				most.set(start, Math.max(most.get(start) ?? 0, weight));
			}
		}
		const spent = [...most.values()].reduce((sum, weight) => sum + weight, 0);
		expect(spent).toBeLessThan(1);
		// It converges like 1/ln j, so a week has spent nearly all of what a year will.
		expect(spent).toBeGreaterThan(0.85);
	});

	it("never gives a start more than it had before", () => {
		const before = new Map<number, number>();
		for (let second = 0; second < 3 * 3600; second += 50) {
			for (const { start, weight } of schedule(1_000_000 + second * 1000)) {
				expect(weight).toBeLessThanOrEqual(before.get(start) ?? 1);
				before.set(start, weight);
			}
		}
	});

	it.each([
		[{ nowMs: Number.NaN }],
		[{ scales: [] }],
		[{ scales: [{ intervalMs: 0, keptStarts: 1, share: 1 }] }],
		[{ scales: [{ intervalMs: 1000, keptStarts: 0, share: 1 }] }],
		[{ scales: [{ intervalMs: 1000, keptStarts: 1, share: 1.1 }] }],
		[{ scales: [...DEFAULT_RESTART_SCALES, { intervalMs: 20_000, keptStarts: 1, share: 0.1 }] }],
		[{ scales: [DEFAULT_RESTART_SCALES[0]!, { intervalMs: 25_000, keptStarts: 1, share: 0.1 }] }],
	])("refuses %j", (change) => {
		expect(() => restartSchedule({ iterationStartedAtMs: 0, nowMs: 0, ...change })).toThrow(
			expect.objectContaining({ code: "INVALID_SCHEDULE" }),
		);
	});
});
