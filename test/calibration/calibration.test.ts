import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { bars } from "../../bench/calibration/bars.ts";
import { type CalibrationResults, calibrate } from "../../bench/calibration/calibrate.ts";
import { looksAt } from "../../bench/calibration/looks.ts";
import { summarise } from "../../bench/calibration/monte-carlo.ts";
import { report } from "../../bench/calibration/report.ts";
import { returningUsers } from "../../bench/calibration/returning-users.ts";
import type { Scenario } from "../../bench/calibration/scenario.ts";
import { SCENARIOS } from "../../bench/calibration/scenarios.ts";
import { simulate } from "../../bench/calibration/simulate.ts";
import { streamRandom } from "../../bench/calibration/stream-random.ts";
import { bernoulli, type StreamData } from "../../bench/calibration/unit-data.ts";
import { watch } from "../../bench/calibration/watch.ts";

// Few repetitions of bench/calibration, always the same ones. Bounds lie some four standard errors of the simulation
// from what is expected, and nearer to it than what a wrong formula gives.

/** Mean of what a scenario tallies under `name`. */
function measured(scenario: string, cell: string, repetitions: number): (name: string) => number {
	const of = SCENARIOS.find(({ name }) => name === scenario) as Scenario;
	const { sums } = simulate(of, cell, 0, repetitions);
	return (name) => {
		const tallied = sums[name];
		if (tallied === undefined) throw new Error(`${scenario} tallies no "${name}"`);
		return tallied.sum / tallied.count;
	};
}

/** Share of A/A streams in which a method rejects at one of 28 looks. */
function rejections(data: StreamData, share: number, streams: number): (method: string) => number {
	const looks = looksAt(data, share, false);
	const rejected = Array.from({ length: streams }, (_, repetition) => {
		const random = streamRandom("calibration.test", `${data.name}, ${share}`, repetition);
		return watch(data.start(share, 0, random), data, share, looks);
	});
	return (method) => rejected.filter((first) => first.has(`${method}, few`)).length / streams;
}

describe("calibration, in small", () => {
	it("holds the level under watch where a small arm of rare events breaks every other interval", () => {
		const rate = rejections(bernoulli(0.01), 0.05, 300);
		expect(rate("always-valid")).toBeLessThanOrEqual(0.02);
		expect(rate("group-sequential")).toBeLessThanOrEqual(0.065);
		expect(rate("hybrid")).toBeLessThanOrEqual(0.05);
		expect(rate("unsafeguarded")).toBeGreaterThan(0.15);
		expect(rate("unsafeguarded group-sequential")).toBeGreaterThan(0.085);
		expect(rate("t-test")).toBeGreaterThan(0.35);
	});

	it("holds the level for users who return, where counting calls does not", () => {
		const rate = rejections(returningUsers(2000), 0.5, 200);
		expect(rate("always-valid")).toBeLessThanOrEqual(0.06);
		expect(rate("group-sequential")).toBeLessThanOrEqual(0.12);
		expect(rate("hybrid")).toBeLessThanOrEqual(0.09);
		expect(rate("request-level always-valid")).toBeGreaterThan(0.1);
		expect(rate("request-level t-test")).toBeGreaterThan(0.4);
	});

	it("has the power and the sample that the designs promise at the minimum detectable effect", () => {
		const mean = measured("stopping-time", "1×", 400);
		expect(mean("group-sequential: rejects")).toBeCloseTo(0.8, 1);
		expect(mean("group-sequential with futility: rejects")).toBeCloseTo(0.8, 1);
		expect(mean("group-sequential: sample")).toBeCloseTo(0.777, 1);
		expect(Math.abs(mean("always-valid, cap 1×: rejects") - 0.5)).toBeLessThan(0.1);
		expect(Math.abs(mean("always-valid, cap 2×: rejects") - 0.86)).toBeLessThan(0.07);
		expect(Math.abs(mean("hybrid: rejects") - 0.72)).toBeLessThan(0.09);
	});

	it("spends its error rate without an effect, no more and not much less", () => {
		const mean = measured("stopping-time", "0×", 1200);
		expect(Math.abs(mean("group-sequential: rejects") - 0.05)).toBeLessThan(0.035);
		expect(Math.abs(mean("group-sequential with futility: sample") - 0.54)).toBeLessThan(0.08);
		expect(mean("always-valid, cap 1×: rejects")).toBeLessThan(0.04);
		expect(mean("always-valid, cap 1×: rejects")).toBeGreaterThan(0);
		expect(mean("hybrid: rejects")).toBeLessThan(0.045);
		expect(mean("hybrid: rejects")).toBeGreaterThan(0.01);
	});

	it("takes information from a variance that a small arm of rare values does not belittle", () => {
		const mean = measured("group-sequential-information", "Bernoulli 0.01, 1 %", 150);
		expect(mean("rejects")).toBeLessThanOrEqual(0.05);
		expect(mean("unsafeguarded")).toBeGreaterThan(0.4);
		expect(measured("group-sequential-information", "normal, 50 %", 200)("rejects")).toBeLessThanOrEqual(0.12);
	});

	it("tests every planned look of a sum that grows, where spending by information left the last one out", () => {
		const null5 = measured("planned-looks", "calls per unit, 50 %, 5 looks", 150);
		expect(null5("rejects")).toBeLessThanOrEqual(0.12);
		expect(null5("last look untested")).toBe(1);
		const found = measured("planned-looks-power", "calls per unit, 50 %, 5 looks, +15 %", 150);
		expect(found("rejects")).toBeGreaterThan(0.5);
		expect(found("by information")).toBeLessThan(0.1);
	});

	it("adjusts by covariates under watch, in arms of 1 % too", () => {
		const mean = measured("cuped-watch", "lognormal σ 1.5, 1 %", 150);
		expect(mean("safeguarded")).toBeLessThanOrEqual(0.03);
		expect(mean("own")).toBeGreaterThan(0.07);
		expect(measured("cuped-watch", "normal, 50 %", 60)("variance reduction")).toBeCloseTo(0.39, 1);
	});

	it("has the power that was planned, the safeguard's price in it", () => {
		const cells = SCENARIOS.find(({ name }) => name === "planned-power")?.cells ?? [];
		for (const start of [
			"share, 0.10 → 0.08, 10 %, group",
			"share, 0.10 → 0.08, 10 %, hybrid",
			"mean, +0.1 SD, 10 %, hybrid",
		]) {
			const cell = cells.find(({ key }) => key.startsWith(start));
			expect(Math.abs(measured("planned-power", cell?.key ?? start, 500)("found") - 0.8)).toBeLessThan(0.075);
		}
	});

	it("claims a best arm where there is one, and seldom where there is none", () => {
		const cell = (arms: string) => measured("best-arm", arms, 150);
		expect(cell("3 equal normal arms, track-and-stop")("wrong claim")).toBeLessThanOrEqual(0.06);
		expect(cell("3 arms, one ahead by 0.06 SD, track-and-stop")("wrong claim")).toBeLessThanOrEqual(0.06);
	});

	it("bounds means of a few dozen units", () => {
		const mean = measured("bounded-means", "0 or 1, mean 0.9", 150);
		for (const method of ["betting", "empirical-Bernstein", "betting, difference"]) {
			expect(mean(method)).toBeLessThanOrEqual(0.06);
		}
		expect(mean("width of the difference")).toBeLessThan(0.8);
	});

	it("has nearly the power of equal arms in an arm of 1 %", () => {
		const mean = measured("power-by-split", "normal, 1 %, 1×", 600);
		expect(Math.abs(mean("always-valid, few") - 0.48)).toBeLessThan(0.08);
	});

	it.each([
		["mean-coverage", "normal, 50 + 50", 2000, "difference", 0.02],
		["mean-coverage", "normal, 1800 + 200", 1000, "relative", 0.027],
		["ratio-coverage", "1 to 19 calls", 600, "difference", 0.035],
		["ratio-coverage", "users above average call three times as often", 600, "one arm", 0.035],
		["proportion-coverage", "1000 + 1000 units, 0.01 and 0.02", 2000, "newcombe", 0.02],
		["proportion-coverage", "1000 + 1000 units, 0.01 and 0.02", 2000, "one arm", 0.02],
		["quantile-coverage", "p50", 80, "difference", 0.05],
	])("covers 95 %% of the time in %s, %s", (scenario, cell, repetitions, name, tolerance) => {
		expect(Math.abs(measured(scenario, cell, repetitions)(name) - 0.95)).toBeLessThan(tolerance);
	});

	it("covers less when calls are counted as units", () => {
		expect(measured("ratio-coverage", "10 calls each", 300)("request-level")).toBeLessThan(0.8);
	});

	it("sees a broken split, looking after every unit, and cries wolf less often than alpha", () => {
		const fair = measured("sample-ratio", "10 %", 100);
		expect(fair("e-value, 0.05")).toBeLessThanOrEqual(0.05);
		expect(fair("chi-square, 0.05")).toBeGreaterThan(0.3);
		expect(measured("sample-ratio", "10 % planned, 9 % come", 20)("e-value, 0.001")).toBe(1);
	});

	it("watches quantiles of returning users", () => {
		const mean = measured("sequential-quantiles", "50 %", 40);
		expect(mean("0.5 sequential")).toBeLessThanOrEqual(0.05);
		expect(mean("0.95 sequential")).toBeLessThanOrEqual(0.05);
		expect(measured("sequential-quantiles", "50 %, +0.3", 10)("0.95 sequential")).toBe(1);
	});

	it("finds a late change of the error rate in seconds, and is quiet for an hour without one", () => {
		const delay = measured("guardrail-delay", "30 % after 20", 20);
		expect(delay("restarts, found")).toBe(1);
		expect(delay("restarts, s")).toBeLessThan(5);
		expect(measured("guardrail-alarms", "1 h", 20)("restarts")).toBeLessThanOrEqual(0.1);
	});
});

describe("the calibration report", () => {
	const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
	let results: CalibrationResults;
	beforeAll(() => {
		results = JSON.parse(read("bench/calibration/fixtures/results.json"));
	});

	it("is what the results say", () => {
		expect(read("docs/statistics/calibration.md")).toBe(report(results));
	});

	it("shows every scenario and every bar", () => {
		expect(Object.keys(results.cells).sort()).toEqual(SCENARIOS.map(({ name }) => name).sort());
		const text = report(results);
		for (const { bar } of bars(results)) expect(text).toContain(bar);
	});

	it("does not depend on threads, nor on how repetitions are cut into parts", async () => {
		const scenarios = SCENARIOS.filter(({ name }) => name === "proportion-coverage");
		const { cells } = await calibrate({ scenarios, repetitions: 30, workers: 2, minutes: 1 });
		for (const [cell, { repetitions, means }] of Object.entries(cells["proportion-coverage"] ?? {})) {
			expect(repetitions).toBe(120);
			expect(means).toEqual(summarise(simulate(scenarios[0] as Scenario, cell, 0, repetitions)).means);
		}
		expect(Object.keys(cells["proportion-coverage"] ?? {})).toHaveLength(6);
	});
});
