import { describe, expect, it } from "vitest";
import { firstViolationEProcess } from "./first-violation-e-process.ts";
import { restartingEProcess } from "./restarting-e-process.ts";
import { DEFAULT_STREAM, firstBreachMs, type ViolationStream } from "./test-support/violation-stream.ts";

const design = { alpha: 0.05, treatmentShare: 0.5 };

describe("restartingEProcess", () => {
	it("holds every start against −ln(α·weight) and names the strongest", () => {
		const violations = [
			{ start: 3, weight: 1 / 12, treatment: 20, control: 1 },
			{ start: 1, weight: 1 / 2, treatment: 30, control: 25 },
			{ start: 2, weight: 1 / 6, treatment: 25, control: 5 },
		];
		const { starts, strongest, breached } = restartingEProcess({ ...design, violations });
		expect(starts.map(({ start }) => start)).toEqual([1, 2, 3]);
		expect(starts.map(({ logThreshold }) => Math.exp(-logThreshold))).toEqual(
			[0.05 / 2, 0.05 / 6, 0.05 / 12].map((level) => expect.closeTo(level, 12)),
		);
		const alone = firstViolationEProcess({ treatment: 20, control: 1 }, design);
		expect(strongest).toEqual({
			start: 3,
			logEValue: alone.logEValue,
			logThreshold: expect.closeTo(Math.log(240), 10),
		});
		expect(breached).toBe(true);
	});

	it("takes for the strongest the start that exceeds its threshold by most, not the largest e-value", () => {
		const violations = [
			{ start: 1, weight: 0.5, treatment: 20, control: 2 },
			{ start: 50, weight: 0.0001, treatment: 21, control: 2 },
		];
		const { starts, strongest } = restartingEProcess({ ...design, violations });
		expect(starts[1]?.logEValue).toBeGreaterThan(starts[0]?.logEValue ?? Number.NaN);
		expect(strongest.start).toBe(1);
	});

	it("is a union and not a sum: two starts just below their thresholds are no breach", () => {
		const below = [
			{ start: 1, weight: 1 / 2, treatment: 17, control: 3 },
			{ start: 2, weight: 1 / 6, treatment: 17, control: 2 },
		];
		const { starts, breached } = restartingEProcess({ ...design, violations: below });
		for (const { logEValue, logThreshold } of starts) {
			expect(logEValue).toBeLessThan(logThreshold);
		}
		const weightedSum = starts.reduce((sum, each) => sum + Math.exp(each.logEValue - each.logThreshold), 0);
		expect(weightedSum).toBeGreaterThan(1);
		expect(breached).toBe(false);
	});

	it.each([
		["no start", []],
		[
			"a start twice",
			[
				{ start: 1, weight: 0.1, treatment: 0, control: 0 },
				{ start: 1, weight: 0.1, treatment: 1, control: 0 },
			],
		],
		["start 0", [{ start: 0, weight: 0.1, treatment: 0, control: 0 }]],
		["weight 0", [{ start: 1, weight: 0, treatment: 0, control: 0 }]],
		[
			"weights above 1 together",
			[
				{ start: 1, weight: 0.6, treatment: 0, control: 0 },
				{ start: 2, weight: 0.6, treatment: 0, control: 0 },
			],
		],
	])("refuses %s", (_, violations) => {
		expect(() => restartingEProcess({ ...design, violations })).toThrow(
			expect.objectContaining({ code: "INVALID_SCHEDULE" }),
		);
	});
});

function delaysMs(streams: number, change: Partial<ViolationStream>): number[] {
	return Array.from({ length: streams }, (_, index) =>
		firstBreachMs({ ...DEFAULT_STREAM, fromChange: true, ...change, seed: 500 + index }),
	)
		.map((delay) => delay ?? Number.POSITIVE_INFINITY)
		.sort((a, b) => a - b);
}

describe("restartingEProcess on a stream of requests", () => {
	it("sees a rate of 30 % after 20 earlier requests a user within seconds, where one start takes three times as long", () => {
		const restarted = delaysMs(60, {});
		expect(restarted[30]).toBeGreaterThan(2500);
		expect(restarted[30]).toBeLessThan(4500);
		expect(restarted[57]).toBeLessThan(7000);
		const single = delaysMs(30, { scales: undefined });
		expect(single[15]).toBeGreaterThan(9000);
	});

	it("sees a bad treatment at once when it is bad from the start", () => {
		const delays = delaysMs(30, { requestsBefore: 0, lastsMs: 60_000 });
		expect(delays[15]).toBeGreaterThan(1000);
		expect(delays[15]).toBeLessThan(3000);
	});

	it("raises false alarms in at most α of the streams, checked at every violation", () => {
		const streams = 400;
		const alarms = Array.from({ length: streams }, (_, index) =>
			firstBreachMs({ ...DEFAULT_STREAM, seed: 9000 + index, requestsBefore: 0, changedRate: 0.01, lastsMs: 600_000 }),
		).filter((delay) => delay !== null).length;
		expect(alarms / streams).toBeLessThanOrEqual(0.04);
		expect(alarms).toBeGreaterThan(0);
	});
});
