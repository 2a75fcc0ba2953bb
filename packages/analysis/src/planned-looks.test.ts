import type { MetricTotalsRequest } from "@armspan/store";
import { expect, test } from "vitest";
import { plannedLooks } from "./planned-looks.ts";
import { experimentOf, momentsOf, totalsOf } from "./test-support.ts";

const HOUR_MS = 3_600_000;
const now = new Date("2026-11-20T12:00:00Z");
const request: MetricTotalsRequest = {
	...{ experiment: "tone", iteration: 1, untilRevision: 7, environment: "production" },
	...{ metrics: [], asOf: now, unitType: "user", prompt: "reply" },
};

/** A store in which the n-th unit came n minutes after nine. */
function storeOf(arrived: number) {
	const asked: MetricTotalsRequest[] = [];
	const keys: unknown[] = [];
	return {
		asked,
		keys,
		sumsSinceStarts: async () => [],
		arrivalTimes: async ({ numbers, ...key }: { numbers: readonly number[] }) => {
			keys.push(key);
			const nine = Date.parse("2026-11-20T09:00:00Z");
			return numbers.filter((number) => number <= arrived).map((number) => new Date(nine + number * 60_000));
		},
		metricTotals: async (of: MetricTotalsRequest) => {
			asked.push(of);
			return totalsOf({ control: { units: 1, latency: momentsOf([1]) } });
		},
	};
}
const looksOf = async (store: ReturnType<typeof storeOf>, changes: Record<string, unknown>, maturationMs?: number) =>
	(
		await plannedLooks(
			store,
			experimentOf({ plannedUnits: 101, ...changes }),
			maturationMs === undefined ? request : { ...request, maturationMs },
		)
	).map(({ look }) => look);

test("each look holds what was there when its share of the units had come", async () => {
	const store = storeOf(60);
	expect(await looksOf(store, { inference: "group-sequential", plannedLooks: 4 })).toEqual([
		{ number: 1, of: 4, units: 1, evidenceUntil: "2026-11-20T09:26:00.000Z", final: false },
		{ number: 2, of: 4, units: 1, evidenceUntil: "2026-11-20T09:51:00.000Z", final: false },
	]);
	expect(store.keys).toEqual([
		{
			...{ experiment: "tone", iteration: 1, untilRevision: 7, environment: "production" },
			variants: ["control", "friendly"],
		},
	]);
	expect(store.asked).toMatchObject([
		{ asOf: new Date("2026-11-20T09:26:00Z"), isPlannedLook: true, untilRevision: 7 },
		{ asOf: new Date("2026-11-20T09:51:00Z"), isPlannedLook: true },
	]);
});

test.each(["fixed", "hybrid"])("%s has one look, at the end", async (inference) => {
	expect(await looksOf(storeOf(100), { inference })).toEqual([]);
	expect(await looksOf(storeOf(101), { inference })).toMatchObject([{ number: 1, of: 1, final: true }]);
});

test("a look waits until its units have matured", async () => {
	const changes = { inference: "fixed" };
	expect(await looksOf(storeOf(101), changes, HOUR_MS)).toMatchObject([{ evidenceUntil: "2026-11-20T11:41:00.000Z" }]);
	expect(await looksOf(storeOf(101), changes, 2 * HOUR_MS)).toEqual([]);
});

test("what holds at every look has no planned ones", async () => {
	const store = storeOf(1000);
	expect(await looksOf(store, { inference: "always-valid" })).toEqual([]);
	expect(store.keys).toEqual([]);
});
