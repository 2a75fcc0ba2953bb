import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactQuotient } from "./exact-quotient.ts";

describe("exactQuotient", () => {
	it("is the double nearest to the quotient of doubles, to a unit in the last place", () => {
		const whole = fc.maxSafeInteger();
		fc.assert(
			fc.property(whole, fc.integer({ min: 1 }), (numerator, denominator) => {
				const expected = numerator / denominator;
				const difference = Math.abs(exactQuotient(BigInt(numerator), BigInt(denominator)) - expected);
				expect(difference).toBeLessThanOrEqual(Number.EPSILON * Math.abs(expected));
			}),
		);
	});

	it.each([
		[1n, 3n, 1 / 3],
		[-1n, 3n, -1 / 3],
		[0n, 7n, 0],
		[10n ** 400n, 4n * 10n ** 400n, 0.25],
		[10n ** 310n, 1n, Number.POSITIVE_INFINITY],
		[-(10n ** 310n), 1n, Number.NEGATIVE_INFINITY],
		[1n, 10n ** 300n, 1e-300],
		[10n ** 300n, 1n, 1e300],
		// Smaller than the smallest normal number, and smaller than any.
		[1n, 10n ** 320n, 1e-320],
		[1n, 10n ** 400n, 0],
	])("%s / %s is %d", (numerator, denominator, expected) => {
		expect(exactQuotient(numerator, denominator)).toBe(expected);
	});
});
