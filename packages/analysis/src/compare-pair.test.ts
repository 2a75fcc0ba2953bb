import { MetricDefinition } from "@armspan/schema";
import {
	compareQuantilesSequentially,
	compareRatios,
	fixedComparison,
	gridQuantileEstimate,
	groupSequentialTest,
	hybridComparison,
	ratioContrast,
	safeguardedContrast,
} from "@armspan/stats";
import { type MetricSums, VALUE_GRID } from "@armspan/store";
import { describe, expect, test } from "vitest";
import { comparePair, type PairEvidence } from "./compare-pair.ts";
import { covariateSums, gridEvidence, overallEvidence, ratioSums } from "./evidence.ts";
import type { LookEvidence } from "./planned-looks.ts";
import { momentsOf, totalsOf } from "./test-support.ts";

const metric = MetricDefinition.parse({
	...{ key: "faithful", source: "evaluations", kind: "mean", value: "score", direction: "increase" },
});
const pair = { against: "control", variant: "friendly", alpha: 0.05, plannedUnits: 4000, plannedShare: 0.5 };

/** Values in a fixed disorder around a mean. */
const values = (count: number, mean: number) =>
	Array.from({ length: count }, (_, index) => mean + ((index * 7919) % 101) - 50);

function evidenceOf(count: number, friendlyMean: number, change: (sums: MetricSums, arm: string) => void = () => {}) {
	const arm = (variant: string, mean: number) => {
		const sums = momentsOf(values(count, mean), 1, 1e6);
		change(sums, variant);
		return { units: count, [metric.key]: sums };
	};
	return overallEvidence(totalsOf({ control: arm("control", 100), friendly: arm("friendly", friendlyMean) }));
}

const look = (number: number, of: number, evidence: PairEvidence["now"]): LookEvidence => ({
	look: { number, of, units: 100 * number, evidenceUntil: "2026-11-20T10:00:00.000Z", final: number === of },
	evidence,
});
const sumsOf = (evidence: PairEvidence["now"]) => ({
	control: ratioSums(evidence, "control", metric),
	treatment: ratioSums(evidence, "friendly", metric),
});
const compare = (inference: "always-valid" | "fixed" | "group-sequential" | "hybrid", evidence: PairEvidence) =>
	comparePair(metric, pair, evidence, { inference, plannedUnits: 4000 });
const strip = ({ value, lower, upper }: { value: number; lower: number; upper: number }) => ({
	value: expect.closeTo(value, 12),
	lower: expect.closeTo(lower, 12),
	upper: expect.closeTo(upper, 12),
});

describe("comparePair", () => {
	const now = evidenceOf(2000, 104);

	test("always valid: the safeguarded confidence sequence", () => {
		const expected = compareRatios({ ...sumsOf(now), ...pair, scale: 1e6 });
		const found = compare("always-valid", { now, looks: [] });
		if (expected.kind !== "estimated" || found.kind !== "estimated") throw new Error("expected numbers");
		expect(found).toMatchObject({ absoluteEffect: expected.absoluteEffect, pValue: expected.pValue, look: null });
	});

	test("fixed: nothing before the planned look, the t-test of its evidence then, whatever came later", () => {
		expect(compare("fixed", { now, looks: [] })).toMatchObject({ kind: "waiting" });
		const end = evidenceOf(500, 109);
		const { control, treatment } = sumsOf(end);
		const contrast = ratioContrast(control, treatment, { scale: 1e6 });
		if (contrast.kind !== "estimated") throw new Error(contrast.message);
		const expected = fixedComparison(contrast, { alpha: 0.05 });
		const found = compare("fixed", { now, looks: [look(1, 1, end)] });
		if (expected.kind !== "estimated" || found.kind !== "estimated") throw new Error("expected numbers");
		expect(found.absoluteEffect).toMatchObject(strip(expected.absoluteEffect));
		expect(found).toMatchObject({ pValue: expected.pValue, shown: 1, look: { number: 1, final: true } });
	});

	test.each([false, true])("hybrid, at its end: %s", (final) => {
		const looks = final ? [look(1, 1, now)] : [];
		const expected = hybridComparison({ ...sumsOf(now), ...pair, scale: 1e6, final });
		const found = compare("hybrid", { now, looks });
		if (expected.kind !== "estimated" || found.kind !== "estimated") throw new Error("expected numbers");
		expect(found.absoluteEffect).toMatchObject(strip(expected.absoluteEffect));
		expect(found.pValue).toBeCloseTo(expected.pValue, 12);
	});

	test("group-sequential: a bound for each look, and what was rejected stays rejected", () => {
		expect(compare("group-sequential", { now, looks: [] })).toMatchObject({ kind: "waiting" });
		const first = evidenceOf(400, 102);
		const second = evidenceOf(800, 112);
		const third = evidenceOf(1200, 100);
		const one = compare("group-sequential", { now, looks: [look(1, 3, first)] });
		expect(one).toMatchObject({ shown: 0, pValue: 1, look: { number: 1, of: 3 } });
		const { control, treatment } = sumsOf(first);
		const contrast = safeguardedContrast(control, treatment, { scale: 1e6 });
		if (contrast.kind !== "estimated") throw new Error(contrast.message);
		const tested = groupSequentialTest({
			design: { alpha: 0.05, sides: 2, spending: { kind: "obrien-fleming" } },
			pastLooks: [],
			effect: { value: contrast.difference, variance: contrast.variance },
			plannedVariance: contrast.variance / 3,
			units: { control: 400, treatment: 400 },
		});
		if (tested.kind !== "estimated" || one.kind !== "estimated" || tested.upper === null) throw new Error("numbers");
		expect(one.absoluteEffect).toMatchObject(strip({ value: contrast.difference, ...tested, upper: tested.upper }));
		const looks = [look(1, 3, first), look(2, 3, second), look(3, 3, third)];
		const found = compare("group-sequential", { now, looks });
		expect(found).toMatchObject({ shown: 1, look: { number: 2, of: 3 } });
		if (found.kind !== "estimated") throw new Error("expected numbers");
		expect(found.looks.map(({ number, kind }) => [number, kind])).toEqual([
			[1, "tested"],
			[2, "tested"],
		]);
		expect(found.pValue).toBeLessThan(0.05);
	});

	test("group-sequential: looks that know no more are tested, down to the last, and can reject", () => {
		// The spread of the units' values grows faster than units come.
		const spread = (count: number, factor: number, friendlyMean: number) =>
			evidenceOf(count, friendlyMean, (sums) => {
				const shift = 100n;
				const n = BigInt(count);
				// y becomes factor·(y − 100) + 100.
				const f = BigInt(factor);
				const [y, yy] = [sums.sumY, sums.sumYY];
				sums.sumY = f * (y - shift * n) + shift * n;
				sums.sumYY =
					f * f * (yy - 2n * shift * y + shift * shift * n) + 2n * f * shift * (y - shift * n) + shift * shift * n;
				sums.sumYN = sums.sumY;
			});
		const at = [spread(400, 1, 100), spread(800, 2, 100), spread(1200, 4, 104)];
		const looks = at.map((evidence, index) => look(index + 1, 3, evidence));
		const found = compare("group-sequential", { now, looks });
		if (found.kind !== "estimated" || found.absoluteEffect.kind !== "estimated") throw new Error("expected numbers");
		expect(found.looks).toMatchObject([
			{ kind: "tested", number: 1, basis: "joint", informationRatio: 1, spendingTime: expect.closeTo(1 / 3, 12) },
			{ kind: "tested", number: 2, basis: "union", spendingTime: expect.closeTo(2 / 3, 12) },
			{ kind: "tested", number: 3, basis: "union", spendingTime: 1, final: true },
		]);
		expect(found).toMatchObject({ shown: 1, look: { number: 3 } });
		expect(found.absoluteEffect.lower).toBeGreaterThan(0);
		expect(found.pValue).toBeLessThan(0.05);
	});

	test("group-sequential: a look that cannot be tested is in the results, and spends nothing", () => {
		const looks = [look(1, 2, evidenceOf(40, 100)), look(2, 2, evidenceOf(800, 100))];
		const found = compare("group-sequential", { now, looks });
		expect(found).toMatchObject({
			looks: [
				{ kind: "not-tested", number: 1, reason: "too-few-units" },
				{ kind: "tested", number: 2, bound: expect.closeTo(1.959964, 6) },
			],
		});
		const none = compare("group-sequential", { now, looks: looks.slice(0, 1) });
		expect(none).toMatchObject({ kind: "not-estimable", looks: [{ kind: "not-tested" }] });
	});

	test("group-sequential: a share of units that grows takes earlier looks for less than units would", () => {
		const any = MetricDefinition.parse({
			...{ key: "any", source: "calls", kind: "proportion", per: "unit", direction: "increase" },
		});
		const shareOf = (count: number, some: number) => {
			const arm = { units: count, any: momentsOf(Array.from({ length: count }, (_, index) => (index < some ? 1 : 0))) };
			return overallEvidence(totalsOf({ control: arm, friendly: arm }));
		};
		const bound = (first: number, second: number) => {
			const looks = [look(1, 2, shareOf(500, first)), look(2, 2, shareOf(1000, second))];
			const found = comparePair(any, pair, { now, looks }, { inference: "group-sequential", plannedUnits: 4000 });
			const last = found.kind === "estimated" ? found.looks[1] : undefined;
			if (last?.kind !== "tested") throw new Error("expected numbers");
			return last.bound;
		};
		// By 1 − p_k over 1 − p_j beside what variances and units say alone.
		expect(bound(100, 200)).toBeCloseTo(1.9686, 3);
		expect(bound(100, 600)).toBeGreaterThan(bound(100, 200) + 0.005);
	});

	test("a covariate that tells all but little narrows the interval around the same effect", () => {
		const before = { ...metric, covariateDays: 7 };
		const noise = (index: number) => (index % 5) - 2;
		const withHistory = evidenceOf(2000, 104, (sums, arm) => {
			const mean = arm === "control" ? 100 : 104;
			const pairs = values(2000, mean).map((y, index) => [BigInt(y), BigInt(y - mean + 100 + noise(index))] as const);
			const sum = (of: (y: bigint, x: bigint) => bigint) => pairs.reduce((total, [y, x]) => total + of(y, x), 0n);
			const [x, xx, yx] = [sum((_, x) => x), sum((_, x) => x * x), sum((y, x) => y * x)];
			const n = 2000n;
			sums.covariate = {
				...{ sumX: x, sumW: n, sumXX: xx, sumWW: n, sumXW: x, sumYX: yx, sumYW: sums.sumY, sumNX: x, sumNW: n },
			};
		});
		expect(covariateSums(withHistory, "control", before)).toMatchObject({ units: 2000n, sumW: 2000n });
		const options = { inference: "always-valid", plannedUnits: 4000 } as const;
		const adjusted = comparePair(before, pair, { now: withHistory, looks: [] }, options);
		const plain = comparePair(metric, pair, { now: withHistory, looks: [] }, options);
		if (adjusted.kind !== "estimated" || plain.kind !== "estimated") throw new Error("expected numbers");
		if (adjusted.absoluteEffect.kind !== "estimated" || plain.absoluteEffect.kind !== "estimated") {
			throw new Error("expected numbers");
		}
		expect(adjusted.adjustment?.varianceReduction).toBeGreaterThan(0.98);
		expect(adjusted.adjustment?.unadjustedDifference).toBeCloseTo(plain.absoluteEffect.value, 12);
		expect(adjusted.absoluteEffect.value).toBeCloseTo(4e-6, 7);
		const width = (effect: { lower: number; upper: number }) => effect.upper - effect.lower;
		expect(width(adjusted.absoluteEffect) / width(plain.absoluteEffect)).toBeLessThan(0.15);
	});

	test("a quantile: from counts on the grid, concluded from the relative effect", () => {
		const p90 = MetricDefinition.parse({
			...{ key: "p90", source: "calls", kind: "quantile", value: "latency", level: 0.9, direction: "decrease" },
		});
		const cells = (scale: number): MetricSums => {
			// From 350 to 450 ms, in steps of 1 ms.
			const latencies = values(3000, 400).map((value) => Math.round(value * 1000 * scale));
			const counts = new Map<number, number>();
			for (const latency of latencies) {
				const upTo = VALUE_GRID.find((grid) => latency <= grid)!;
				counts.set(upTo, (counts.get(upTo) ?? 0) + 1);
			}
			// One call a unit: C is 0 or 1.
			const rows = [...counts].sort(([a], [b]) => a - b);
			return {
				...momentsOf(latencies.map(() => 1)),
				scale: 1000,
				cells: rows.map(([upTo, count]) => {
					const units = BigInt(count);
					return { upTo, count: units, squares: units, products: units };
				}),
			};
		};
		const spread = (scale: number) => ({ units: 3000, p90: cells(scale) });
		const evidence = overallEvidence(totalsOf({ control: spread(1), friendly: spread(1.5) }));
		const estimates = ["control", "friendly"].map((arm) => gridQuantileEstimate(gridEvidence(evidence, arm, p90), 0.9));
		const [control, treatment] = estimates;
		if (control?.kind !== "estimated" || treatment?.kind !== "estimated") throw new Error("expected numbers");
		const expected = compareQuantilesSequentially({ control, treatment, ...pair });
		const found = comparePair(
			p90,
			pair,
			{ now: evidence, looks: [] },
			{ inference: "always-valid", plannedUnits: 4000 },
		);
		if (expected.kind !== "estimated" || found.kind !== "estimated") throw new Error("expected numbers");
		expect(found.relativeEffect).toMatchObject(strip(expected.relativeEffect));
		expect(found.pValue).toBeCloseTo(expected.pValue, 12);
		expect(found.shown).toBe(1);
	});
});
