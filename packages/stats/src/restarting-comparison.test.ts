import { describe, expect, it } from "vitest";
import { oneSidedLogEValue, tuneRhoSquared } from "./asymptotic-confidence-sequence.ts";
import { compareOneSided } from "./one-sided-comparison.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { restartSchedule } from "./restart-schedule.ts";
import { type RestartingComparisonOptions, restartingComparison } from "./restarting-comparison.ts";
import { estimated } from "./test-support/estimated.ts";
import { firstComparisonBreach } from "./test-support/latency-stream.ts";
import { bernoulliSums } from "./test-support/ratio-sums-of.ts";

type Options = RestartingComparisonOptions<RatioSums<number>>;
const design: Omit<Options, "starts"> = { alpha: 0.05, plannedUnits: 1000, plannedShare: 0.5, direction: "decrease" };
const start = (at: number, weight: number, errors: number, units = 1000) => ({
	start: at,
	weight,
	control: bernoulliSums(units, Math.round(units / 10)),
	treatment: bernoulliSums(units, errors),
});

function watched(starts: Options["starts"], change: Partial<typeof design> = {}) {
	const result = restartingComparison({ ...design, ...change, starts });
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

describe("restartingComparison", () => {
	it("holds every start against −ln(α·weight) and names the strongest", () => {
		const result = watched([start(7, 0.01, 170), start(1, 0.5, 110)]);
		expect(result.starts.map((each) => each.start)).toEqual([1, 7]);
		expect(result.starts.map(({ logThreshold }) => logThreshold)).toEqual([
			expect.closeTo(-Math.log(0.025), 12),
			expect.closeTo(-Math.log(0.0005), 12),
		]);
		expect(result.strongest).toBe(result.starts[1]);
		expect(result.strongest.distance).toBeCloseTo(-0.07, 12);
		expect(result.breached).toBe(true);
		expect(watched([start(7, 0.0001, 150), start(1, 0.5, 110)]).breached).toBe(false);
	});

	it("names the strongest wherever it stands", () => {
		const result = watched([start(1, 0.3, 170), start(7, 0.3, 120), start(9, 0.3, 110)]);
		expect(result.strongest.start).toBe(1);
	});

	it("tunes one mixture for all starts, at a hundredth of alpha", () => {
		const [only] = watched([start(3, 0.5, 150)]).starts;
		const { distance, standardError, effectiveUnits } = estimated(
			compareOneSided({ ...design, ...start(3, 0.5, 150) }),
		);
		// One side, so tuned at twice the level; half of a thousand planned units in equal arms.
		const rhoSquared = tuneRhoSquared(2 * 0.05 * 0.01, 500);
		expect(only!.logEValue).toBeCloseTo(oneSidedLogEValue(-distance / standardError, effectiveUnits, rhoSquared), 10);
	});

	it("gives a start the same e-value whatever its weight is by now", () => {
		const [heavy, light] = [0.5, 0.001].map((weight) => watched([start(3, weight, 150)]).starts[0]!);
		expect(heavy!.logEValue).toBe(light!.logEValue);
		expect(light!.logThreshold - heavy!.logThreshold).toBeCloseTo(Math.log(500), 10);
	});

	it("sees what the comparison since the beginning averages away", () => {
		const before = start(1, 0.4, 1010, 10_000);
		const recent = start(40, 0.003, 100, 400);
		const since = compareOneSided({ ...design, plannedUnits: 20_000, ...before });
		expect(since.kind === "estimated" && since.upperBound > 0).toBe(true);
		const result = watched([before, recent]);
		expect(result.breached).toBe(true);
		expect(result.strongest.start).toBe(40);
	});

	it("leaves out starts with too few units, and is not estimable when none is left", () => {
		expect(watched([start(1, 0.5, 10, 100), start(2, 0.1, 9, 99)]).starts).toHaveLength(1);
		expect(restartingComparison({ ...design, starts: [start(1, 0.5, 9, 99)] })).toMatchObject({
			kind: "not-estimable",
			reason: "too-few-units",
		});
	});

	it.each([
		["INVALID_SCHEDULE", { starts: [] }],
		["INVALID_SCHEDULE", { starts: [start(1, 0.1, 5), start(1, 0.2, 5)] }],
		["INVALID_SCHEDULE", { starts: [start(0, 0.1, 5)] }],
		["INVALID_SCHEDULE", { starts: [start(1, 0, 5)] }],
		["INVALID_SCHEDULE", { starts: [start(1, 0.6, 5), start(2, 0.6, 5)] }],
		["INVALID_ALPHA", { alpha: 0.5 }],
		["INVALID_MARGIN", { margin: -1 }],
		["INVALID_PLANNED_UNITS", { plannedUnits: 0 }],
	])("refuses %s", (code, change) => {
		expect(() => restartingComparison({ ...design, starts: [start(1, 0.5, 10)], ...change })).toThrow(
			expect.objectContaining({ code }),
		);
	});

	it("works with the schedule of the restarting e-process", () => {
		const schedule = restartSchedule({ iterationStartedAtMs: 0, nowMs: 3_600_000 });
		const starts = schedule.map(({ start: at, weight }) => start(at, weight, 100));
		expect(watched(starts)).toMatchObject({ breached: false });
	});
});

describe("restartingComparison on a stream of latencies", () => {
	it("sees treatment become half as slow again within seconds, where one start takes several times as long", () => {
		const delays = (restarts: boolean, streams: number) =>
			Array.from({ length: streams }, (_, seed) =>
				firstComparisonBreach({ seed, restarts, changeAtMs: 1_205_000, factor: 1.5, endMs: 2_400_000 }),
			).sort((a, b) => a - b);
		const restarted = delays(true, 15);
		const single = delays(false, 9);
		expect(restarted[0]).toBeGreaterThan(0);
		expect(restarted[7]).toBeLessThan(90_000);
		expect(single[4]).toBeGreaterThan(2.5 * restarted[7]!);
	});

	it("raises false alarms in at most α of the streams, checked every ten seconds", () => {
		const streams = 60;
		const alarms = Array.from({ length: streams }, (_, seed) =>
			firstComparisonBreach({ seed: 500 + seed, restarts: true, changeAtMs: 0, factor: 1, endMs: 600_000 }),
		).filter(Number.isFinite);
		expect(alarms.length / streams).toBeLessThanOrEqual(0.05);
	});
});
