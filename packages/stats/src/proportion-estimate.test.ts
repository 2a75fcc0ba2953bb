import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { proportionEstimate, wilsonInterval } from "./proportion-estimate.ts";
import { estimated } from "./test-support/estimated.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";
import { statOracle } from "./test-support/stat-oracle.ts";

const { wilson } = fixture<{
	wilson: { units: number; successes: number; z: number; lower: number; upper: number }[];
}>("fixed-horizon");

describe("proportionEstimate", () => {
	it("gives the intervals of sm-wilson", () => {
		const { inputs, expected } = statOracle("sm-wilson");
		for (const [successes, units] of inputs.cases) {
			const { lower, upper } = estimated(proportionEstimate({ units, successes }, { alpha: inputs.alpha }));
			const published = expected[`${successes}/${units}`];
			if (typeof published === "string") {
				expect(0 <= lower && lower <= upper && upper <= 1).toBe(true);
			} else {
				expect(lower).toBeCloseTo(published[0], 12);
				expect(upper).toBeCloseTo(published[1], 12);
			}
		}
	});

	it.each(wilson)("keeps its digits at $successes of $units", ({ units, successes, z, lower, upper }) => {
		const bounds = wilsonInterval(units, successes, z);
		expect(relativeError(bounds[0], lower)).toBeLessThan(1e-12);
		expect(relativeError(bounds[1], upper)).toBeLessThan(1e-12);
		// As near to 1 as a double lets it be.
		expect(relativeError(1 - bounds[1], 1 - upper)).toBeLessThan(1e-3);
	});

	it("ends at 1 where every unit counts, at 0 where none does", () => {
		fc.assert(
			fc.property(fc.integer({ min: 2, max: 1e9 }), fc.double({ min: 0.01, max: 9, noNaN: true }), (units, z) => {
				expect(wilsonInterval(units, units, z)[1]).toBe(1);
				expect(wilsonInterval(units, 0, z)[0]).toBe(0);
			}),
		);
	});

	it("states share and variance", () => {
		const counts = { units: 50n, successes: 10n };
		expect(estimated(proportionEstimate(counts, { alpha: 0.05 }))).toMatchObject({ value: 0.2, units: 50 });
		expect(estimated(proportionEstimate(counts, { alpha: 0.05 })).variance).toBeCloseTo(0.0032, 15);
	});

	it("mirrors, shrinks with alpha, and holds the share", () => {
		const level = fc.double({ min: 1e-9, max: 0.9, noNaN: true });
		fc.assert(
			fc.property(fc.integer({ min: 2, max: 1e6 }), fc.nat(), level, level, (units, any, first, second) => {
				const successes = any % (units + 1);
				const [strict, lenient] = [Math.min(first, second), Math.max(first, second)].map((alpha) =>
					estimated(proportionEstimate({ units, successes }, { alpha })),
				) as [ReturnType<typeof wilsonOf>, ReturnType<typeof wilsonOf>];
				const mirrored = estimated(
					proportionEstimate({ units, successes: units - successes }, { alpha: Math.min(first, second) }),
				);
				expect(mirrored.lower).toBeCloseTo(1 - strict.upper, 12);
				expect(strict.lower).toBeLessThanOrEqual(lenient.lower + 1e-15);
				expect(strict.upper).toBeGreaterThanOrEqual(lenient.upper - 1e-15);
				expect(strict.lower).toBeGreaterThanOrEqual(0);
				expect(strict.upper).toBeLessThanOrEqual(1);
				expect(lenient.lower).toBeLessThanOrEqual(lenient.value + 1e-15);
				expect(lenient.upper).toBeGreaterThanOrEqual(lenient.value - 1e-15);
			}),
		);
	});

	it.each([
		["too-few-units", { units: 1, successes: 1 }],
		["too-few-units", { units: 0n, successes: 0n }],
		["impossible-sums", { units: 10, successes: 11 }],
		["impossible-sums", { units: 10, successes: -1 }],
		["impossible-sums", { units: -2, successes: 0 }],
		["impossible-sums", { units: -2, successes: -2 }],
		["impossible-sums", { units: 10.5, successes: 1 }],
		["non-finite", { units: Number.POSITIVE_INFINITY, successes: 1 }],
		["non-finite", { units: 10, successes: Number.NaN }],
	])("is not estimable: %s", (reason, counts) => {
		expect(proportionEstimate(counts, { alpha: 0.05 })).toMatchObject({ kind: "not-estimable", reason });
	});

	it("refuses an alpha that makes no sense", () => {
		expect(() => proportionEstimate({ units: 10, successes: 1 }, { alpha: 0 })).toThrow("invalid alpha: 0");
	});
});

function wilsonOf() {
	return estimated(proportionEstimate({ units: 2, successes: 1 }, { alpha: 0.5 }));
}
