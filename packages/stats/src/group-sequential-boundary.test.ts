import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundaryCrossing } from "./boundary-crossing.ts";
import {
	type GroupSequentialBoundary,
	type GroupSequentialDesign,
	type GroupSequentialLook,
	groupSequentialBoundary,
	UNREACHABLE_BOUND,
} from "./group-sequential-boundary.ts";
import { normalUpperTail } from "./normal-tail.ts";
import { type SpendingFunction, spentError } from "./spending-function.ts";

const { bounds } = JSON.parse(readFileSync(new URL("../fixtures/group-sequential.json", import.meta.url), "utf8")) as {
	bounds: {
		kind: SpendingFunction["kind"];
		gamma: number;
		alpha: number;
		sides: 1 | 2;
		information: number[];
		expected: number[];
	}[];
};

const design: GroupSequentialDesign = { alpha: 0.05, sides: 2, spending: { kind: "obrien-fleming" } };

function taken(pastLooks: readonly GroupSequentialLook[], informationFraction: number, options = {}) {
	const boundary = groupSequentialBoundary({ design, pastLooks, informationFraction, ...options });
	if (boundary.kind === "not-estimable") throw new Error(boundary.message);
	return boundary;
}

function sequence(fractions: readonly number[], options: { design?: GroupSequentialDesign } = {}) {
	const looks: GroupSequentialBoundary[] = [];
	for (const at of fractions) looks.push(taken(looks, at, options));
	return looks;
}

/** As a plan has it that spends by information, and units do not grow. */
const lookOf = (informationFraction: number, efficacyBound: number, futilityBound: number | null = null) => ({
	...{ spendingTime: informationFraction, informationFraction, units: null, level: null, basis: "joint" as const },
	...{ efficacyBound, futilityBound },
});

/** Looks evenly planned, with the information and the units that they turned out to have. */
function planned(information: readonly number[], units: readonly number[] = []) {
	const looks: GroupSequentialBoundary[] = [];
	information.forEach((at, index) => {
		const counted = units[index] === undefined ? {} : { units: { control: units[index], treatment: units[index] } };
		looks.push(taken(looks, at, { spendingTime: (index + 1) / information.length, ...counted }));
	});
	return looks;
}

const fractions = fc
	.uniqueArray(fc.integer({ min: 5, max: 99 }), { minLength: 1, maxLength: 6 })
	.map((percents) => [...percents.sort((a, b) => a - b), 100].map((percent) => percent / 100));
const spending: fc.Arbitrary<SpendingFunction> = fc.oneof(
	fc.constant<SpendingFunction>({ kind: "obrien-fleming" }),
	fc.constant<SpendingFunction>({ kind: "pocock" }),
	fc.integer({ min: -8, max: 8 }).map((gamma): SpendingFunction => ({ kind: "hwang-shih-decani", gamma })),
);

describe("groupSequentialBoundary", () => {
	it.each(bounds)("agrees with quadrature: $kind $gamma, $sides-sided, $information", (reference) => {
		const { kind, gamma, alpha, sides, information, expected } = reference;
		const spent = kind === "hwang-shih-decani" ? { kind, gamma } : { kind };
		sequence(information, { design: { alpha, sides, spending: spent } }).forEach(({ efficacyBound }, look) => {
			expect(Math.abs(efficacyBound - expected[look]!)).toBeLessThan(1e-6);
		});
	});

	it("gives the Lan–DeMets bounds of the textbooks for five equal looks", () => {
		const looks = sequence([0.2, 0.4, 0.6, 0.8, 1]);
		expect(looks.map(({ efficacyBound }) => efficacyBound.toFixed(2))).toEqual([
			"4.88",
			"3.36",
			"2.68",
			"2.29",
			"2.03",
		]);
	});

	it("spends exactly alpha by the end, whenever it looks", () => {
		fc.assert(
			fc.property(fractions, spending, fc.constantFrom(1 as const, 2 as const), (at, how, sides) => {
				const looks = sequence(at, { design: { alpha: 0.05, sides, spending: how } });
				const { upper } = boundaryCrossing(
					looks.map(({ informationFraction, efficacyBound }) => ({
						information: informationFraction,
						lower: sides === 2 ? -efficacyBound : Number.NEGATIVE_INFINITY,
						upper: efficacyBound,
					})),
					0,
				);
				expect(sides * upper.reduce((sum, each) => sum + each, 0)).toBeCloseTo(0.05, 8);
				expect(looks.at(-1)?.alphaSpent).toBeCloseTo(0.05, 8);
				const spent = looks.map(({ alphaSpent }) => alphaSpent);
				expect(spent).toEqual(spent.toSorted((a, b) => a - b));
			}),
			{ numRuns: 40 },
		);
	});

	it("has a lower bound at the first look for whoever spends more there, and for a larger alpha", () => {
		fc.assert(
			fc.property(fc.double({ min: 0.05, max: 0.99, noNaN: true }), fc.integer({ min: -8, max: 7 }), (at, gamma) => {
				const first = (eager: number, alpha: number) =>
					taken([], at, { design: { alpha, sides: 1, spending: { kind: "hwang-shih-decani", gamma: eager } } })
						.efficacyBound;
				expect(first(gamma + 1, 0.05)).toBeLessThanOrEqual(first(gamma, 0.05));
				expect(first(gamma, 0.06)).toBeLessThan(first(gamma, 0.05));
			}),
			{ numRuns: 40 },
		);
	});

	it("takes past looks as they were and makes up for them", () => {
		const regular = sequence([0.5, 1]);
		const lenient = lookOf(0.5, 2.3);
		const after = taken([lenient], 1);
		expect(after.efficacyBound).toBeGreaterThan(regular[1]!.efficacyBound);
		expect(after.alphaSpent).toBeCloseTo(0.05, 9);
	});

	it("spends the remainder on overrun, with the past at the information it had", () => {
		const past = sequence([0.3, 0.6]);
		const over = taken(past, 1.25);
		expect(over.alphaSpent).toBeCloseTo(0.05, 9);
		// More independent of the past than a look at 1 would be, so its bound is a little higher.
		expect(over.efficacyBound).toBeGreaterThan(taken(past, 1).efficacyBound);
	});

	it("spends the remainder at a final look that comes early, and nothing is left after it", () => {
		const past = sequence([0.3]);
		const early = taken(past, 0.7, { final: true });
		expect(early.alphaSpent).toBeCloseTo(0.05, 9);
		expect(early.efficacyBound).toBeLessThan(taken(past, 0.7).efficacyBound);
		expect(groupSequentialBoundary({ design, pastLooks: sequence([0.3, 1]), informationFraction: 1.1 })).toMatchObject({
			kind: "not-estimable",
			reason: "alpha-spent",
		});
	});

	it("has no reachable bound while next to nothing may be spent", () => {
		expect(taken([], 0.0005).efficacyBound).toBe(UNREACHABLE_BOUND);
		expect(taken([], 0.0005).alphaSpent).toBeLessThan(1e-300);
		// Past bounds that have spent everything already.
		const reckless = lookOf(0.5, 1);
		expect(taken([reckless], 0.8).efficacyBound).toBe(UNREACHABLE_BOUND);
	});

	it("is not estimable without new information", () => {
		const past = sequence([0.5]);
		for (const informationFraction of [0.4, 0.5, 0.50001]) {
			expect(groupSequentialBoundary({ design, pastLooks: past, informationFraction })).toMatchObject({
				kind: "not-estimable",
				reason: "no-new-information",
			});
		}
	});

	it("spends by the plan alone where that is given, whatever unit information is in", () => {
		const textbook = sequence([0.25, 0.5, 0.75, 1]).map(({ efficacyBound }) => efficacyBound);
		const close = textbook.map((bound) => expect.closeTo(bound, 9));
		const even = [1, 2, 3, 4];
		for (const scale of [1e-9, 1, 1e9]) {
			const information = even.map((at) => at * scale);
			expect(planned(information).map(({ efficacyBound }) => efficacyBound)).toEqual(close);
			expect(planned(information, even).map(({ efficacyBound }) => efficacyBound)).toEqual(close);
		}
		// Information that grows ahead of the plan neither ends the test nor spends its error rate.
		const ahead = planned([1.2, 1.3, 2, 2.1]);
		expect(ahead.map(({ alphaSpent }) => alphaSpent)).toEqual(
			sequence([0.25, 0.5, 0.75, 1]).map(({ alphaSpent }) => expect.closeTo(alphaSpent, 9)),
		);
	});

	it("tests a look that knows no more by a bound of its own, at what is due", () => {
		// The variance of calls per unit grew faster than units came.
		const looks = planned([0.25, 0.14, 0.127, 0.135], [250, 500, 750, 1000]);
		expect(looks.map(({ basis }) => basis)).toEqual(["joint", "union", "union", "union"]);
		const spent = [0.25, 0.5, 0.75, 1].map((at) => spentError(design.spending, 0.025, at));
		looks.forEach(({ efficacyBound }, index) => {
			expect(normalUpperTail(efficacyBound)).toBeCloseTo(spent[index]! - (spent[index - 1] ?? 0), 12);
		});
		expect(looks.at(-1)?.alphaSpent).toBeCloseTo(0.05, 12);
	});

	it("leaves such a look out of the chain, whose looks and lone ones spend alpha together", () => {
		const looks = planned([1, 0.9, 2, 1.9, 3]);
		expect(looks.map(({ basis }) => basis)).toEqual(["joint", "union", "joint", "union", "joint"]);
		const { upper } = boundaryCrossing(
			[looks[0]!, looks[2]!, looks[4]!].map(({ informationFraction, efficacyBound }) => ({
				...{ information: informationFraction, lower: -efficacyBound, upper: efficacyBound },
			})),
			0,
		);
		const lone = normalUpperTail(looks[1]!.efficacyBound) + normalUpperTail(looks[3]!.efficacyBound);
		expect(2 * upper.reduce((sum, each) => sum + each, lone)).toBeCloseTo(0.05, 9);
		expect(looks.at(-1)?.alphaSpent).toBeCloseTo(0.05, 9);
	});

	it("tests a final look that knows no more, too", () => {
		const last = taken(sequence([0.5]), 0.4, { final: true });
		expect(last).toMatchObject({ basis: "union", spendingTime: 1 });
		expect(last.alphaSpent).toBeCloseTo(0.05, 12);
	});

	it.each([
		[5, 0.2],
		[10, 0.5],
		[20, 0.05],
	])("keeps alpha at %i looks where values of units grow and information rises as units^%d", (count, power) => {
		const numbers = Array.from({ length: count }, (_, index) => index + 1);
		// What comes is independent of what was: sums over units are a random walk, of variance n²·V.
		const errorOf = (looks: readonly GroupSequentialLook[]) => {
			const walk = looks.map(({ efficacyBound }, index) => ({
				...{ information: (index + 1) ** (2 - power), lower: -efficacyBound, upper: efficacyBound },
			}));
			return 2 * boundaryCrossing(walk, 0).upper.reduce((sum, each) => sum + each, 0);
		};
		const information = numbers.map((number) => number ** power);
		expect(errorOf(planned(information, numbers))).toBeCloseTo(0.05, 8);
		expect(errorOf(planned(information))).toBeGreaterThan(0.06);
	});

	it("tests a look alone since which the level of both arms has moved by more than new units explain", () => {
		// 1 ± 0.05 at 400 units, so that 400 more move it by 0.035 or so.
		const level = (value: number, units: number) => ({ value, variance: 1 / units, units });
		const first = taken([], 1, { spendingTime: 0.5, level: level(1, 400) });
		const after = (value: number) => taken([first], 2, { spendingTime: 1, level: level(value, 800) }).basis;
		expect([0.8, 0.895, 1.105, 1.107, 1.5].map(after)).toEqual(["union", "joint", "joint", "union", "union"]);
		expect(taken([first], 2, { spendingTime: 1 }).basis).toBe("joint");
	});

	it("takes for the growth of units that of the arm in which it was less certain", () => {
		const unequal = (control: number, treatment: number) =>
			taken([taken([], 0.5, { spendingTime: 0.5, units: { control: 100, treatment: 100 } })], 0.6, {
				...{ spendingTime: 1, units: { control, treatment } },
			}).efficacyBound;
		expect(unequal(400, 150)).toBe(unequal(150, 400));
		expect(unequal(400, 150)).toBe(unequal(400, 400));
		expect(unequal(400, 150)).toBeGreaterThan(unequal(150, 150));
	});

	it("gives up in vain as often as beta allows, and never changes the efficacy bounds by it", () => {
		const futility = { beta: 0.2, spending: { kind: "hwang-shih-decani", gamma: -2 } as const, drift: 2.8 };
		const bare: GroupSequentialDesign = { alpha: 0.025, sides: 1, spending: { kind: "obrien-fleming" } };
		const at = [0.3, 0.7, 0.9];
		const plain = sequence(at, { design: bare });
		const looks = sequence(at, { design: { ...bare, futility } });
		expect(looks.map(({ efficacyBound }) => efficacyBound)).toEqual(plain.map(({ efficacyBound }) => efficacyBound));
		const { lower } = boundaryCrossing(
			looks.map((look) => ({
				information: look.informationFraction,
				lower: look.futilityBound!,
				upper: look.efficacyBound,
			})),
			2.8,
		);
		const allowed = (0.2 * Math.expm1(2 * 0.9)) / Math.expm1(2);
		expect(lower.reduce((sum, each) => sum + each, 0)).toBeCloseTo(allowed, 8);
		const final = taken(looks, 1, { design: { ...bare, futility } });
		expect(final.futilityBound).toBe(final.efficacyBound);
	});

	it.each([
		["INVALID_ALPHA", { design: { ...design, alpha: 0 } }],
		["INVALID_SIDES", { design: { ...design, sides: 3 as unknown as 1 } }],
		["INVALID_SIDES", { design: { ...design, futility: { beta: 0.1, spending: design.spending, drift: 3 } } }],
		[
			"INVALID_POWER",
			{ design: { ...design, sides: 1 as const, futility: { beta: 0, spending: design.spending, drift: 3 } } },
		],
		[
			"INVALID_STATISTIC",
			{ design: { ...design, sides: 1 as const, futility: { beta: 0.1, spending: design.spending, drift: 0 } } },
		],
		["INVALID_SPENDING", { design: { ...design, spending: { kind: "even" } as unknown as SpendingFunction } }],
		["INVALID_INFORMATION", { informationFraction: Number.NaN }],
		["INVALID_INFORMATION", { informationFraction: 0 }],
		["INVALID_INFORMATION", { pastLooks: [lookOf(-1, 3)] }],
		["INVALID_BOUNDS", { pastLooks: [lookOf(0.1, Number.NaN)] }],
		["INVALID_BOUNDS", { pastLooks: [lookOf(0.1, 1, 2)] }],
		["INVALID_INFORMATION", { spendingTime: 0 }],
		["INVALID_INFORMATION", { spendingTime: 1.1 }],
		["INVALID_INFORMATION", { spendingTime: Number.NaN }],
		["INVALID_INFORMATION", { level: { value: Number.NaN, variance: 1, units: 1 } }],
		["INVALID_INFORMATION", { level: { value: 1, variance: -1, units: 1 } }],
		["INVALID_INFORMATION", { level: { value: 1, variance: 1, units: 0 } }],
		["INVALID_INFORMATION", { units: { control: 0, treatment: 1 } }],
		["INVALID_INFORMATION", { units: { control: 1, treatment: Number.POSITIVE_INFINITY } }],
	])("refuses %s %j", (code, change) => {
		expect(() => groupSequentialBoundary({ design, pastLooks: [], informationFraction: 0.5, ...change })).toThrow(
			expect.objectContaining({ code }),
		);
	});
});
