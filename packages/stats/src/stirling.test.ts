import { describe, expect, it } from "vitest";
import { STIRLING_FROM, stirlingRemainder } from "./stirling.ts";

describe("stirlingRemainder", () => {
	it.each([STIRLING_FROM, 50, 1000])("is what Stirling's formula leaves out at %d", (x) => {
		// The asymptotic series to x⁻¹³ (Abramowitz, Stegun 6.1.41), whose next term is below 1e-20.
		const terms = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];
		const expected = terms.reduce((sum, term, order) => sum + term / x ** (2 * order + 1), 0);
		expect(Math.abs(stirlingRemainder(x) / expected - 1)).toBeLessThan(1e-11);
	});
});
