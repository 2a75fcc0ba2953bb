import { MetricDefinition } from "@armspan/schema";
import { expect, test } from "vitest";
import { overallEvidence, ratioSums } from "./evidence.ts";
import { overlapContrast } from "./overlap-contrast.ts";
import { pairContrast } from "./pair-contrast.ts";
import { momentsOf, totalsOf } from "./test-support.ts";

const SCALE = 1000;
const METRIC = MetricDefinition.parse({
	...{ key: "latency", source: "calls", kind: "mean", value: "latency", direction: "decrease" },
});

interface Unit {
	readonly before?: readonly [y: number, n: number];
	readonly after?: readonly [y: number, n: number];
}

function momentsOfRatio(parts: readonly (readonly [number, number])[]) {
	const sum = (of: (y: number, n: number) => number) => BigInt(parts.reduce((total, [y, n]) => total + of(y, n), 0));
	return {
		...momentsOf([], 1, SCALE),
		units: parts.length,
		...{ sumY: sum((y) => y), sumN: sum((_, n) => n), sumYY: sum((y) => y * y) },
		...{ sumNN: sum((_, n) => n * n), sumYN: sum((y, n) => y * n) },
	};
}

function contrasts(units: readonly Unit[]) {
	const [before, after] = (["before", "after"] as const).map((version) =>
		momentsOfRatio(units.flatMap((unit) => (unit[version] === undefined ? [] : [unit[version]]))),
	);
	if (before === undefined || after === undefined) throw new Error("two versions");
	const evidence = overallEvidence(
		totalsOf({ before: { units: before.units, latency: before }, after: { units: after.units, latency: after } }),
	);
	const apart = pairContrast(METRIC, { against: "before", variant: "after" }, evidence, false);
	if (apart.kind === "not-estimable") throw new Error(apart.message);
	const product = (of: (one: readonly [number, number], other: readonly [number, number]) => number) =>
		BigInt(units.reduce((sum, unit) => sum + (unit.before && unit.after ? of(unit.before, unit.after) : 0), 0));
	const products = {
		...{ sumYY: product(([y], [z]) => y * z), sumYN: product(([y], [, m]) => y * m) },
		...{ sumNY: product(([, n], [z]) => n * z), sumNN: product(([, n], [, m]) => n * m) },
	};
	const sums = (version: string) => ratioSums(evidence, version, METRIC);
	return { apart, joint: overlapContrast(apart, sums("before"), sums("after"), products, SCALE) };
}

/** Errors of the ratios, unit by unit, as the delta method has them. */
function bruteForce(units: readonly Unit[]) {
	const errorsOf = (version: "before" | "after") => {
		const parts = units.map((unit) => unit[version] ?? ([0, 0] as const));
		const [sumY, sumN] = [0, 1].map((at) => parts.reduce((sum, part) => sum + (part[at] ?? 0), 0));
		const ratio = (sumY ?? 0) / (sumN ?? 1);
		const count = units.filter((unit) => unit[version] !== undefined).length;
		const correction = Math.sqrt(count / (count - 1));
		return parts.map(([y, n]) => (((y - ratio * n) / (sumN ?? 1)) * correction) / SCALE);
	};
	const [before, after] = [errorsOf("before"), errorsOf("after")];
	const total = (of: (index: number) => number) => units.reduce((sum, _, index) => sum + of(index), 0);
	const difference = (index: number) => (after[index] ?? 0) - (before[index] ?? 0);
	return {
		variance: total((index) => difference(index) ** 2),
		covarianceWithBaseline: total((index) => difference(index) * (before[index] ?? 0)),
	};
}

/** Slow users are slow in both versions; a third of the units is in both, a third in each alone. */
const UNITS: Unit[] = Array.from({ length: 300 }, (_, index) => {
	const slow = 100_000 + ((index * 7919) % 90_000);
	const calls = (seed: number) => 1 + ((index * seed) % 4);
	const part = (seed: number, add: number) =>
		[calls(seed) * (slow + add + ((index * seed) % 5000)), calls(seed)] as const;
	return {
		...(index % 3 === 1 ? {} : { before: part(31, 0) }),
		...(index % 3 === 2 ? {} : { after: part(17, 4000) }),
	};
});

test("the variance of the difference is that of the units, who is in both once", () => {
	const { apart, joint } = contrasts(UNITS);
	const expected = bruteForce(UNITS);
	expect(joint.contrast.variance / expected.variance).toBeCloseTo(1, 9);
	expect(joint.contrast.covarianceWithBaseline / expected.covarianceWithBaseline).toBeCloseTo(1, 9);
	expect(joint.contrast.difference).toBe(apart.contrast.difference);
	// too wide, as long as units in both were taken for others
	expect(joint.contrast.variance).toBeLessThan(0.8 * apart.contrast.variance);
	const width = (of: typeof joint) => {
		const { absoluteEffect } = of.effects(2);
		return absoluteEffect.kind === "estimated" ? absoluteEffect.upper - absoluteEffect.lower : Number.NaN;
	};
	expect(width(joint)).toBeCloseTo(4 * Math.sqrt(expected.variance), 9);
});

test("units whose calls are unlike make it larger", () => {
	const units = UNITS.map((unit, index) => ({
		before: [100_000 + index * 100, 1] as const,
		...(unit.after === undefined ? {} : { after: [200_000 - index * 100, 1] as const }),
	}));
	const { apart, joint } = contrasts(units);
	expect(joint.contrast.variance / bruteForce(units).variance).toBeCloseTo(1, 9);
	expect(joint.contrast.variance).toBeGreaterThan(apart.contrast.variance);
});

test("without units in both nothing changes, nor where the same calls are in both", () => {
	const apart = contrasts(UNITS.filter(({ before, after }) => before === undefined || after === undefined));
	expect(apart.joint).toBe(apart.apart);
	const same = contrasts(UNITS.flatMap(({ before }) => (before === undefined ? [] : [{ before, after: before }])));
	expect(same.joint.contrast.variance).toBeGreaterThan(0);
});
