import { describe, expect, it } from "vitest";
import { groupSequentialOutcomes, planGroupSequential } from "./group-sequential-plan.ts";
import type { SpendingFunction } from "./spending-function.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const equal = (looks: number) => Array.from({ length: looks }, (_, look) => (look + 1) / looks);
const hsd = (gamma: number): SpendingFunction => ({ kind: "hwang-shih-decani", gamma });
const near = (values: readonly number[], published: readonly number[], tolerance: number) => {
	expect(values).toHaveLength(published.length);
	values.forEach((value, index) => {
		expect(Math.abs(value - published[index]!)).toBeLessThanOrEqual(tolerance);
	});
};

describe("planGroupSequential", () => {
	it("gives gsd-hsd4", () => {
		const { inputs, expected, tolerance } = statOracle("gsd-hsd4");
		const plan = planGroupSequential({
			alpha: inputs.alpha,
			sides: 1,
			spending: hsd(inputs.gamma),
			power: 1 - inputs.beta,
			informationFractions: equal(inputs.k),
		});
		near(
			plan.looks.map(({ efficacyBound }) => efficacyBound),
			expected.z,
			tolerance,
		);
		const [none, planned] = groupSequentialOutcomes(plan, [0, 1]);
		near(
			[plan.inflationFactor, none!.expectedSampleRatio, planned!.expectedSampleRatio, none!.power, planned!.power],
			[expected.max_n_ratio, expected.EN_H0, expected.EN_H1, inputs.alpha, 0.9],
			tolerance,
		);
	});

	it("gives gsd-nonbinding-futility", () => {
		const { inputs, expected, tolerance } = statOracle("gsd-nonbinding-futility");
		const plan = planGroupSequential({
			alpha: inputs.alpha,
			sides: 1,
			spending: hsd(-4),
			futilitySpending: hsd(-2),
			power: 1 - inputs.beta,
			informationFractions: equal(inputs.k),
		});
		near(
			plan.looks.map(({ efficacyBound }) => efficacyBound),
			expected.upper_z,
			tolerance.z,
		);
		near(
			plan.looks.map(({ futilityBound }) => futilityBound!),
			expected.lower_z,
			tolerance.z,
		);
		near(
			plan.looks.map(({ informationFraction }) => informationFraction * plan.inflationFactor * inputs.n_fix),
			expected.N,
			tolerance.N,
		);
		const [none, planned] = groupSequentialOutcomes(plan, [0, 1]);
		near(
			[none!.expectedSampleRatio * inputs.n_fix, planned!.expectedSampleRatio * inputs.n_fix],
			[expected.EN_H0, expected.EN_H1],
			tolerance.EN,
		);
		// Below alpha: giving up spends nothing back, so that nobody is bound to it.
		expect(none!.power).toBeCloseTo(expected.alpha_actual, 4);
		expect(planned!.power).toBeCloseTo(0.9, 9);
		expect(none!.futile + none!.power).toBeLessThan(1);
	});

	it("needs 4.9 % more than a fixed test with 28 looks, and on average far less: the research table", () => {
		const plan = planGroupSequential({
			alpha: 0.05,
			sides: 2,
			spending: { kind: "obrien-fleming" },
			power: 0.8,
			informationFractions: equal(28),
		});
		expect(plan.inflationFactor).toBeCloseTo(1.049, 3);
		const outcomes = groupSequentialOutcomes(plan, [0, 1, 1.5, 2, 3]);
		near(
			outcomes.slice(1).map(({ expectedSampleRatio }) => expectedSampleRatio),
			[0.777, 0.56, 0.426, 0.29],
			5e-4,
		);
		expect(outcomes[0]).toMatchObject({
			power: expect.closeTo(0.025, 9),
			wrongSign: expect.closeTo(0.025, 9),
			futile: 0,
		});
		expect(outcomes[1]!.power).toBeCloseTo(0.8, 9);
	});

	it("is the fixed test when it looks once", () => {
		for (const sides of [1, 2] as const) {
			const plan = planGroupSequential({
				alpha: 0.05,
				sides,
				spending: { kind: "pocock" },
				power: 0.9,
				informationFractions: [1],
			});
			expect(plan.looks[0]?.efficacyBound).toBeCloseTo(sides === 2 ? 1.959963984540054 : 1.6448536269514722, 10);
			expect(plan.inflationFactor).toBeCloseTo(1, sides === 2 ? 3 : 9);
			expect(groupSequentialOutcomes(plan, [1])[0]?.expectedSampleRatio).toBeCloseTo(plan.inflationFactor, 12);
		}
	});

	const valid = {
		alpha: 0.05,
		sides: 2 as const,
		spending: { kind: "pocock" } as const,
		power: 0.8,
		informationFractions: [0.5, 1],
	};
	it.each([
		["INVALID_POWER", { power: 0.02 }],
		["INVALID_POWER", { power: 1 }],
		["INVALID_ALPHA", { alpha: 0 }],
		["INVALID_LOOKS", { informationFractions: [] }],
		["INVALID_INFORMATION", { informationFractions: [0.5, 0.9] }],
		["INVALID_INFORMATION", { informationFractions: [0.5, 0.5, 1] }],
		["INVALID_SIDES", { futilitySpending: hsd(-2) }],
		["INVALID_SPENDING", { spending: hsd(Number.NaN) }],
		["INVALID_SPENDING", { sides: 1 as const, futilitySpending: hsd(100) }],
	])("refuses %s %j", (code, change) => {
		expect(() => planGroupSequential({ ...valid, ...change })).toThrow(expect.objectContaining({ code }));
	});

	it("refuses an effect ratio that is no number", () => {
		const plan = planGroupSequential(valid);
		expect(() => groupSequentialOutcomes(plan, [Number.NaN])).toThrow(
			expect.objectContaining({ code: "INVALID_STATISTIC" }),
		);
	});
});
