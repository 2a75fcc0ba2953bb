import { expect, it } from "vitest";
import { pooledLevel } from "./pooled-level.ts";
import { bernoulliSums } from "./test-support/ratio-sums-of.ts";

it("is the share of both arms together, with its variance, from numbers and exact sums alike", () => {
	const found = pooledLevel(bernoulliSums(300, 30), bernoulliSums(100, 30));
	expect(found).toEqual({ value: 0.15, variance: expect.closeTo((0.15 * 0.85) / 400, 12), units: 400 });
	const exact = (units: bigint, some: bigint) => ({
		...{ units, sumY: some, sumN: units, sumYY: some, sumNN: units, sumYN: some },
	});
	expect(pooledLevel(exact(300n, 30n), exact(100n, 30n))).toEqual(found);
});

it("has no negative variance where all units are alike", () => {
	expect(pooledLevel(bernoulliSums(30, 30), bernoulliSums(10, 10))).toEqual({ value: 1, variance: 0, units: 40 });
});
