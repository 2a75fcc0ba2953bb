import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { statOracle } from "./test-support/stat-oracle.ts";
import {
	type AllocationOptions,
	type ArmMoments,
	heuristicBestArmStop,
	trackAndStopAllocation,
} from "./track-and-stop.ts";

const arms = (means: readonly number[], variances: readonly number[] = means.map(() => 1)): ArmMoments[] =>
	means.map((mean, arm) => ({ units: 100, mean, variance: variances[arm]! }));

function shares(options: Omit<AllocationOptions, "direction">) {
	const allocation = trackAndStopAllocation({ direction: "increase", ...options });
	if (allocation.kind === "not-estimable") throw new Error(allocation.message);
	return allocation.shares;
}

/** Evidence that the best arm has over the hardest other one, per unit. */
function evidence(of: readonly ArmMoments[], at: readonly number[]): number {
	const best = of.reduce((leader, arm, index) => (arm.mean > of[leader]!.mean ? index : leader), 0);
	return Math.min(
		...of.flatMap((arm, index) =>
			index === best
				? []
				: [(of[best]!.mean - arm.mean) ** 2 / (of[best]!.variance / at[best]! + arm.variance / at[index]!)],
		),
	);
}

describe("trackAndStopAllocation", () => {
	it("splits two arms by their standard deviations", () => {
		const [first, second] = shares({ arms: arms([0, 1], [1, 9]), floor: 0 });
		expect(second! / first!).toBeCloseTo(3, 9);
	});

	it("gives equal arms behind the leader equal shares, and the leader √ of their number as much", () => {
		const [leader, ...others] = shares({ arms: arms([1, 0, 0, 0, 0]), floor: 0 });
		for (const other of others) expect(leader! / other).toBeCloseTo(2, 9);
	});

	it("is beaten by no other allocation", () => {
		const arm = fc.tuple(fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: 0.2, max: 5, noNaN: true }));
		const weights = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 });
		fc.assert(
			fc.property(fc.array(arm, { minLength: 2, maxLength: 5 }), weights, (drawn, other) => {
				const of = drawn.map(([mean, variance]) => ({ units: 10, mean, variance }));
				const optimal = shares({ arms: of, floor: 0 });
				const total = other.slice(0, of.length).reduce((sum, weight) => sum + weight, 0);
				const rival = other.slice(0, of.length).map((weight) => weight / total);
				expect(optimal.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
				expect(evidence(of, rival)).toBeLessThanOrEqual(evidence(of, optimal) * (1 + 1e-6) + 1e-9);
			}),
			{ numRuns: 200 },
		);
	});

	it("keeps the floor for hopeless arms, and is equal when the floor is all there is", () => {
		const kept = shares({ arms: arms([1, 0.9, -50]) });
		expect(kept[2]).toBeGreaterThanOrEqual(0.1);
		expect(kept[2]).toBeLessThan(0.101);
		expect(shares({ arms: arms([1, 0, 5, 2]), floor: 0.25 })).toEqual([0.25, 0.25, 0.25, 0.25]);
	});

	it("follows the direction, and splits between arms that are tied", () => {
		const lower = trackAndStopAllocation({ arms: arms([3, 1, 2]), direction: "decrease" });
		expect(lower).toMatchObject({ leader: 1 });
		const [first, second, third] = shares({ arms: arms([1, 1, 0]), floor: 0 });
		expect(first).toBeCloseTo(0.5, 4);
		expect(second).toBeCloseTo(0.5, 4);
		expect(third).toBeLessThan(1e-4);
	});

	it.each([
		["too-few-units", { units: 1 }],
		["no-variation", { variance: 0 }],
		["negative-variance", { variance: -1 }],
		["non-finite", { mean: Number.NaN }],
	])("is not estimable: %s", (reason, change) => {
		const broken = [...arms([1, 2]), { units: 10, mean: 0, variance: 1, ...change }];
		expect(trackAndStopAllocation({ arms: broken, direction: "increase" })).toMatchObject({ reason });
		expect(heuristicBestArmStop(broken, "increase", 0.05)).toMatchObject({ reason });
	});

	it.each([
		["INVALID_ARMS", { arms: arms([1]) }],
		["INVALID_SHARE", { floor: 0.4 }],
		["INVALID_SHARE", { floor: -0.1 }],
	])("refuses %s", (code, change) => {
		expect(() => trackAndStopAllocation({ arms: arms([1, 2, 3]), direction: "increase", ...change })).toThrow(
			expect.objectContaining({ code }),
		);
	});
});

describe("heuristicBestArmStop", () => {
	it("gives tz-stopping", () => {
		const { inputs, expected } = statOracle("tz-stopping");
		inputs.cases.forEach(
			(one: { n: number[]; mean: number[]; var: number[]; delta: number; opt?: string }, index: number) => {
				const of = one.n.map((units, arm) => ({ units, mean: one.mean[arm]!, variance: one.var[arm]! }));
				const result = heuristicBestArmStop(of, one.opt === "min" ? "decrease" : "increase", one.delta);
				if (result.kind === "not-estimable") throw new Error(result.message);
				expect(result.stop ? `stop:${result.leader}` : "continue").toBe(expected[index]);
			},
		);
	});

	it("states statistic and threshold", () => {
		const result = heuristicBestArmStop(arms([0, 1]), "increase", 0.05);
		expect(result).toMatchObject({
			leader: 1,
			statistic: expect.closeTo(25, 10),
			threshold: expect.closeTo(Math.log((1 + Math.log(200)) / 0.05), 10),
		});
	});

	it("takes the nearest arm by the variances of both means, and stops above the threshold only", () => {
		const three = [
			{ units: 100, mean: 10, variance: 4 },
			{ units: 50, mean: 8, variance: 9 },
			{ units: 25, mean: 7, variance: 100 },
		];
		// Gaps 2 and 3, variances .04 + .18 and .04 + 4.
		const result = heuristicBestArmStop(three, "increase", 0.05);
		expect(result).toMatchObject({ leader: 0, statistic: expect.closeTo(9 / 4.04 / 2, 12), stop: false });
		expect(heuristicBestArmStop(three.slice(0, 2), "increase", 0.05)).toMatchObject({
			statistic: expect.closeTo(4 / 0.22 / 2, 12),
			stop: true,
		});
		expect(
			heuristicBestArmStop(
				three.map((arm) => ({ ...arm, units: 2 })),
				"decrease",
				0.05,
			),
		).toMatchObject({ leader: 2 });
	});

	it("refuses a delta that is none", () => {
		expect(() => heuristicBestArmStop(arms([0, 1]), "increase", 1)).toThrow(
			expect.objectContaining({ code: "INVALID_ALPHA" }),
		);
	});
});
