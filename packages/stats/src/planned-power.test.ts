import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRatios } from "./always-valid-comparison.ts";
import { tuneRhoSquared, twoSidedRadiusMultiplier } from "./asymptotic-confidence-sequence.ts";
import { normalUpperQuantile, normalUpperTail } from "./normal-tail.ts";
import { plannedMean, plannedQuantile } from "./planned-metric.ts";
import { type ComparisonPlan, plannedPower } from "./planned-power.ts";
import { proportionComparison } from "./proportion-comparison.ts";
import { quantileComparison } from "./quantile-comparison.ts";
import { quantileEstimate } from "./quantile-estimate.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { requiredUnits } from "./required-units.ts";
import { studentTestPower } from "./student-test-power.ts";
import { estimated } from "./test-support/estimated.ts";
import { latencies, quantileEvidenceOf } from "./test-support/quantile-evidence-of.ts";
import { bernoulliSums, ratioSumsOf, type UnitTotals } from "./test-support/ratio-sums-of.ts";
import { type SeededRandom, seededRandom } from "./test-support/seeded-random.ts";
import { statOracle } from "./test-support/stat-oracle.ts";
import { welchComparison } from "./welch-comparison.ts";

const mean = { kind: "mean", baseline: 10, variancePerUnit: 4 } as const;
const fixed: ComparisonPlan = { metric: mean, inference: { kind: "fixed" }, alpha: 0.05 };
const lift = { scale: "relative", value: 0.05 } as const;

function powerOf(plan: ComparisonPlan, units: number, effect: Parameters<typeof plannedPower>[1] = lift): number {
	return estimated(plannedPower(plan, effect, units)).power;
}

describe("plannedPower", () => {
	const { inputs, expected } = statOracle("gb-power");
	const published: ComparisonPlan = {
		metric: { kind: "mean", baseline: inputs.mean, variancePerUnit: inputs.sd_squared },
		inference: { kind: "fixed" },
		alpha: inputs.alpha,
		controlShare: 1 / inputs.arms,
		treatmentShare: 1 / inputs.arms,
	};
	const effect = { scale: "relative", value: inputs.effect_rel } as const;

	it("gives the fixed power of gb-power", () => {
		expect(powerOf(published, inputs.n_total, effect)).toBeCloseTo(expected.power_fixed, 5);
	});

	it("gives the sequential power of gb-power with its formula, which multiplies the standard error", () => {
		const units = (2 * inputs.n_total) / inputs.arms;
		const bound = twoSidedRadiusMultiplier(units, tuneRhoSquared(0.05, inputs.n_star), 0.05);
		const inflationFactor = (bound / normalUpperQuantile(0.025)) ** 2;
		const inflated = {
			...published,
			inference: { kind: "group-sequential", inflationFactor, standardError: "own" },
		} as const;
		expect(powerOf(inflated, inputs.n_total, effect)).toBeCloseTo(expected.power_sequential, 5);
		// A wider interval moves the bound, not the noise: one look has a third of that power …
		const { n_star: tunedUnits } = inputs;
		const once = { ...published, inference: { kind: "always-valid", looks: 1, tunedUnits } } as const;
		const { drift, power } = estimated(plannedPower(once, effect, inputs.n_total));
		expect(power).toBeCloseTo(normalUpperTail(bound - drift), 6);
		expect(power).toBeCloseTo(0.0721, 4);
	});

	it("is the always-valid power that was simulated: .50 where the fixed test has .80, .86 with twice the units", () => {
		const metric = { kind: "quantile", baseline: 1, logVariancePerUnit: 1 } as const;
		const plan = { metric, inference: { kind: "always-valid" }, alpha: 0.05 } as const;
		const { units } = estimated(requiredUnits({ ...plan, inference: { kind: "fixed" } }, lift, 0.8));
		expect(powerOf(plan, units)).toBeCloseTo(0.5, 1);
		expect(powerOf(plan, 2 * units)).toBeCloseTo(0.866, 2);
		// More looks catch more, up to a point.
		const looks = (count: number) => powerOf({ ...plan, inference: { kind: "always-valid", looks: count } }, units);
		expect(looks(5)).toBeLessThan(looks(28));
		expect(looks(100)).toBeLessThan(0.54);
		// A one-sided bound is nearer.
		expect(powerOf({ ...plan, sides: 1 }, units)).toBeGreaterThan(powerOf(plan, units) + 0.05);
	});

	it("knows when watching stops on average: the research simulated .79, .52, .33 and .17 of a fixed test's units", () => {
		const metric = { kind: "quantile", baseline: 1, logVariancePerUnit: 1 } as const;
		const plan = { metric, inference: { kind: "always-valid" }, alpha: 0.05 } as const;
		const { units } = estimated(requiredUnits({ ...plan, inference: { kind: "fixed" } }, lift, 0.8));
		for (const [multiple, share] of [
			[1, 0.79],
			[1.5, 0.52],
			[2, 0.33],
			[3, 0.17],
		] as const) {
			const effect = { scale: "relative", value: 1.05 ** multiple - 1 } as const;
			const { expectedUnits } = estimated(plannedPower(plan, effect, units));
			expect(Math.abs(expectedUnits! / units - share)).toBeLessThan(0.012);
		}
		expect(estimated(plannedPower({ ...plan, inference: { kind: "fixed" } }, lift, units)).expectedUnits).toBe(units);
		const sequential = { ...plan, inference: { kind: "group-sequential", inflationFactor: 1.05 } } as const;
		expect(estimated(plannedPower(sequential, lift, units)).expectedUnits).toBeNull();
	});

	it("is that of compareRatios at one look: its ρ, its effective units, its pooled variance", () => {
		const plan: ComparisonPlan = {
			metric: { kind: "proportion", baseline: 0.5 },
			inference: { kind: "always-valid", looks: 1 },
			alpha: 0.05,
			controlShare: 0.9,
			treatmentShare: 0.1,
		};
		const { drift, power } = estimated(plannedPower(plan, { scale: "absolute", value: 0.3 }, 500));
		// Both arms thrown together: 40 of 50 and 225 of 450 are 265 of 500. The estimate of 0.25 does not vary, that of
		// 0.8 · 0.2 by 0.6² · 0.16 / 50.
		const [pooled, own] = [0.53 * 0.47 * (1 / 450 + 1 / 50), 0.25 / 450 + 0.16 / 50];
		const spread = (1 / 50 - 1 / 450) * Math.sqrt((0.6 ** 2 * 0.16) / 50);
		expect(drift).toBeCloseTo(0.3 / Math.sqrt(expectedMaximum(own, pooled, spread)), 8);
		const bound = twoSidedRadiusMultiplier(180, tuneRhoSquared(0.05, 90), 0.05);
		expect(power).toBeCloseTo(normalUpperTail(bound - drift) + normalUpperTail(bound + drift), 7);
	});

	it("is the hybrid's: more than watching, less than the fixed test; the research simulated .72 where that has .80", () => {
		const metric = { kind: "quantile", baseline: 1, logVariancePerUnit: 1 } as const;
		const plan = { metric, inference: { kind: "hybrid" }, alpha: 0.05 } as const;
		const { units } = estimated(requiredUnits({ ...plan, inference: { kind: "fixed" } }, lift, 0.8));
		const { power, expectedUnits } = estimated(plannedPower(plan, lift, units));
		expect(Math.abs(power - 0.72)).toBeLessThan(0.015);
		expect(Math.abs(expectedUnits! / units - 0.86)).toBeLessThan(0.015);
		// With no look but the end it is a fixed test at alpha/2.
		const once = { ...plan, inference: { kind: "hybrid", looks: 1 } } as const;
		const { drift, power: alone } = estimated(plannedPower(once, lift, units));
		expect(alone).toBeCloseTo(normalUpperTail(normalUpperQuantile(0.0125) - drift), 6);
		expect(power).toBeGreaterThan(alone);
		expect(() => plannedPower({ ...plan, sides: 1 }, lift, units)).toThrow(
			expect.objectContaining({ code: "INVALID_SIDES" }),
		);
	});

	it("has the safeguard inside, where it costs: unequal arms with the larger variance in the larger one", () => {
		const plan: ComparisonPlan = {
			metric: { kind: "proportion", baseline: 0.1 },
			inference: { kind: "group-sequential", inflationFactor: 1 },
			alpha: 0.05,
			controlShare: 0.9,
			treatmentShare: 0.1,
		};
		const fall = { scale: "absolute", value: -0.05 } as const;
		const powers = ([{}, { standardError: "own" }] as const).map((of) =>
			powerOf({ ...plan, inference: { kind: "group-sequential", inflationFactor: 1, ...of } }, 3000, fall),
		);
		// Both arms thrown together: 300 + 2700 units, shares 0.05 and 0.1.
		const [pooled, own] = [0.095 * 0.905 * (1 / 2700 + 1 / 300), 0.09 / 2700 + 0.0475 / 300];
		const spread = (1 / 300 - 1 / 2700) * Math.sqrt((0.8 ** 2 * 0.09) / 2700 + (0.9 ** 2 * 0.0475) / 300);
		const larger = expectedMaximum(own, pooled, spread);
		expect(larger).toBeGreaterThan(pooled);
		expect(powers[0]).toBeCloseTo(normalUpperTail(normalUpperQuantile(0.025) - 0.05 / Math.sqrt(larger)), 5);
		expect(powers[1]).toBeCloseTo(normalUpperTail(normalUpperQuantile(0.025) - 0.05 / Math.sqrt(own)), 5);
		// A rise has the larger variance in the small arm, and costs next to nothing.
		const rise = { scale: "absolute", value: 0.05 } as const;
		const bare = { kind: "group-sequential", inflationFactor: 1, standardError: "own" } as const;
		const without = powerOf({ ...plan, inference: bare }, 3000, rise);
		expect(powerOf(plan, 3000, rise)).toBeLessThan(without);
		expect(powerOf(plan, 3000, rise)).toBeGreaterThan(without - 0.001);
	});

	it("counts that the larger of two estimated variances is larger than either, in unequal arms", () => {
		const plan: ComparisonPlan = {
			metric: { kind: "mean", baseline: 0, variancePerUnit: 1 },
			inference: { kind: "group-sequential", inflationFactor: 1 },
			alpha: 0.05,
			controlShare: 0.9,
			treatmentShare: 0.1,
		};
		const inverses = 1 / 900 + 1 / 100;
		const equal = estimated(plannedPower({ ...plan, controlShare: 0.5, treatmentShare: 0.5 }, effectOf(0.1), 1000));
		expect(equal.drift).toBeCloseTo(0.1 / Math.sqrt(4 / 1000 + 0.1 ** 2 / 1000), 10);
		const own = inverses;
		const pooled = (1 + 0.09 * 0.1 ** 2) * inverses;
		const spread = (1 / 100 - 1 / 900) * Math.sqrt(2 / 900 + 2 / 100);
		const { drift } = estimated(plannedPower(plan, effectOf(0.1), 1000));
		expect(drift).toBeCloseTo(0.1 / Math.sqrt(expectedMaximum(own, pooled, spread)), 8);
	});

	it("loses what the inflation factor says", () => {
		const sequential = {
			...fixed,
			inference: { kind: "group-sequential", inflationFactor: 1.05, standardError: "own" },
		} as const;
		const drift = estimated(plannedPower(fixed, lift, 4000)).drift;
		expect(powerOf(sequential, 4000)).toBeCloseTo(
			normalUpperTail(normalUpperQuantile(0.025) - drift / Math.sqrt(1.05)),
			6,
		);
	});

	it("grows with units, effect and alpha, and is the same for either direction of an absolute effect", () => {
		const inference = fc.constantFrom(
			{ kind: "fixed" } as const,
			{ kind: "group-sequential", inflationFactor: 1.1 } as const,
			{ kind: "always-valid", looks: 3 } as const,
		);
		const units = fc.integer({ min: 100, max: 100_000 });
		const value = fc.double({ min: 0.01, max: 2, noNaN: true });
		fc.assert(
			fc.property(inference, units, value, (kind, count, size) => {
				const plan = { ...fixed, inference: kind };
				const absolute = (by: number) => ({ scale: "absolute", value: by }) as const;
				const power = powerOf(plan, count, absolute(size));
				expect(powerOf(plan, 2 * count, absolute(size))).toBeGreaterThanOrEqual(power - 1e-9);
				expect(powerOf(plan, count, absolute(1.1 * size))).toBeGreaterThanOrEqual(power - 1e-9);
				expect(powerOf({ ...plan, alpha: 0.1 }, count, absolute(size))).toBeGreaterThanOrEqual(power - 1e-9);
				expect(powerOf(plan, count, absolute(-size))).toBeCloseTo(power, 12);
			}),
			{ numRuns: 40 },
		);
	});

	it("counts in the covariates, the split, and the other arms", () => {
		expect(powerOf({ ...fixed, varianceReduction: 0.4 }, 600)).toBeCloseTo(powerOf(fixed, 1000), 3);
		expect(powerOf({ ...fixed, controlShare: 0.9, treatmentShare: 0.1 }, 1000)).toBeLessThan(powerOf(fixed, 500));
		expect(powerOf({ ...fixed, controlShare: 0.25, treatmentShare: 0.25 }, 1000)).toBeCloseTo(powerOf(fixed, 500), 12);
	});

	const runs = 500;

	/** Share of `runs` in which a comparison at the units planned for 80 % finds the effect. */
	function found(finds: (random: SeededRandom) => boolean): number {
		const random = seededRandom(1234);
		return Array.from({ length: runs }, () => finds(random)).filter(Boolean).length / runs;
	}

	it("is what happens: a clustered ratio planned from its history", () => {
		const draw = (random: SeededRandom, units: number, level: number) =>
			estimated(
				ratioEstimate(
					ratioSumsOf(
						Array.from({ length: units }, (): UnitTotals => {
							const calls = 1 + random.integer(19);
							const total = calls * (level + random.normal()) + 2 * Math.sqrt(calls) * random.normal();
							return [total, calls];
						}),
					),
				),
			);
		const metric = plannedMean(draw(seededRandom(1), 20_000, 10));
		if (metric.kind === "not-estimable") throw new Error(metric.message);
		const { control, treatment } = estimated(requiredUnits({ ...fixed, metric }, lift, 0.8));
		const share = found((random) => {
			const arms = [draw(random, control, 10), draw(random, treatment, 10.5)] as const;
			return estimated(welchComparison(...arms, { alpha: 0.05 })).pValue < 0.05;
		});
		expect(share).toBeGreaterThan(0.75);
		expect(share).toBeLessThan(0.85);
	});

	it("is what happens: shares of units, 20 % treatment", () => {
		const plan = {
			...fixed,
			metric: { kind: "proportion", baseline: 0.1 },
			controlShare: 0.8,
			treatmentShare: 0.2,
		} as const;
		const { control, treatment } = estimated(requiredUnits(plan, { scale: "absolute", value: 0.05 }, 0.8));
		const share = found((random) => {
			const counts = (units: number, rate: number) => ({ units, successes: random.binomial(units, rate) });
			const { pValue } = estimated(
				proportionComparison(counts(control, 0.1), counts(treatment, 0.15), { alpha: 0.05 }),
			);
			return pValue < 0.05;
		});
		expect(share).toBeGreaterThan(0.76);
		expect(share).toBeLessThan(0.87);
	});

	it("is what happens: the median of returning users", () => {
		const draw = (random: SeededRandom, units: number, factor: number) => {
			const data = latencies(random, units, 0.3, () => 4).map((calls) => calls.map((value) => value * factor));
			return estimated(quantileEstimate(quantileEvidenceOf(data, 0.5), 0.5));
		};
		const metric = plannedQuantile(draw(seededRandom(2), 8000, 1));
		const { control, treatment } = estimated(
			requiredUnits({ ...fixed, metric }, { scale: "relative", value: 0.4 }, 0.8),
		);
		const share = found((random) => {
			const comparison = quantileComparison(draw(random, control, 1), draw(random, treatment, 1.4), 1.96);
			return Math.abs(estimated(comparison).statistic) > 1.96;
		});
		expect(share).toBeGreaterThan(0.74);
		expect(share).toBeLessThan(0.86);
	});

	it("is what happens: watched by the always-valid comparison, 10 % treatment", () => {
		const plan: ComparisonPlan = {
			metric: { kind: "proportion", baseline: 0.2 },
			inference: { kind: "always-valid", looks: 10 },
			alpha: 0.05,
			controlShare: 0.9,
			treatmentShare: 0.1,
		};
		const { units } = estimated(requiredUnits(plan, { scale: "relative", value: 0.3 }, 0.8));
		const share = found((random) => {
			const successes = [0, 0];
			for (let look = 1; look <= 10; look++) {
				const arms = [0.9, 0.1].map((part, arm) => {
					const [before, now] = [look - 1, look].map((l) => Math.round((units * part * l) / 10)) as [number, number];
					successes[arm]! += random.binomial(now - before, arm === 0 ? 0.2 : 0.26);
					return bernoulliSums(now, successes[arm]!);
				});
				const comparison = compareRatios({
					control: arms[0]!,
					treatment: arms[1]!,
					alpha: 0.05,
					plannedUnits: units,
					plannedShare: 0.1,
				});
				if (comparison.kind === "estimated" && comparison.pValue < 0.05) return true;
			}
			return false;
		});
		expect(share).toBeGreaterThan(0.75);
		expect(share).toBeLessThan(0.86);
	});

	it("is certain where nothing could be missed, and says where nothing can be said", () => {
		for (const inference of [
			{ kind: "fixed" },
			{ kind: "always-valid" },
			{ kind: "group-sequential", inflationFactor: 1.2 },
		] as const) {
			expect(powerOf({ ...fixed, inference }, 1e14)).toBeCloseTo(1, 9);
		}
		const watched = plannedPower({ ...fixed, inference: { kind: "always-valid", looks: 10 } }, lift, 1e14);
		expect(estimated(watched).expectedUnits! / 1e14).toBeCloseTo(0.1, 9);
		expect(plannedPower(fixed, lift, 3)).toMatchObject({ kind: "not-estimable", reason: "too-few-units" });
		expect(plannedPower({ ...fixed, metric: { ...mean, baseline: 0 } }, lift, 100)).toMatchObject({
			reason: "zero-baseline",
		});
	});

	it.each([
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_SIDES", { sides: 3 }],
		["INVALID_SHARE", { controlShare: 0 }],
		["INVALID_SHARE", { treatmentShare: 0.6 }],
		["INVALID_WEIGHT", { varianceReduction: 1 }],
		["INVALID_INFLATION", { inference: { kind: "group-sequential", inflationFactor: 0.9 } }],
		["INVALID_LOOKS", { inference: { kind: "always-valid", looks: 0 } }],
		["INVALID_TUNING", { inference: { kind: "always-valid", tunedUnits: 0 } }],
		["INVALID_ALPHA", { inference: { kind: "always-valid" }, alpha: 0.6, sides: 1 }],
	])("refuses a plan that makes no sense: %s %j", (code, change) => {
		expect(() => plannedPower({ ...fixed, ...change } as ComparisonPlan, lift, 100)).toThrow(
			expect.objectContaining({ code }),
		);
	});

	it("refuses units that make no sense", () => {
		for (const units of [0, -5, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(() => plannedPower(fixed, lift, units)).toThrow(expect.objectContaining({ code: "INVALID_UNITS" }));
		}
	});

	it("counts the degrees of freedom of either arm, and needs two units in the smaller", () => {
		const plan: ComparisonPlan = {
			metric: { kind: "mean", baseline: 10, variancePerUnit: 4 },
			inference: { kind: "fixed" },
			alpha: 0.05,
		};
		// Three units in each arm: 4 degrees of freedom, a standard error of √(4/3 + 4/3).
		const { power, drift } = estimated(plannedPower(plan, { scale: "absolute", value: 5 }, 6));
		expect(drift).toBeCloseTo(5 / Math.sqrt(8 / 3), 12);
		expect(power).toBeCloseTo(studentTestPower(drift, 4, 0.05, 2), 12);
		const uneven = { ...plan, controlShare: 0.99, treatmentShare: 0.01 };
		expect(plannedPower(uneven, { scale: "absolute", value: 5 }, 199)).toMatchObject({ reason: "too-few-units" });
		expect(plannedPower(uneven, { scale: "absolute", value: 5 }, 200).kind).toBe("estimated");
	});
});

const effectOf = (value: number) => ({ scale: "absolute", value }) as const;

/** E max(a, b) where b varies by `spread` about its mean, by the rectangle rule. */
function expectedMaximum(a: number, b: number, spread: number): number {
	const step = 1e-4;
	let sum = 0;
	for (let z = -9; z < 9; z += step) {
		sum += Math.max(a, b + spread * z) * (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * step;
	}
	return sum;
}
