import { describe, expect, it } from "vitest";
import { firstViolationEProcess } from "./first-violation-e-process.ts";
import { type Restart, restartingEProcess, restartSchedule } from "./restarting-e-process.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

const design = { alpha: 0.05, treatmentShare: 0.5 };

describe("restartSchedule", () => {
	const starts = (nowMs: number) => restartSchedule({ iterationStartedAtMs: 1_000_000, nowMs });

	it("starts with the iteration and again every minute", () => {
		expect(starts(1_000_000)).toEqual([{ start: 1, startedAtMs: 1_000_000 }]);
		expect(starts(1_059_999)).toHaveLength(1);
		expect(starts(1_060_000)).toEqual([
			{ start: 1, startedAtMs: 1_000_000 },
			{ start: 2, startedAtMs: 1_060_000 },
		]);
	});

	it("keeps the last 60 starts", () => {
		const kept = starts(1_000_000 + 100 * 60_000);
		expect(kept).toHaveLength(60);
		expect(kept.at(0)).toEqual({ start: 42, startedAtMs: 1_000_000 + 41 * 60_000 });
		expect(kept.at(-1)).toEqual({ start: 101, startedAtMs: 1_000_000 + 100 * 60_000 });
	});

	it("is the first start alone when the clock runs behind the iteration", () => {
		expect(starts(999_000)).toEqual([{ start: 1, startedAtMs: 1_000_000 }]);
	});

	it.each([[{ nowMs: Number.NaN }], [{ intervalMs: 0 }], [{ keptStarts: 0 }], [{ keptStarts: 1.5 }]])(
		"refuses %j",
		(change) => {
			expect(() => restartSchedule({ iterationStartedAtMs: 0, nowMs: 0, ...change })).toThrow(
				expect.objectContaining({ code: "INVALID_SCHEDULE" }),
			);
		},
	);
});

describe("restartingEProcess", () => {
	it("holds every start against −ln(α/(j(j+1))) and names the strongest", () => {
		const violations = [
			{ start: 3, treatment: 20, control: 1 },
			{ start: 1, treatment: 30, control: 25 },
			{ start: 2, treatment: 25, control: 5 },
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
			{ start: 1, treatment: 20, control: 2 },
			{ start: 50, treatment: 21, control: 2 },
		];
		const { starts, strongest } = restartingEProcess({ ...design, violations });
		expect(starts[1]?.logEValue).toBeGreaterThan(starts[0]?.logEValue ?? Number.NaN);
		expect(strongest.start).toBe(1);
	});

	it("has weights that sum to at most 1 however long it runs", () => {
		let spent = 0;
		for (let first = 1; first <= 5000; first += 60) {
			const violations = Array.from({ length: 60 }, (_, index) => ({ start: first + index, treatment: 0, control: 0 }));
			for (const { logThreshold } of restartingEProcess({ ...design, violations }).starts) {
				spent += Math.exp(-logThreshold) / design.alpha;
			}
		}
		expect(spent).toBeLessThan(1);
		expect(spent).toBeGreaterThan(0.999);
	});

	it("drops starts older than the last 60 for good", () => {
		const violations = [
			{ start: 1, treatment: 1000, control: 0 },
			{ start: 61, treatment: 0, control: 0 },
		];
		const { starts, breached } = restartingEProcess({ ...design, violations });
		expect(starts.map(({ start }) => start)).toEqual([61]);
		expect(breached).toBe(false);
		expect(restartingEProcess({ ...design, violations, keptStarts: 61 }).breached).toBe(true);
	});

	it("is a union and not a sum: two starts just below their thresholds are no breach", () => {
		const below = [
			{ start: 1, treatment: 17, control: 3 },
			{ start: 2, treatment: 17, control: 2 },
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
				{ start: 1, treatment: 0, control: 0 },
				{ start: 1, treatment: 1, control: 0 },
			],
		],
		["start 0", [{ start: 0, treatment: 0, control: 0 }]],
	])("refuses %s", (_, violations) => {
		expect(() => restartingEProcess({ ...design, violations })).toThrow(
			expect.objectContaining({ code: "INVALID_SCHEDULE" }),
		);
	});
});

interface Stream {
	readonly seed: number;
	readonly users: number;
	/** Earlier requests a user before treatment's error rate changes. */
	readonly requestsBefore: number;
	/** From then on; control and everything before: 1 %. */
	readonly changedRate: number;
	readonly lastsMs: number;
	readonly keptStarts: number;
	readonly restarts: boolean;
}

/** First breach, in ms after the change (negative: before it), of 50 requests a second at 50/50; null without one. */
function firstBreach(stream: Stream): number | null {
	const random = seededRandom(stream.seed);
	const changeAtMs = (stream.requestsBefore * stream.users * 1000) / 50;
	const lastViolationMs = new Float64Array(stream.users).fill(Number.NEGATIVE_INFINITY);
	const counts = new Map<number, { treatment: number; control: number }>();
	const endMs = changeAtMs + stream.lastsMs;
	for (let nowMs = 0; nowMs < endMs; nowMs += 20) {
		const user = random.integer(stream.users);
		const arm = user % 2 === 0 ? "treatment" : "control";
		const rate = arm === "treatment" && nowMs >= changeAtMs ? stream.changedRate : 0.01;
		if (!random.bernoulli(rate)) continue;
		const schedule: Restart[] = stream.restarts
			? restartSchedule({ iterationStartedAtMs: 0, nowMs, keptStarts: stream.keptStarts })
			: [{ start: 1, startedAtMs: 0 }];
		const violations = schedule.map(({ start, startedAtMs }) => {
			const since = counts.get(start) ?? { treatment: 0, control: 0 };
			// A violation is a start's first of this user unless the user violated since that start.
			if (lastViolationMs[user]! < startedAtMs) since[arm]++;
			counts.set(start, since);
			return { start, ...since };
		});
		lastViolationMs[user] = nowMs;
		// One start alone needs no weight: e ≥ 1/α.
		const breached = stream.restarts
			? restartingEProcess({ ...design, violations }).breached
			: firstViolationEProcess(violations[0]!, design).pValue <= design.alpha;
		if (breached && arm === "treatment") return nowMs - changeAtMs;
	}
	return null;
}

function delaysMs(streams: number, stream: Omit<Stream, "seed" | "users" | "keptStarts">): number[] {
	return Array.from({ length: streams }, (_, seed) =>
		// 25 kept starts reach as far back as these changes need and save time.
		firstBreach({ ...stream, seed: 500 + seed, users: 3000, keptStarts: 25 }),
	)
		.map((delay) => delay ?? Number.POSITIVE_INFINITY)
		.filter((delay) => delay >= 0)
		.sort((a, b) => a - b);
}

describe("restartingEProcess on a stream of requests", () => {
	it("sees a rate of 30 % after 20 earlier requests a user within seconds, where one start takes four times as long", () => {
		const change = { requestsBefore: 20, changedRate: 0.3, lastsMs: 120_000 };
		const restarted = delaysMs(60, { ...change, restarts: true });
		expect(restarted.length).toBeGreaterThanOrEqual(57);
		// Research: 3.3 s, 95 % within 4.6 s, against 13 s.
		expect(restarted[30]).toBeGreaterThan(2500);
		expect(restarted[30]).toBeLessThan(4200);
		expect(restarted[Math.floor(restarted.length * 0.95)]).toBeLessThan(6000);
		const single = delaysMs(30, { ...change, restarts: false });
		expect(single[15]).toBeGreaterThan(9000);
	});

	it("sees a bad treatment at once when it is bad from the start", () => {
		const delays = delaysMs(30, { requestsBefore: 0, changedRate: 0.3, lastsMs: 60_000, restarts: true });
		// Research: 1.7 s, 95 % within 2.6 s.
		expect(delays[15]).toBeGreaterThan(1000);
		expect(delays[15]).toBeLessThan(2500);
	});

	it("raises false alarms in at most α of the streams, checked at every violation", () => {
		const streams = 400;
		let alarms = 0;
		for (let seed = 0; seed < streams; seed++) {
			const nothingChanges = { requestsBefore: 0, changedRate: 0.01, lastsMs: 600_000, restarts: true };
			if (firstBreach({ ...nothingChanges, seed: 9000 + seed, users: 3000, keptStarts: 60 }) !== null) alarms++;
		}
		expect(alarms / streams).toBeLessThanOrEqual(0.03);
		expect(alarms).toBeGreaterThan(0);
	});
});
