import type { CovariateSums } from "@armspan/stats";
import { describe, expect, test } from "vitest";
import { cacheAdjustedContrast } from "./cache-adjusted-contrast.ts";

/** A unit's calls: value, and whether it was a hit. */
type Unit = readonly (readonly [value: number, hit: boolean])[];

function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
		return (state >>> 0) / 4_294_967_296;
	};
}

/** Hits are cheaper; units differ, and some of them hit more than others. */
function unitsOf(seed: number, count: number, hitShare: number, lift: number): Unit[] {
	const next = random(seed);
	return Array.from({ length: count }, () => {
		const [own, share] = [next() * 400, hitShare * (0.5 + next())];
		return Array.from({ length: 1 + Math.floor(next() * 6) }, () => {
			const hit = next() < share;
			return [Math.round((hit ? 300 : 900) * lift + own + next() * 200), hit] as const;
		});
	});
}

function sumsOf(units: readonly Unit[]): CovariateSums<bigint> {
	const of = units.map((unit) => {
		const hits = unit.filter(([, hit]) => hit);
		const sum = (calls: Unit) => BigInt(calls.reduce((total, [value]) => total + value, 0));
		return { y: sum(unit), n: BigInt(unit.length), x: sum(hits), w: BigInt(hits.length) };
	});
	const total = (value: (unit: (typeof of)[number]) => bigint) => of.reduce((sum, unit) => sum + value(unit), 0n);
	return {
		units: BigInt(units.length),
		...{ sumY: total(({ y }) => y), sumN: total(({ n }) => n), sumX: total(({ x }) => x), sumW: total(({ w }) => w) },
		...{ sumYY: total(({ y }) => y * y), sumNN: total(({ n }) => n * n), sumYN: total(({ y, n }) => y * n) },
		...{ sumXX: total(({ x }) => x * x), sumWW: total(({ w }) => w * w), sumXW: total(({ x, w }) => x * w) },
		...{ sumYX: total(({ y, x }) => y * x), sumYW: total(({ y, w }) => y * w) },
		...{ sumNX: total(({ n, x }) => n * x), sumNW: total(({ n, w }) => n * w) },
	};
}

/** The same call by call: residuals of each unit, one after the other. */
function bruteForce(control: readonly Unit[], treatment: readonly Unit[]) {
	const calls = (units: readonly Unit[], only?: boolean) =>
		units.flat().filter(([, hit]) => only === undefined || hit === only);
	const mean = (of: Unit) => of.reduce((sum, [value]) => sum + value, 0) / of.length;
	const both = [...control, ...treatment];
	const total = calls(both).length;
	const share = calls(both, true).length / total;
	const means = [control, treatment].map((units) => [mean(calls(units, true)), mean(calls(units, false))] as const);
	const [[controlHit, controlMiss], [hit, miss]] = means as [readonly [number, number], readonly [number, number]];
	const gap = hit - controlHit - (miss - controlMiss);
	const influence = (units: readonly Unit[], arm: number, sign: number, shareGap: number) =>
		units.map((unit) => {
			const [ofHits, ofMisses] = means[arm] as readonly [number, number];
			const residual = unit.reduce((sum, [value, isHit]) => {
				const own = isHit
					? (share * (value - ofHits)) / calls(units, true).length
					: ((1 - share) * (value - ofMisses)) / calls(units, false).length;
				return sum + sign * own + (shareGap * ((isHit ? 1 : 0) - share)) / total;
			}, 0);
			return residual;
		});
	const covariance = (left: number[], right: number[]) => {
		const [a, b] = [left, right].map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
		const products = left.reduce((sum, value, index) => sum + (value - a!) * ((right[index] ?? 0) - b!), 0);
		return (products * left.length) / (left.length - 1);
	};
	const differences = [influence(control, 0, -1, gap), influence(treatment, 1, 1, gap)] as const;
	const baselineGap = controlHit - controlMiss;
	const baselines = [influence(control, 0, 1, baselineGap), influence(treatment, 1, 0, baselineGap)] as const;
	const sum = (left: typeof differences, right: typeof differences) =>
		covariance(left[0], right[0]) + covariance(left[1], right[1]);
	return {
		difference: share * (hit - controlHit) + (1 - share) * (miss - controlMiss),
		variance: sum(differences, differences),
		baseline: {
			value: share * controlHit + (1 - share) * controlMiss,
			variance: sum(baselines, baselines),
		},
		covarianceWithBaseline: sum(differences, baselines),
	};
}

const close = (found: number, expected: number) => expect(Math.abs(found / expected - 1)).toBeLessThan(1e-9);

describe("cacheAdjustedContrast", () => {
	test.each([1, 2, 3])("equals a computation call by call, seed %i", (seed) => {
		const control = unitsOf(seed, 300, 0.3, 1);
		const treatment = unitsOf(seed + 10, 240, 0.6, 1.1);
		const found = cacheAdjustedContrast(sumsOf(control), sumsOf(treatment), { scale: 1 });
		if ("kind" in found) throw new Error(found.message);
		const expected = bruteForce(control, treatment);
		close(found.contrast.difference, expected.difference);
		close(found.contrast.variance, expected.variance);
		close(found.contrast.baseline.value, expected.baseline.value);
		close(found.contrast.baseline.variance, expected.baseline.variance);
		close(found.contrast.covarianceWithBaseline, expected.covarianceWithBaseline);
		const scaled = cacheAdjustedContrast(sumsOf(control), sumsOf(treatment), { scale: 1000 });
		if ("kind" in scaled) throw new Error(scaled.message);
		close(scaled.contrast.difference, expected.difference / 1000);
		close(scaled.contrast.variance, expected.variance / 1e6);
	});

	test("what the cache alone does goes away", () => {
		// Same prompt, but the treatment's cache is warm: half as dear for that alone.
		const control = unitsOf(21, 4000, 0.1, 1);
		const treatment = unitsOf(22, 4000, 0.6, 1);
		const found = cacheAdjustedContrast(sumsOf(control), sumsOf(treatment), { scale: 1 });
		if ("kind" in found) throw new Error(found.message);
		expect(found.unadjustedDifference).toBeLessThan(-200);
		expect(Math.abs(found.contrast.difference)).toBeLessThan(3 * Math.sqrt(found.contrast.variance));
		expect(found.hitShares.treatment).toBeGreaterThan(4 * found.hitShares.control);
	});

	test("its intervals hold: same prompt, other caches, many times over", () => {
		const misses = Array.from({ length: 400 }, (_, index) => {
			const control = unitsOf(1000 + index, 150, 0.3, 1);
			const treatment = unitsOf(5000 + index, 150, 0.5, 1);
			const found = cacheAdjustedContrast(sumsOf(control), sumsOf(treatment), { scale: 1 });
			if ("kind" in found) throw new Error(found.message);
			return Math.abs(found.contrast.difference) > 1.96 * Math.sqrt(found.contrast.variance) ? 1 : 0;
		});
		const share = misses.reduce<number>((sum, miss) => sum + miss, 0) / misses.length;
		expect(share).toBeGreaterThan(0.02);
		expect(share).toBeLessThan(0.09);
	});

	test("an arm without hits, or with nothing else, cannot be adjusted", () => {
		const usual = unitsOf(1, 300, 0.3, 1);
		for (const hitShare of [0, 3]) {
			expect(cacheAdjustedContrast(sumsOf(usual), sumsOf(unitsOf(2, 300, hitShare, 1)), { scale: 1 })).toMatchObject({
				...{ kind: "not-estimable", reason: "too-few-observations" },
			});
		}
		const constant = Array.from(
			{ length: 100 },
			(): Unit => [
				[5, true],
				[7, false],
			],
		);
		expect(cacheAdjustedContrast(sumsOf(constant), sumsOf(constant), { scale: 1 })).toMatchObject({
			reason: "no-variation",
		});
	});
});
