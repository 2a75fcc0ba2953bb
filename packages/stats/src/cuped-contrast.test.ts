import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tuneRhoSquared, twoSidedRadiusMultiplier } from "./asymptotic-confidence-sequence.ts";
import { relativeContrast } from "./contrast.ts";
import { type CovariateSums, covariateSumsOfMean, mergeCovariateSums } from "./covariate-sums.ts";
import { type CupedOptions, cupedContrast } from "./cuped-contrast.ts";
import { ratioContrast } from "./ratio-contrast.ts";
import { studentTailQuantile, twoSidedStudentTail } from "./student-tail.ts";
import { estimated } from "./test-support/estimated.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";
import { fixedComparison } from "./welch-comparison.ts";

/** [S, N, X, W] of one unit. */
type UnitWithHistory = readonly [number, number, number, number];

function sumsOf(units: readonly UnitWithHistory[]): CovariateSums<number> {
	const over = (of: (...unit: UnitWithHistory) => number) => units.reduce((sum, unit) => sum + of(...unit), 0);
	return {
		units: units.length,
		sumY: over((s) => s),
		sumN: over((_, n) => n),
		sumYY: over((s) => s * s),
		sumNN: over((_, n) => n * n),
		sumYN: over((s, n) => s * n),
		sumX: over((_s, _n, x) => x),
		sumW: over((_s, _n, _x, w) => w),
		sumXX: over((_s, _n, x) => x * x),
		sumWW: over((_s, _n, _x, w) => w * w),
		sumXW: over((_s, _n, x, w) => x * w),
		sumYX: over((s, _n, x) => s * x),
		sumYW: over((s, _n, _x, w) => s * w),
		sumNX: over((_s, n, x) => n * x),
		sumNW: over((_s, n, _x, w) => n * w),
	};
}

function exact(sums: CovariateSums<number>): CovariateSums<bigint> {
	return Object.fromEntries(
		Object.entries(sums).map(([key, sum]) => [key, BigInt(sum)]),
	) as unknown as CovariateSums<bigint>;
}

interface PublishedMeanSums {
	readonly n: number;
	readonly y_sum: number;
	readonly y_sumsq: number;
	readonly x_sum: number;
	readonly x_sumsq: number;
	readonly xy_sum: number;
}

function meanSumsOf({ n, y_sum, y_sumsq, x_sum, x_sumsq, xy_sum }: PublishedMeanSums): CovariateSums<number> {
	return covariateSumsOfMean({
		units: n,
		sumY: y_sum,
		sumYY: y_sumsq,
		unitsWithHistory: n,
		sumYWithHistory: y_sum,
		sumX: x_sum,
		sumXX: x_sumsq,
		sumYX: xy_sum,
	});
}

function contrastOfOracle(id: string, options: CupedOptions = {}) {
	const { inputs, expected } = statOracle(id);
	const contrast = estimated(cupedContrast(meanSumsOf(inputs.control), meanSumsOf(inputs.treatment), options));
	return { inputs, expected, contrast };
}

/** Units that are 0, 1 or 2. */
function integerArm(ones: number, twos: number): CovariateSums<number> {
	const values = [...Array<number>(ones).fill(1), ...Array<number>(twos).fill(2), ...Array<number>(30).fill(0)];
	return sumsOf(values.map((value): UnitWithHistory => [value, 1, value + 1, 1]));
}

describe("cupedContrast", () => {
	it("gives the θ of gb-cuped-theta", () => {
		const { inputs, expected } = statOracle("gb-cuped-theta");
		const arm = sumsOf(inputs.post.map((post: number, i: number): UnitWithHistory => [post, 1, inputs.pre[i], 1]));
		expect(estimated(cupedContrast(arm, arm)).theta).toBeCloseTo(expected.theta, 5);
	});

	it("gives gb-cuped-ratio", () => {
		const { inputs, expected } = statOracle("gb-cuped-ratio");
		const [control, treatment] = [inputs.control, inputs.treatment].map((arm) => ({
			units: arm.n,
			sumY: arm.m_post[0],
			sumN: arm.d_post[0],
			sumYY: arm.m_post[1],
			sumNN: arm.d_post[1],
			sumYN: arm.mpost_dpost,
			sumX: arm.m_pre[0],
			sumW: arm.d_pre[0],
			sumXX: arm.m_pre[1],
			sumWW: arm.d_pre[1],
			sumXW: arm.mpre_dpre,
			sumYX: arm.mpost_mpre,
			sumYW: arm.mpost_dpre,
			sumNX: arm.mpre_dpost,
			sumNW: arm.dpost_dpre,
		}));
		const contrast = estimated(cupedContrast(control!, treatment!));
		expect(contrast.theta).toBeCloseTo(0.829004, 6);
		expect(contrast.baseline.value).toBeCloseTo(expected.control_ratio, 8);
		const { degreesOfFreedom } = contrast;
		const { value, standardError, lower, upper } = estimated(
			relativeContrast(contrast, studentTailQuantile(0.025, degreesOfFreedom)),
		);
		expect(value).toBeCloseTo(expected.lift, 8);
		expect(standardError).toBeCloseTo(expected.se, 5);
		expect(lower).toBeCloseTo(expected.ci[0], 5);
		expect(upper).toBeCloseTo(expected.ci[1], 5);
		expect(twoSidedStudentTail(value / standardError, degreesOfFreedom)).toBeCloseTo(expected.p, 8);
	});

	it("gives gb-cuped-mean with the θ and the gradient that it was published with", () => {
		// That θ is the slope over both arms thrown together, differences between the arms included.
		const theta = (-30 - (522 * 330) / 6001) / (820 - 330 ** 2 / 6001);
		const { expected, contrast } = contrastOfOracle("gb-cuped-mean", { theta });
		const { value, standardError } = estimated(relativeContrast(contrast, 1.96));
		expect(value).toBeCloseTo(expected.lift, 9);
		// And its gradient by control's mean is that of the unadjusted lift.
		const { variance, baseline, covarianceWithBaseline, unadjustedDifference, degreesOfFreedom } = contrast;
		const lift = unadjustedDifference / baseline.value;
		const published =
			Math.sqrt(variance - 2 * lift * covarianceWithBaseline + lift ** 2 * baseline.variance) / baseline.value;
		expect(Math.abs(twoSidedStudentTail(value / published, degreesOfFreedom) - expected.p)).toBeLessThan(1e-9);
		// That of the estimate itself makes the standard error 1 % smaller here.
		expect(standardError / published).toBeCloseTo(0.98926, 5);
		expect(contrastOfOracle("gb-cuped-mean").contrast.theta).toBeCloseTo(-0.0747894, 7);
	});

	it("gives gb-acs-cuped with the multiplier of a confidence sequence", () => {
		const { inputs, expected, contrast } = contrastOfOracle("gb-acs-cuped");
		const { alpha, n_star, control, treatment } = inputs;
		const multiplier = twoSidedRadiusMultiplier(control.n + treatment.n, tuneRhoSquared(alpha, n_star), alpha);
		const { value, standardError } = estimated(relativeContrast(contrast, multiplier));
		expect(Math.abs(value - expected.lift)).toBeLessThan(1e-5);
		expect(Math.abs(standardError - expected.se)).toBeLessThan(1e-5);
		expect(Math.abs(value - multiplier * standardError - expected.ci[0])).toBeLessThan(2e-5);
		expect(Math.abs(value + multiplier * standardError - expected.ci[1])).toBeLessThan(2e-5);
	});

	interface CupedReference {
		readonly control: Readonly<Record<keyof CovariateSums, string>>;
		readonly treatment: Readonly<Record<keyof CovariateSums, string>>;
		readonly theta: number;
		readonly difference: number;
		readonly variance: number;
		readonly degreesOfFreedom: number;
		readonly pValue: number;
	}

	it.each(fixture<CupedReference[]>("cuped"))("keeps nine digits at p = $pValue, $control.units units", (reference) => {
		const sums = (arm: CupedReference["control"]) =>
			Object.fromEntries(
				Object.entries(arm).map(([key, sum]) => [key, BigInt(sum)]),
			) as unknown as CovariateSums<bigint>;
		const contrast = estimated(cupedContrast(sums(reference.control), sums(reference.treatment)));
		expect(relativeError(contrast.theta, reference.theta)).toBeLessThan(1e-12);
		expect(relativeError(contrast.difference, reference.difference)).toBeLessThan(1e-11);
		expect(relativeError(contrast.variance, reference.variance)).toBeLessThan(1e-12);
		expect(relativeError(contrast.degreesOfFreedom, reference.degreesOfFreedom)).toBeLessThan(1e-12);
		const { pValue } = estimated(fixedComparison(contrast, { alpha: 0.05 }));
		expect(relativeError(pValue, reference.pValue)).toBeLessThan(1e-9);
	});

	const history = fc.tuple(
		fc.integer({ min: 1, max: 1000 }),
		fc.integer({ min: 1, max: 9 }),
		fc.integer({ min: 0, max: 1000 }),
		fc.integer({ min: 1, max: 9 }),
	) satisfies fc.Arbitrary<UnitWithHistory>;
	const arm = fc
		.array(history, { minLength: 8, maxLength: 30 })
		.filter((units) => new Set(units.map(([s, n]) => s / n)).size > 5 && new Set(units.map((u) => u[2])).size > 5);

	it("matches a brute-force regression of linearised residuals", () => {
		fc.assert(
			fc.property(arm, arm, (first, second) => {
				const linear = [first, second].map((units) => {
					const sum = (key: 0 | 1 | 2 | 3) => units.reduce((total, unit) => total + unit[key], 0);
					const [s, n, x, w, k] = [sum(0), sum(1), sum(2), sum(3), units.length];
					const y = units.map((unit) => ((unit[0] - (s / n) * unit[1]) * k) / n);
					const before = units.map((unit) => ((unit[2] - (x / w) * unit[3]) * k) / w);
					const product = (a: number[], b: number[]) => a.reduce((t, v, i) => t + v * b[i]!, 0) / (k - 1);
					return {
						ratio: s / n,
						before: x / w,
						k,
						yy: product(y, y),
						yx: product(y, before),
						xx: product(before, before),
					};
				});
				const [c, t] = linear as [(typeof linear)[0], (typeof linear)[0]];
				const theta = (c.yx + t.yx) / (c.xx + t.xx);
				const contrast = cupedContrast(sumsOf(first), sumsOf(second));
				if (contrast.kind === "not-estimable") return;
				const size = Math.abs(c.ratio) + Math.abs(t.ratio) + Math.abs(theta) * (c.before + t.before);
				const variance = [c, t].reduce((sum, a) => sum + (a.yy - 2 * theta * a.yx + theta ** 2 * a.xx) / a.k, 0);
				expect(Math.abs(contrast.theta - theta)).toBeLessThan(1e-9 * (1 + Math.abs(theta)));
				expect(Math.abs(contrast.difference - (t.ratio - c.ratio - theta * (t.before - c.before)))).toBeLessThan(
					1e-9 * size,
				);
				expect(Math.abs(contrast.variance / variance - 1)).toBeLessThan(1e-8);
				expect(contrast.covarianceWithBaseline).toBeCloseTo((theta * c.yx - c.yy) / c.k, 6);
			}),
		);
	});

	it("flips when the arms swap, and does not care how units are grouped, ordered or typed", () => {
		fc.assert(
			fc.property(arm, arm, arm, (first, second, third) => {
				const [a, b, c] = [first, second, third].map((units) => exact(sumsOf(units)));
				const there = cupedContrast(mergeCovariateSums(a!, b!), c!);
				expect(cupedContrast(exact(sumsOf([...second, ...first])), c!)).toEqual(there);
				expect(cupedContrast(sumsOf([...second, ...first]), sumsOf(third))).toEqual(there);
				const back = cupedContrast(c!, mergeCovariateSums(b!, a!));
				if (there.kind !== "estimated" || back.kind !== "estimated") throw new Error("not estimable");
				expect(back.difference).toBeCloseTo(-there.difference, 8);
				expect(back.variance / there.variance).toBeCloseTo(1, 12);
				expect(back.theta).toBeCloseTo(there.theta, 10);
			}),
			{ numRuns: 50 },
		);
	});

	it("agrees between rounded and exact sums, with one scale for both periods", () => {
		fc.assert(
			fc.property(arm, arm, (first, second) => {
				const sevenths = (units: UnitWithHistory[]) =>
					sumsOf(units.map(([s, n, x, w]): UnitWithHistory => [s / 7, n, x / 7, w]));
				const rounded = cupedContrast(sevenths(first), sevenths(second));
				const precise = estimated(cupedContrast(exact(sumsOf(first)), exact(sumsOf(second)), { scale: 7 }));
				if (rounded.kind !== "estimated") throw new Error(rounded.message);
				expect(rounded.difference).toBeCloseTo(precise.difference, 8);
				expect(rounded.theta).toBeCloseTo(precise.theta, 8);
				expect(rounded.variance / precise.variance).toBeCloseTo(1, 7);
			}),
			{ numRuns: 50 },
		);
	});

	/** Units whose calls before and after share a level; some are new. */
	function experiment(seed: number, units: number, newcomers: number, lift: number) {
		const random = seededRandom(seed);
		const draw = (effect: number) =>
			Array.from({ length: units }, (): UnitWithHistory => {
				const level = 10 + random.normal();
				const [now, before] = [1 + random.integer(6), random.bernoulli(newcomers) ? 0 : 1 + random.integer(6)];
				const total = (calls: number, mean: number) => calls * mean + Math.sqrt(calls) * random.normal();
				return [total(now, level + effect), now, before === 0 ? 0 : total(before, level), before];
			});
		return [sumsOf(draw(0)), sumsOf(draw(lift))] as const;
	}

	it("errs as often as it says and reduces the variance by what history explains, newcomers kept", () => {
		const runs = 1000;
		let [wrong, reduction, squares, claimed] = [0, 0, 0, 0];
		for (let run = 0; run < runs; run++) {
			const contrast = estimated(cupedContrast(...experiment(run, 100, 0.3, 0)));
			if (estimated(fixedComparison(contrast, { alpha: 0.05 })).pValue < 0.05) wrong++;
			reduction += contrast.varianceReduction / runs;
			squares += contrast.difference ** 2 / runs;
			claimed += contrast.variance / runs;
		}
		expect(wrong / runs).toBeGreaterThan(0.033);
		expect(wrong / runs).toBeLessThan(0.07);
		expect(claimed / squares).toBeGreaterThan(0.87);
		expect(claimed / squares).toBeLessThan(1.1);
		expect(reduction).toBeGreaterThan(0.2);
		expect(reduction).toBeLessThan(0.6);
	});

	it("finds the effect that is there", () => {
		const { difference, variance, unadjustedDifference } = estimated(cupedContrast(...experiment(7, 4000, 0.3, 0.3)));
		expect(Math.abs(difference - 0.3)).toBeLessThan(3 * Math.sqrt(variance));
		expect(difference).not.toBe(unadjustedDifference);
	});

	it("is the unadjusted contrast without usable history, and with θ = 0", () => {
		const [control, treatment] = experiment(3, 50, 0.3, 0.1);
		const without = (sums: CovariateSums<number>) => ({
			...sums,
			sumX: 0,
			sumW: 0,
			sumXX: 0,
			sumWW: 0,
			sumXW: 0,
			sumYX: 0,
			sumYW: 0,
			sumNX: 0,
			sumNW: 0,
		});
		const plain = estimated(ratioContrast(control, treatment));
		const unadjusted = { ...plain, theta: 0, unadjustedDifference: plain.difference, varianceReduction: 0 };
		expect(cupedContrast(without(control), without(treatment))).toEqual(unadjusted);
		expect(cupedContrast(control, without(treatment))).toEqual(unadjusted);
		expect(cupedContrast(control, treatment, { theta: 0 })).toEqual(unadjusted);
		// Integers, whose difference is exact: without history there is nothing to divide by.
		const [one, other] = [integerArm(10, 3), integerArm(12, 4)];
		const integers = { ...estimated(ratioContrast(one, other)), theta: 0, varianceReduction: 0 };
		expect(cupedContrast(without(one), without(other))).toMatchObject(integers);
		// A covariate that is the same for every unit.
		const flat = [1, 2, 4, 8, 9].map((value): UnitWithHistory => [value, 1, 5, 1]);
		expect(estimated(cupedContrast(sumsOf(flat), sumsOf(flat)))).toMatchObject({ theta: 0, varianceReduction: 0 });
	});

	const good = experiment(3, 50, 0, 0);

	it.each([
		["too-few-units", { units: 1 }],
		["non-finite", { sumYX: Number.NaN }],
		["impossible-sums", { sumXX: -1 }],
		["impossible-sums", { sumYX: 1e9 }],
		["negative-variance", { sumXX: 1 }],
		["no-observations", { sumN: 0 }],
	] as const)("is not estimable: %s %j", (reason, change) => {
		const bad = { ...good[1], ...change };
		expect(cupedContrast(good[0], bad)).toMatchObject({ kind: "not-estimable", reason });
		expect(cupedContrast(bad, good[0])).toMatchObject({ kind: "not-estimable", reason });
	});

	it("does not take history that is not there for data", () => {
		const none = { ...good[1], sumX: 0, sumW: 0, sumXX: 0, sumWW: 0, sumXW: 0, sumYX: 0, sumYW: 0, sumNX: 0, sumNW: 0 };
		for (const change of [{ sumXX: -1 }, { sumWW: -1 }]) {
			expect(cupedContrast(good[0], { ...none, ...change })).toMatchObject({ reason: "impossible-sums" });
		}
		expect(cupedContrast(good[0], { ...good[1], sumW: -1 })).toMatchObject({ reason: "impossible-sums" });
	});

	it("is not estimable when a product or the difference is too large for a number", () => {
		expect(cupedContrast(good[0], { ...good[1], sumYX: Number.POSITIVE_INFINITY })).toMatchObject({
			reason: "non-finite",
		});
		// Each arm's value is a number, 10³⁰⁸ to either side of 0, and so are the variances, but not their distance.
		const at = (value: bigint) => {
			const sums = { units: 4n, sumY: 4n * value + 2n, sumYY: 4n * value * value + 4n * value + 2n };
			const history = { unitsWithHistory: 0n, sumYWithHistory: 0n, sumX: 0n, sumXX: 0n, sumYX: 0n };
			return covariateSumsOfMean({ ...sums, ...history });
		};
		expect(cupedContrast(at(-(10n ** 308n)), at(10n ** 308n))).toMatchObject({ reason: "non-finite" });
	});

	/** Both sums of squares 1.5, their product that of a correlation. */
	const correlated = (correlation: number) =>
		covariateSumsOfMean({
			units: 100,
			sumY: 0,
			sumYY: 1.5,
			unitsWithHistory: 100,
			sumYWithHistory: 0,
			sumX: 0,
			sumXX: 1.5,
			sumYX: 1.5 * correlation,
		});

	it.each([
		[1 - 1e-9, "estimated"],
		// A millionth of a millionth of the variance is left: three quarters of what rounding may take.
		[1 - 1.5e-13, "precision-lost"],
		[1, "precision-lost"],
		[1 + 2e-10, "negative-variance"],
		[1 + 1e-8, "impossible-sums"],
	])("knows what rounding leaves of a variance at a correlation of %d: %s", (correlation, outcome) => {
		const sums = correlated(correlation);
		const contrast = cupedContrast(sums, sums);
		expect(contrast.kind === "estimated" ? contrast.kind : contrast.reason).toBe(outcome);
	});

	it("does not take a perfect prediction for certainty", () => {
		const copies = [1, 2, 4, 8, 9].map((value): UnitWithHistory => [value, 1, value, 1]);
		expect(cupedContrast(sumsOf(copies), sumsOf(copies))).toMatchObject({ reason: "precision-lost" });
		const still = [3, 3, 3].map((value): UnitWithHistory => [value, 1, value, 1]);
		expect(cupedContrast(sumsOf(still), sumsOf(still))).toMatchObject({ reason: "no-variation" });
	});

	it("refuses what makes no sense", () => {
		expect(() => cupedContrast(...good, { theta: Number.NaN })).toThrow(
			expect.objectContaining({ code: "INVALID_WEIGHT" }),
		);
		const mixed = { ...good[0], sumX: 3n } as unknown as CovariateSums<number>;
		expect(() => cupedContrast(mixed, good[1])).toThrow(expect.objectContaining({ code: "MIXED_QUANTITIES" }));
	});
});
