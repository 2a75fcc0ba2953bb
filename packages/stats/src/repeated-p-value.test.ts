import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	type GroupSequentialDesign,
	type GroupSequentialLook,
	groupSequentialBoundary,
} from "./group-sequential-boundary.ts";
import { normalUpperTail } from "./normal-tail.ts";
import { repeatedPValue } from "./repeated-p-value.ts";
import type { SpendingFunction } from "./spending-function.ts";

const design: GroupSequentialDesign = { alpha: 0.05, sides: 2, spending: { kind: "obrien-fleming" } };

function looksOf(information: readonly number[], of: GroupSequentialDesign = design) {
	const looks: GroupSequentialLook[] = [];
	information.forEach((informationFraction, index) => {
		const spendingTime = (index + 1) / information.length;
		const units = { control: index + 1, treatment: index + 1 };
		const found = groupSequentialBoundary({ design: of, pastLooks: looks, informationFraction, spendingTime, units });
		if (found.kind === "not-estimable") throw new Error(found.message);
		looks.push(found);
	});
	return { pastLooks: looks.slice(0, -1), look: looks.at(-1)! };
}

const information = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
const spending = fc.constantFrom<SpendingFunction>(
	{ kind: "obrien-fleming" },
	{ kind: "pocock" },
	{ kind: "hwang-shih-decani", gamma: -4 },
);

describe("repeatedPValue", () => {
	it("is that of a z-test where there is one look", () => {
		for (const z of [-3.2, -1.5, 0.6, 2.1, 6]) {
			const one = repeatedPValue({ design, ...looksOf([1]), z });
			expect(one).toBeCloseTo(2 * normalUpperTail(Math.abs(z)), 12);
			const upward = { ...design, sides: 1 } as const;
			if (z > 0.6) {
				expect(repeatedPValue({ design: upward, ...looksOf([1], upward), z })).toBeCloseTo(normalUpperTail(z), 12);
			}
		}
	});

	it("is the alpha whose bound the z-score meets", () => {
		fc.assert(
			fc.property(information, spending, fc.double({ min: 1, max: 4, noNaN: true }), (at, how, z) => {
				const spent = { ...design, spending: how };
				const p = repeatedPValue({ design: spent, ...looksOf(at, spent), z });
				fc.pre(p < 0.6);
				const { look } = looksOf(at, { ...spent, alpha: p });
				expect(look.efficacyBound).toBeCloseTo(z, 6);
			}),
			{ numRuns: 40 },
		);
	});

	it("is below alpha exactly when the look rejects, at the bound as well", () => {
		fc.assert(
			fc.property(information, spending, fc.constantFrom(1 as const, 2 as const), (at, how, sides) => {
				const spent = { alpha: 0.05, sides, spending: how };
				const looks = looksOf(at, spent);
				for (const nudge of [0, 1e-14, 1e-9, 0.01, 1]) {
					const bound = looks.look.efficacyBound;
					expect(repeatedPValue({ design: spent, ...looks, z: bound * (1 + nudge) })).toBeLessThan(0.05);
					if (nudge > 0) {
						expect(repeatedPValue({ design: spent, ...looks, z: bound * (1 - nudge) })).toBeGreaterThan(0.05);
					}
				}
			}),
			{ numRuns: 30 },
		);
	});

	it("never rises with alpha's bounds: what a smaller alpha rejects, a larger one does", () => {
		fc.assert(
			fc.property(information, spending, (at, how) => {
				const bounds = [1e-6, 0.001, 0.01, 0.05, 0.2, 0.4, 0.6].map(
					(alpha) => looksOf(at, { ...design, alpha, spending: how }).look.efficacyBound,
				);
				expect(bounds).toEqual(bounds.toSorted((a, b) => b - a));
			}),
			{ numRuns: 40 },
		);
	});

	it("is 1 where no alpha up to 0.3 of a side rejects, and never 0", () => {
		const looks = looksOf([1, 2]);
		expect(repeatedPValue({ design, ...looks, z: 0 })).toBe(1);
		expect(repeatedPValue({ design: { ...design, sides: 1 }, ...looks, z: -8 })).toBe(1);
		expect(repeatedPValue({ design, ...looks, z: 30 })).toBe(1e-15);
	});
});
