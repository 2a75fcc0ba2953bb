import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type QuantileEvidence, quantileEstimate, quantileRanks } from "./quantile-estimate.ts";
import { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
import { latencies, quantileEvidenceOf } from "./test-support/quantile-evidence-of.ts";
import { bernoulliSums, exact } from "./test-support/ratio-sums-of.ts";
import { seededRandom } from "./test-support/seeded-random.ts";

function estimated(evidence: QuantileEvidence, level: number) {
	const estimate = quantileEstimate(evidence, level);
	if (estimate.kind !== "estimated") throw new Error(estimate.message);
	return estimate;
}

describe("quantileRanks", () => {
	it("is the ⌈nν⌉-th value with neighbours 1.96 standard errors of its rank away", () => {
		expect(quantileRanks(1000, 0.95)).toEqual({ lower: 936, at: 950, upper: 964 });
		expect(quantileRanks(1001, 0.5)).toEqual({ lower: 469, at: 501, upper: 532 });
		expect(quantileRanks(3000, 0.01)).toEqual({ lower: 19, at: 30, upper: 41 });
		// 100·0.07 in doubles is above 7.
		expect(quantileRanks(1000, 0.07)).toMatchObject({ at: 70 });
	});

	it.each([
		[600, 0.95],
		[60, 0.5],
		[3000, 0.99],
		[300, 0.1],
	])("needs %i observations at %d", (needed, level) => {
		expect(quantileRanks(needed, level)).not.toHaveProperty("kind");
		const refused = quantileRanks(needed - 1, level);
		expect(refused).toMatchObject({ kind: "not-estimable", reason: "too-few-observations" });
		expect(refused).toHaveProperty(
			"message",
			`The ${level} quantile needs ${needed} observations; there are ${needed - 1}.`,
		);
	});

	it("stays inside the sample, up to 10¹² observations", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 1e12 }), fc.double({ min: 0.001, max: 0.999, noNaN: true }), (n, level) => {
				const ranks = quantileRanks(n, level);
				if ("kind" in ranks) return;
				expect(ranks.lower).toBeGreaterThanOrEqual(1);
				expect(ranks.at).toBeGreaterThanOrEqual(ranks.lower);
				expect(ranks.upper).toBeGreaterThanOrEqual(ranks.at);
				expect(ranks.upper).toBeLessThanOrEqual(n);
				expect(Math.abs(ranks.at - n * level)).toBeLessThanOrEqual(1);
			}),
		);
	});

	it("refuses a level or a count that makes no sense", () => {
		for (const level of [0, 1, -0.1, Number.NaN]) {
			expect(() => quantileRanks(100, level)).toThrow(expect.objectContaining({ code: "INVALID_LEVEL" }));
		}
		for (const count of [-1, 1.5, Number.NaN]) {
			expect(() => quantileRanks(count, 0.5)).toThrow(expect.objectContaining({ code: "INVALID_COUNT" }));
		}
	});
});

describe("quantileEstimate", () => {
	it("is the textbook variance for independent observations: ν(1−ν)/(n·f²)", () => {
		const data = latencies(seededRandom(5), 40_000, 0, () => 1);
		for (const [level, density, z] of [
			[0.5, 0.39894, 0],
			[0.95, 0.10314, 1.64485],
			[0.99, 0.02665, 2.32635],
		] as const) {
			const { value, logVariance, variance, designEffect } = estimated(quantileEvidenceOf(data, level), level);
			const expected = (level * (1 - level)) / 40_000 / density ** 2;
			expect(Math.abs(Math.log(value) - 5 - z)).toBeLessThan(3 * Math.sqrt(expected));
			expect(Math.sqrt(logVariance / expected)).toBeGreaterThan(0.85);
			expect(Math.sqrt(logVariance / expected)).toBeLessThan(1.15);
			expect(variance).toBeCloseTo(value * value * logVariance, 8);
			expect(designEffect).toBeCloseTo(1, 1);
		}
	});

	it("follows its formula to the last digit", () => {
		// Three units; the 70 values are 1 … 70.
		const units = [1, 2, 3].map((unit) =>
			Array.from({ length: 70 }, (_, i) => i + 1).filter((i) => i % 3 === unit % 3),
		);
		const { value, logVariance, designEffect } = estimated(quantileEvidenceOf(units, 0.5), 0.5);
		const inside = [12, 12, 11];
		const sizes = units.map((values) => values.length);
		const squares = sizes.reduce((total, size, unit) => total + (inside[unit]! - size / 2) ** 2, 0);
		expect(value).toBe(35);
		expect(designEffect).toBeCloseTo(((3 / 2) * squares) / 70 ** 2 / (0.25 / 70), 12);
		// Ranks 35 ± 8.2, and units that agree more than chance would lower no variance.
		expect(logVariance).toBeCloseTo((Math.log(44 / 26) / (2 * 1.9599639845400545)) ** 2, 12);
	});

	it("adds up over parts that counted against the same value, in any order and type", () => {
		const data = latencies(seededRandom(8), 300, 0.3, () => 4);
		const whole = quantileEvidenceOf(data, 0.9);
		const parts = [data.slice(0, 100), data.slice(100)].map((units) => ({
			...whole,
			below: units.reduce(
				(sums, values) => {
					const count = values.filter((value) => value <= whole.orderStatistics.at).length;
					const unit = [1, count, values.length, count ** 2, values.length ** 2, count * values.length] as const;
					return {
						units: sums.units + unit[0],
						sumY: sums.sumY + unit[1],
						sumN: sums.sumN + unit[2],
						sumYY: sums.sumYY + unit[3],
						sumNN: sums.sumNN + unit[4],
						sumYN: sums.sumYN + unit[5],
					};
				},
				{ units: 0, sumY: 0, sumN: 0, sumYY: 0, sumNN: 0, sumYN: 0 },
			),
		}));
		const [first, second] = parts as [(typeof parts)[0], (typeof parts)[0]];
		expect(quantileEstimate({ ...whole, below: mergeRatioSums(second.below, first.below) }, 0.9)).toEqual(
			quantileEstimate({ ...whole, below: exact(whole.below as RatioSums<number>) }, 0.9),
		);
	});

	it.each([
		["too-few-observations", (evidence: QuantileEvidence) => evidence, 0.99],
		["too-few-units", ({ orderStatistics }: QuantileEvidence) => ({ orderStatistics, below: one(400, 360) }), 0.9],
		["not-positive", (evidence: QuantileEvidence) => withOrder(evidence, { lower: 0 }), 0.9],
		["non-finite", (evidence: QuantileEvidence) => withOrder(evidence, { upper: Number.POSITIVE_INFINITY }), 0.9],
		["non-finite", (evidence: QuantileEvidence) => withOrder(evidence, { at: Number.NaN }), 0.9],
		["no-variation", (evidence: QuantileEvidence) => withOrder(evidence, { lower: 5, at: 5, upper: 5 }), 0.9],
		["impossible-sums", (evidence: QuantileEvidence) => withOrder(evidence, { lower: 1e9 }), 0.9],
		["impossible-sums", (evidence: QuantileEvidence) => withOrder(evidence, { upper: 1e-9 }), 0.9],
		[
			"impossible-sums",
			(evidence: QuantileEvidence) => ({ ...evidence, below: { ...evidence.below, sumY: 100 } }),
			0.9,
		],
		[
			"impossible-sums",
			(evidence: QuantileEvidence) => ({ ...evidence, below: { ...evidence.below, sumN: 400.5 } }),
			0.9,
		],
	] as const)("is not estimable: %s", (reason, spoil, level) => {
		const data = latencies(seededRandom(9), 100, 0.3, () => 4);
		const evidence = spoil(quantileEvidenceOf(data, 0.9));
		expect(quantileEstimate(evidence, level)).toMatchObject({ kind: "not-estimable", reason });
	});

	const whole = { orderStatistics: { lower: 1, at: 2, upper: 3 }, below: bernoulliSums(1000, 510) };

	it.each([
		["non-finite", { lower: Number.NEGATIVE_INFINITY }, whole.below],
		["non-finite", { at: Number.POSITIVE_INFINITY }, whole.below],
		["non-finite", { upper: Number.NaN }, whole.below],
		["non-finite", { lower: 1e200, at: 2e200, upper: 3e200 }, whole.below],
		["impossible-sums", {}, { ...bernoulliSums(1000, 1001), sumYY: 1003 }],
	])("is not estimable: %s %j", (reason, ranks, below) => {
		const evidence = { orderStatistics: { ...whole.orderStatistics, ...ranks }, below };
		expect(quantileEstimate(evidence, 0.5)).toMatchObject({ kind: "not-estimable", reason });
	});

	it("allows every observation at or below the quantile's value, which are ties", () => {
		expect(quantileEstimate({ ...whole, below: bernoulliSums(1000, 1000) }, 0.5)).toMatchObject({ value: 2 });
	});

	it("refuses a level that makes no sense before it looks at the data", () => {
		expect(() => quantileEstimate({ ...whole, below: bernoulliSums(1, 1) }, 1)).toThrow(
			expect.objectContaining({ code: "INVALID_LEVEL" }),
		);
	});

	it("covers the true quantile as often as it says, when users come back", () => {
		const truth = { p50: Math.exp(5), p95: Math.exp(5 + 1.6448536) };
		const [runs, covered, ignored] = [400, { p50: 0, p95: 0 }, { p50: 0, p95: 0 }];
		for (let run = 0; run < runs; run++) {
			const random = seededRandom(70_000 + run);
			const data = latencies(random, 150, 0.5, () => 1 + random.integer(19));
			for (const [name, level] of [
				["p50", 0.5],
				["p95", 0.95],
			] as const) {
				const { value, logVariance, designEffect } = estimated(quantileEvidenceOf(data, level), level);
				const distance = Math.abs(Math.log(value / truth[name]));
				if (distance < 1.96 * Math.sqrt(logVariance)) covered[name]++;
				if (distance < 1.96 * Math.sqrt(logVariance / Math.max(1, designEffect))) ignored[name]++;
			}
		}
		for (const name of ["p50", "p95"] as const) {
			expect(covered[name] / runs).toBeGreaterThan(0.91);
			expect(covered[name] / runs).toBeLessThan(0.985);
		}
		// Counting calls instead of units would be wrong about half of the time.
		expect(ignored.p50 / runs).toBeLessThan(0.7);
		expect(ignored.p95 / runs).toBeLessThan(0.85);
	});
});

function one(observations: number, below: number) {
	return {
		units: 1,
		sumY: below,
		sumN: observations,
		sumYY: below ** 2,
		sumNN: observations ** 2,
		sumYN: below * observations,
	};
}

function withOrder(evidence: QuantileEvidence, change: Partial<QuantileEvidence["orderStatistics"]>): QuantileEvidence {
	return { ...evidence, orderStatistics: { ...evidence.orderStatistics, ...change } };
}
