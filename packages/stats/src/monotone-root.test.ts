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

	// What inverse quadratic interpolation saves, and that it is never much worse than the 52 halvings of an interval.
	it.each([
		["a cube", 11, (x: number) => x ** 3 - 2, 0, 10],
		["an exponential", 16, (x: number) => Math.exp(x) - 1e-10, -100, 100],
		["a pole", 28, (x: number) => 1 / x - 1e6, 1e-12, 1],
		["a step", 54, (x: number) => (x < 0.3 ? -1 : 1), 0, 1],
		["a soft step", 13, (x: number) => Math.tanh(50 * (x - 0.7)), 0, 1],
		["a ninth power", 15, (x: number) => x ** 9 - 1e-9, 0, 1],
		["a line", 4, (x: number) => x - 0.3, 0, 1],
		["a line with its root in the middle", 3, (x: number) => x - 0.5, 0, 1],
		["a line with its root at the lower end", 2, (x: number) => x, 0, 1],
		["a line with its root at the upper end", 2, (x: number) => x - 1, 0, 1],
	])("finds the root of %s with at most %d evaluations", (_, most, difference, low, high) => {
		let evaluations = 0;
		const root = monotoneRoot(
			(x) => {
				evaluations++;
				return difference(x);
			},
			low,
			high,
		);
		const beside = 4 * Number.EPSILON * Math.abs(root);
		expect(difference(root - beside) * difference(root + beside)).toBeLessThanOrEqual(0);
		expect(evaluations).toBeLessThanOrEqual(most);
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
