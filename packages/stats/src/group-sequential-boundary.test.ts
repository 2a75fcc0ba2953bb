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
import type { SpendingFunction } from "./spending-function.ts";

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
		const lenient: GroupSequentialLook = { informationFraction: 0.5, efficacyBound: 2.3, futilityBound: null };
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
		const reckless: GroupSequentialLook = { informationFraction: 0.5, efficacyBound: 1, futilityBound: null };
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
		["INVALID_INFORMATION", { pastLooks: [{ informationFraction: -1, efficacyBound: 3, futilityBound: null }] }],
		["INVALID_BOUNDS", { pastLooks: [{ informationFraction: 0.1, efficacyBound: Number.NaN, futilityBound: null }] }],
		["INVALID_BOUNDS", { pastLooks: [{ informationFraction: 0.1, efficacyBound: 1, futilityBound: 2 }] }],
	])("refuses %s %j", (code, change) => {
		expect(() => groupSequentialBoundary({ design, pastLooks: [], informationFraction: 0.5, ...change })).toThrow(
			expect.objectContaining({ code }),
		);
	});
});
