import { BUILT_IN_METRICS, type MetricDefinition } from "@armspan/schema";
import type { MetricSums, MetricTotals, VersionTotalsRequest } from "@armspan/store";
import { expect, test } from "vitest";
import { metricHistory } from "./metric-history.ts";

const since = new Date("2026-11-10T00:00:00Z");
const until = new Date("2026-11-14T00:00:00Z");

/** Sums of what each unit observed. */
function sumsOf(units: readonly (readonly number[])[], scale: number): MetricSums {
	const observed = units.filter((values) => values.length > 0);
	const total = (of: (sum: number, count: number) => number) =>
		BigInt(
			observed.reduce(
				(all, values) =>
					all +
					of(
						values.reduce((sum, value) => sum + value, 0),
						values.length,
					),
				0,
			),
		);
	return {
		units: observed.length,
		...{ sumY: total((y) => y), sumN: total((_, n) => n), sumYY: total((y) => y * y) },
		...{ sumNN: total((_, n) => n * n), sumYN: total((y, n) => y * n) },
		sumOfSquares: BigInt(observed.flat().reduce((sum, value) => sum + value * value, 0)),
		...{ scale, winsorized: null, covariate: null, cacheHits: null, cells: null },
	};
}

function storeOf(
	arms: readonly { variant: string; day: string; units: readonly (readonly number[])[] }[],
	metric: MetricDefinition,
) {
	const asked: VersionTotalsRequest[] = [];
	const scale = metric.kind === "proportion" ? 1 : 1000;
	const totals: MetricTotals = {
		...{ excludedUnits: 0, immatureUnits: 0, newestCallAt: null, newestEventAt: null },
		arms: arms.map(({ variant, day, units }) => ({
			...{ variant, day, units: units.length, calls: units.flat().length },
			...{ undeliveredCalls: 0, quarantinedCalls: 0, errorTypes: new Map() },
			metrics: { [metric.key]: sumsOf(units, scale) },
		})),
	};
	const versionTotals = async (request: VersionTotalsRequest) => {
		asked.push(request);
		return totals;
	};
	return { store: { versionTotals }, asked };
}

const latency = BUILT_IN_METRICS.get("latency") as MetricDefinition;
test("what was not measured says which days were looked at, and that today is none of them", async () => {
	const { planned } = await metricHistory({ ...storeOf([], latency), ...base, metric: latency });
	expect(planned).toMatchObject({ kind: "not-estimable", reason: "no-observations" });
	expect(planned.kind === "not-estimable" && planned.message).toMatch(
		/^There is no latency of 1\.0\.0 from 2026-11-10 until before 2026-11-14\. Only whole days before today \(UTC\) count/,
	);
});

const base = { prompt: "reply", version: "1.0.0", since, until };

test("baseline and spread are of the one version, traffic of all, from its first day on", async () => {
	const { store, asked } = storeOf(
		[
			{ variant: "1.0.0", day: "2026-11-11", units: [[1000, 1200], [2000, 2100], [1500]] },
			{ variant: "2.0.0", day: "2026-11-11", units: [[9000]] },
			{ variant: "1.0.0", day: "2026-11-13", units: [[1300, 1300]] },
		],
		latency,
	);
	const found = await metricHistory({ ...base, store, metric: latency, otherVersions: ["2.0.0", "1.0.0"] });
	expect(asked[0]?.versions).toEqual(["1.0.0", "2.0.0"]);
	expect(found.newUnitsPerDay).toEqual([4, 0, 1]);
	expect(found.source).toMatchObject({ kind: "history", units: 4, observations: 7 });
	const mean = 10_400 / 7;
	const residuals = [2200 - 2 * mean, 4100 - 2 * mean, 1500 - mean, 2600 - 2 * mean];
	// K·Var(R) = K²·Σ(Y − R·N)²/((K − 1)·K) over N̄², in ms²
	const variance = residuals.reduce((sum, one) => sum + one * one, 0) / 3 / (7 / 4) ** 2 / 1e6;
	expect(found.planned).toMatchObject({ kind: "mean", baseline: mean / 1000 });
	expect(found.planned.kind === "mean" && found.planned.variancePerUnit).toBeCloseTo(variance, 9);
});

test("units without an observation are planned for: a metric that one unit in four has needs four times the units", async () => {
	const observed = [[1000], [2000], [1500], [1700]];
	const all = storeOf([{ variant: "1.0.0", day: "2026-11-11", units: observed }], latency);
	const silent: number[][] = Array.from({ length: 12 }, () => []);
	const some = storeOf([{ variant: "1.0.0", day: "2026-11-11", units: [...observed, ...silent] }], latency);
	const [one, four] = [
		(await metricHistory({ ...base, store: all.store, metric: latency })).planned,
		(await metricHistory({ ...base, store: some.store, metric: latency })).planned,
	];
	if (one.kind !== "mean" || four.kind !== "mean") throw new Error("expected means");
	expect(four.baseline).toBe(one.baseline);
	expect(four.variancePerUnit / one.variancePerUnit).toBeCloseTo(4, 12);
});

test("a share of units needs no spread", async () => {
	const conversion = BUILT_IN_METRICS.get("conversion") as MetricDefinition;
	const { store } = storeOf([{ variant: "1.0.0", day: "2026-11-11", units: [[1], [0], [0], [0]] }], conversion);
	expect((await metricHistory({ ...base, store, metric: conversion })).planned).toEqual({
		kind: "proportion",
		baseline: 0.25,
	});
});

test("no history is no plan, and says so", async () => {
	const { store } = storeOf([], latency);
	const found = await metricHistory({ ...base, store, metric: latency, environment: "staging" });
	expect(found.newUnitsPerDay).toBeNull();
	expect(found.planned).toMatchObject({ kind: "not-estimable", reason: "no-observations" });
});
