import { describe, expect, it } from "vitest";
import { normalUpperTail } from "./normal-tail.ts";
import { seededRandom } from "./test-support/seeded-random.ts";
import { type TopTwoThompsonOptions, topTwoThompsonAllocation } from "./top-two-thompson-sampling.ts";

const options: TopTwoThompsonOptions = {
	arms: [
		{ units: 100, mean: 0, variance: 1 },
		{ units: 100, mean: 0.2, variance: 1 },
		{ units: 100, mean: -1, variance: 1 },
	],
	direction: "increase",
	floor: 0,
	random: seededRandom(1).uniform,
};

function shares(change: Partial<TopTwoThompsonOptions> = {}) {
	const allocation = topTwoThompsonAllocation({ ...options, random: seededRandom(1).uniform, ...change });
	if (allocation.kind === "not-estimable") throw new Error(allocation.message);
	return allocation.shares;
}

describe("topTwoThompsonAllocation", () => {
	it("is how often arms are best or second in the posterior", () => {
		// The third arm is 7 errors away: the other two share all but nothing. First is best with Φ(−0.2/√0.02).
		const best = normalUpperTail(0.2 / Math.sqrt(0.02));
		const got = shares({ leaderProbability: 0.8, draws: 20_000 });
		expect(got[0]).toBeCloseTo(0.8 * best + 0.2 * (1 - best), 2);
		expect(got[2]).toBeLessThan(1e-3);
		expect(got.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
	});

	it("gives the same shares for the same seed, and others for another", () => {
		const seeded = (seed: number) => shares({ random: seededRandom(seed).uniform, leaderProbability: 0.8 });
		expect(seeded(1)).toEqual(seeded(1));
		expect(seeded(2)).not.toEqual(seeded(1));
	});

	it("keeps the floor and follows the direction", () => {
		const floored = shares({ floor: 0.1 });
		expect(Math.min(...floored)).toBeGreaterThanOrEqual(0.1);
		expect(floored.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
		// What the floors leave is shared as without them.
		const free = shares();
		for (const [arm, share] of floored.entries()) expect(share).toBeCloseTo(0.1 + 0.7 * free[arm]!, 12);
		const lower = topTwoThompsonAllocation({ ...options, direction: "decrease", random: seededRandom(1).uniform });
		expect(lower).toMatchObject({ leader: 2 });
		expect(shares({ direction: "decrease" })[2]).toBeCloseTo(0.5, 2);
	});

	it("is not estimable for an arm without units", () => {
		const arms = [options.arms[0]!, { units: 0, mean: 0, variance: 1 }];
		expect(topTwoThompsonAllocation({ ...options, arms })).toMatchObject({ reason: "too-few-units" });
	});

	it.each([
		["INVALID_ARMS", { arms: [] }],
		["INVALID_SHARE", { floor: 0.5 }],
		["INVALID_SHARE", { leaderProbability: 1 }],
		["INVALID_DRAWS", { draws: 10 }],
		["INVALID_RANDOM", { random: () => 1 }],
		["INVALID_RANDOM", { random: () => Number.NaN }],
	])("refuses %s", (code, change) => {
		expect(() => topTwoThompsonAllocation({ ...options, ...change })).toThrow(expect.objectContaining({ code }));
	});
});
