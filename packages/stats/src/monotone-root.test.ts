import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { monotoneRoot } from "./monotone-root.ts";

describe("monotoneRoot", () => {
	it("finds roots of steep, flat and falling functions to the last bits", () => {
		expect(monotoneRoot((x) => x ** 3 - 2, 0, 10)).toBeCloseTo(Math.cbrt(2), 14);
		expect(monotoneRoot((x) => Math.exp(x) - 1e-10, -100, 100)).toBeCloseTo(Math.log(1e-10), 12);
		expect(monotoneRoot((x) => 1 / x - 1e6, 1e-12, 1)).toBeCloseTo(1e-6, 18);
		expect(monotoneRoot((x) => (x < 0.3 ? -1 : 1), 0, 1)).toBeCloseTo(0.3, 14);
		expect(monotoneRoot((x) => x, 0, 1)).toBe(0);
		expect(monotoneRoot((x) => x - 1, 0, 1)).toBe(1);
	});

	it("finds any root of a line", () => {
		fc.assert(
			fc.property(
				fc.double({ min: -1e3, max: 1e3, noNaN: true }),
				fc.constantFrom(-1e6, -1, 1e-6, 1),
				(root, slope) => {
					expect(monotoneRoot((x) => slope * (x - root), -1001, 1001)).toBeCloseTo(root, 9);
				},
			),
		);
	});

	it("refuses an interval without a sign change", () => {
		expect(() => monotoneRoot((x) => x + 1, 0, 1)).toThrow("no sign change");
	});
});
