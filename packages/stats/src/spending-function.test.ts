import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SpendingFunction, spentError } from "./spending-function.ts";

const spending: fc.Arbitrary<SpendingFunction> = fc.oneof(
	fc.constant<SpendingFunction>({ kind: "obrien-fleming" }),
	fc.constant<SpendingFunction>({ kind: "pocock" }),
	fc.integer({ min: -40, max: 40 }).map((gamma): SpendingFunction => ({ kind: "hwang-shih-decani", gamma })),
);
const fraction = fc.double({ min: 0, max: 1.5, noNaN: true });

describe("spentError", () => {
	it.each([
		// Lan–DeMets: 2(1 − Φ(2.2414/√½)); α·ln(1 + 0.859); gsd-hsd4's cumulative alpha.
		[{ kind: "obrien-fleming" }, 0.5, 0.001525],
		[{ kind: "pocock" }, 0.5, 0.015503],
		[{ kind: "hwang-shih-decani", gamma: -4 }, 0.6, 0.004675],
		[{ kind: "hwang-shih-decani", gamma: 0 }, 0.6, 0.015],
	] as const)("%j at %d", (how, at, expected) => {
		expect(spentError(how, 0.025, at)).toBeCloseTo(expected, 6);
	});

	it("spends from nothing to everything and never less", () => {
		fc.assert(
			fc.property(
				spending,
				fraction,
				fraction,
				fc.double({ min: 1e-6, max: 0.5, noNaN: true }),
				(how, one, other, rate) => {
					const [early, late] = [Math.min(one, other), Math.max(one, other)];
					expect(spentError(how, rate, 0)).toBe(0);
					expect(spentError(how, rate, 1)).toBe(rate);
					expect(spentError(how, rate, early)).toBeLessThanOrEqual(spentError(how, rate, late) * (1 + 1e-12));
					expect(spentError(how, rate, late)).toBeLessThanOrEqual(rate * (1 + 1e-12));
				},
			),
		);
	});

	it("keeps full precision for the smallest early spending", () => {
		// mpmath: erfc(z/√0.05/√2) with z = 2.241402727604947.
		expect(spentError({ kind: "obrien-fleming" }, 0.025, 0.05) / 1.197360676423166e-23).toBeCloseTo(1, 12);
	});

	it.each([
		["INVALID_ALPHA", { kind: "pocock" } as const, 1, 0.5],
		["INVALID_INFORMATION", { kind: "pocock" } as const, 0.05, -0.1],
		["INVALID_INFORMATION", { kind: "pocock" } as const, 0.05, Number.NaN],
		["INVALID_SPENDING", { kind: "hwang-shih-decani", gamma: 41 } as const, 0.05, 1],
		["INVALID_SPENDING", { kind: "linear" } as unknown as SpendingFunction, 0.05, 0.5],
	])("refuses %s", (code, how, rate, at) => {
		expect(() => spentError(how, rate, at)).toThrow(expect.objectContaining({ code }));
	});
});
