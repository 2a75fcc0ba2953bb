import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS, MetricDefinition } from "@armspan/schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { bruteForceSegments, bruteForceTotals } from "./brute-force-totals.ts";
import { type Evidence, logRowsOf, type RandomRow, randomEvidence, traceRowsOf } from "./random-evidence.ts";
import { CELL_STARTS, VALUE_GRID } from "./value-grid.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-metrics-"));
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
});

afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

/** Built-in ones, and own ones that use every field of a definition. */
const METRICS = [
	...BUILT_IN_METRICS.values(),
	...[
		{ key: "capped", source: "calls", kind: "mean", value: "latency", winsorCap: 1.5, direction: "decrease" },
		{
			...{ key: "cost-before", source: "calls", kind: "mean", value: "cost", covariateDays: 3, direction: "decrease" },
			winsorCap: 0.001,
		},
		{
			...{ key: "bill", source: "calls", kind: "mean", per: "unit", value: "cost", winsorCap: 0.004 },
			...{ covariateDays: 9, direction: "decrease" },
		},
		{
			...{ key: "active", source: "calls", kind: "proportion", per: "unit", direction: "increase", covariateDays: 2 },
			where: [{ column: "model", startsWith: "gpt-'" }],
			event: [{ column: "output-tokens", atLeast: 200 }],
		},
		{
			...{ key: "thumbs", source: "feedback", kind: "mean", value: "score", direction: "increase", covariateDays: 5 },
			where: [{ column: "score", below: 0.9 }],
		},
		{
			...{ key: "per-token", source: "calls", kind: "ratio", value: "latency", denominator: "output-tokens" },
			...{ direction: "decrease", where: [{ column: "cached", is: false }], covariateDays: 4 },
		},
		{
			...{ key: "limited", source: "calls", kind: "proportion", direction: "decrease" },
			...{ where: [{ column: "provider", notIn: ["other", "it's \\ 'quoted'"] }] },
			event: [{ column: "error-type", in: ["rate_limit", "a,b'] OR 1=1 --"] }],
		},
		{
			...{ key: "faithful", source: "evaluations", kind: "mean", value: "score", direction: "increase" },
			where: [
				{ column: "name", in: ["faithful"] },
				{ column: "label", notIn: ["skip"] },
			],
		},
		{ key: "tokens-p90", source: "calls", kind: "quantile", level: 0.9, value: "output-tokens", direction: "decrease" },
	].map((definition) => MetricDefinition.parse(definition)),
];

async function deliver(evidence: Evidence): Promise<void> {
	await store.insertTraces(traceRowsOf(evidence));
	await store.insertLogs(logRowsOf(evidence));
	// Repeated deliveries in another order and grouping change nothing.
	await store.insertTraces(traceRowsOf(evidence).reverse().slice(0, 100));
	await store.insertLogs(logRowsOf(evidence).reverse().slice(0, 50));
}

describe("metricTotals", () => {
	test.each([1, 2])("equals a computation outside of ClickHouse, seed %i", async (seed) => {
		const evidence = randomEvidence(seed);
		await deliver(evidence);
		const key = {
			experiment: evidence.experiment,
			iteration: 1,
			unitType: "user",
			prompt: `reply-${seed}`,
			metrics: METRICS,
		};
		const end = new Date(evidence.startMs + 6 * 86_400_000);
		const middle = new Date(evidence.startMs + 2.5 * 86_400_000);
		for (const request of [
			{ ...key, asOf: end, splitByCache: true },
			{ ...key, asOf: end, untilRevision: 2, environment: "production" },
			{ ...key, asOf: end, closedAt: middle, splitByCache: true },
			{ ...key, asOf: end, untilRevision: 2, closedAt: new Date(middle.getTime() + 1), maturationMs: 3_600_000 },
			{ ...key, asOf: middle, maturationMs: 30 * 3_600_000 },
			{ ...key, asOf: middle, isPlannedLook: true, splitByCache: true },
			{ ...key, asOf: middle, isPlannedLook: true, maturationMs: 20 * 3_600_000, untilRevision: 2 },
		]) {
			const totals = await store.metricTotals(request);
			const hits = totals.arms.flatMap(({ metrics }) => metrics.cost?.cacheHits?.sumW ?? []);
			expect(hits.some((count) => count > 0n)).toBe("splitByCache" in request);
			const expected = bruteForceTotals(evidence, request);
			expect(totals).toEqual(expected);
			expect(totals.arms.length).toBeGreaterThan(3);
			expect(totals.excludedUnits).toBeGreaterThan(0);

			const bySegment = { ...request, splitByCache: false, segments: ["plan", "country"] };
			const segments = await store.segmentTotals(bySegment);
			expect(segments).toEqual(bruteForceSegments(evidence, bySegment));
			const units = (of: { arms: readonly { units: number }[] }[]) =>
				of.flatMap(({ arms }) => arms).reduce((sum, arm) => sum + arm.units, 0);
			for (const name of bySegment.segments) {
				expect(units(segments.filter(({ segment }) => segment === name))).toBe(units([totals]));
			}
		}
	});

	test("a unit belongs to what its first exposure said; few values share one stratum, late ones are none", async () => {
		const evidence = randomEvidence(4);
		await deliver(evidence);
		const segments = await store.segmentTotals({
			...{ experiment: evidence.experiment, iteration: 1, unitType: "user", prompt: "reply-4", metrics: [] },
			...{ asOf: new Date(0), segments: ["country", "plan", "nowhere"] },
		});
		const kinds = (name: string) => segments.filter(({ segment }) => segment === name).map(({ kind }) => kind);
		// Of the twenty most frequent values, some have no unit that is counted.
		const shown = kinds("country").filter((kind) => kind === "value").length;
		expect([shown > 15, shown <= 20]).toEqual([true, true]);
		expect(kinds("country")).toEqual(expect.arrayContaining(["none", "other"]));
		expect(kinds("nowhere")).toEqual(["none"]);
		const plans = segments.filter(({ segment, kind }) => segment === "plan" && kind === "value");
		expect(plans.map(({ value }) => value)).toEqual(expect.arrayContaining(["free", "it's \\ 'quoted'", "pro"]));
	});

	test("units come in the order of their first exposure", async () => {
		const evidence = randomEvidence(7);
		await deliver(evidence);
		const key = { experiment: evidence.experiment, iteration: 1 };
		const totals = await store.metricTotals({
			...{ ...key, unitType: "user", prompt: "reply", metrics: [], asOf: new Date(0) },
		});
		const units = totals.arms.reduce((sum, arm) => sum + arm.units, 0);
		const times = await store.arrivalTimes({ ...key, numbers: [1, 10, units, units + 1] });
		expect(times.length).toBe(3);
		for (const [index, number] of [1, 10, units].entries()) {
			const asOf = times[index] as Date;
			const before = new Date(asOf.getTime() - 1);
			const request = { ...key, unitType: "user", prompt: "reply", metrics: [], isPlannedLook: true };
			const arrived = bruteForceTotals(evidence, { ...request, asOf }).arms.reduce((sum, arm) => sum + arm.units, 0);
			const earlier = bruteForceTotals(evidence, { ...request, asOf: before }).arms;
			expect(arrived).toBeGreaterThanOrEqual(number);
			expect(earlier.reduce((sum, arm) => sum + arm.units, 0)).toBeLessThan(number);
		}
	});

	test("versions without an experiment: every call and event that names them, a unit once in each", async () => {
		const evidence = randomEvidence(9);
		await deliver(evidence);
		const until = new Date(evidence.startMs + 2 * 86_400_000);
		const counted = ({ atMs, shadow, environment }: RandomRow) =>
			atMs >= evidence.startMs && atMs < until.getTime() && !shadow && environment !== "staging";
		const request = { prompt: "reply-9", since: new Date(evidence.startMs), until, environment: "production" };
		const ofCalls = METRICS.filter((metric) => metric.source === "calls" && metric.covariateDays === undefined);
		// As if each version were an arm, and a unit another one in each.
		const calls = evidence.calls.filter(counted).map((call) => ({
			...call,
			...{ experiment: "versions", iteration: 1, enrolled: true, variant: call.version },
			unit: `${call.version} ${call.unit}`,
		}));
		const expected = bruteForceTotals(
			{ experiment: "versions", startMs: evidence.startMs, calls, exposures: [], events: [] },
			{ experiment: "versions", iteration: 1, unitType: "user", prompt: "reply-9", metrics: ofCalls, asOf: until },
		);
		const versions = ["1.0.0", "2.0.0"];
		expect(await store.versionTotals({ ...request, versions, metrics: ofCalls })).toEqual(expected);

		const users = Map.groupBy(calls, ({ unit }) => unit.slice("1.0.0 ".length));
		const both = [...users.values()].filter((own) => new Set(own.map(({ version }) => version)).size === 2);
		expect(both.length).toBeGreaterThan(20);
		const products = Object.fromEntries(
			ofCalls
				.filter(({ kind }) => kind !== "quantile")
				.map(({ key }) => [key, { sumYY: 0n, sumYN: 0n, sumNY: 0n, sumNN: 0n }]),
		);
		for (const own of both) {
			const { arms } = bruteForceTotals(
				{ experiment: "versions", startMs: evidence.startMs, calls: own, exposures: [], events: [] },
				{ experiment: "versions", iteration: 1, unitType: "user", prompt: "reply-9", metrics: ofCalls, asOf: until },
				() => "",
			);
			for (const [key, product] of Object.entries(products)) {
				const [first, second] = versions.map((version) => arms.find((arm) => arm.variant === version)?.metrics[key]);
				if (first === undefined || second === undefined) throw new Error("a unit of both has an arm in each");
				product.sumYY += first.sumY * second.sumY;
				product.sumYN += first.sumY * second.sumN;
				product.sumNY += first.sumN * second.sumY;
				product.sumNN += first.sumN * second.sumN;
			}
		}
		expect(await store.versionOverlap({ ...request, versions, metrics: ofCalls })).toEqual({
			...{ units: both.length, metrics: products },
		});

		const scored = evidence.events.filter(
			(event) => counted(event) && event.kind === "feedback" && event.scoreMicros !== null && event.version === "2.0.0",
		);
		const called = new Set(calls.map(({ unit }) => unit));
		const feedback = METRICS.filter(({ key }) => key === "feedback");
		const { arms } = await store.versionTotals({ ...request, versions: ["2.0.0"], metrics: feedback });
		expect(arms.reduce((sum, arm) => sum + Number(arm.metrics.feedback?.sumN), 0)).toBe(
			scored.filter(({ unit }) => called.has(`2.0.0 ${unit}`)).length,
		);
	});

	test("without rows there is nothing, whatever is asked", async () => {
		const request = { ...{ experiment: "nobody", iteration: 1, unitType: "user", prompt: "reply" }, asOf: new Date(0) };
		const nothing = { excludedUnits: 0, immatureUnits: 0, newestCallAt: null, newestEventAt: null, arms: [] };
		expect(await store.metricTotals({ ...request, metrics: METRICS })).toEqual(nothing);
		expect(await store.metricTotals({ ...request, metrics: [], maturationMs: 1 })).toEqual(nothing);
	});
});

describe("VALUE_GRID", () => {
	test("rises in steps of one, then of 2 %, and no cell is left out", () => {
		expect(VALUE_GRID.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
		expect(VALUE_GRID.at(-1)).toBe(1e12);
		expect(CELL_STARTS.length).toBe(VALUE_GRID.length + 1);
		VALUE_GRID.forEach((value, index) => {
			const previous = VALUE_GRID[index - 1] ?? 0;
			expect(value - previous === 1 || value / previous <= 1.0301).toBe(true);
			expect(CELL_STARTS[index + 1]).toBe(value + 1);
		});
	});
});
