import { describe, expect, it } from "vitest";
import { normalDensity, normalUpperQuantile, normalUpperTail, twoSidedNormalTail } from "./normal-tail.ts";
import { fixture, relativeError } from "./test-support/fixture.ts";

const tails = fixture<Record<"normal" | "normalQuantile", { z: number; tail: number }[]>>("tails");

describe("normalUpperTail", () => {
	it.each(tails.normal)("of $z is $tail", ({ z, tail }) => {
		expect(relativeError(normalUpperTail(z), tail)).toBeLessThan(1e-12);
		if (z >= 0) expect(relativeError(twoSidedNormalTail(-z), 2 * tail)).toBeLessThan(1e-12);
	});

	it.each(tails.normalQuantile)("is $tail at $z", ({ z, tail }) => {
		expect(relativeError(normalUpperQuantile(tail), z)).toBeLessThan(1e-12);
	});

	it("falls as steeply as the density", () => {
		for (const z of [-2, 0, 1, 5]) {
			const slope = (normalUpperTail(z - 1e-5) - normalUpperTail(z + 1e-5)) / 2e-5;
			expect(relativeError(slope, normalDensity(z))).toBeLessThan(1e-8);
		}
	});
});
