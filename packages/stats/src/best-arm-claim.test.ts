import { describe, expect, it } from "vitest";
import {
	oneSidedLogEValue,
	oneSidedRadiusMultiplier,
	pValueOfLogEValue,
	tuneRhoSquared,
} from "./asymptotic-confidence-sequence.ts";
import { type BestArmClaimOptions, bestArmClaim } from "./best-arm-claim.ts";
import type { RatioSums } from "./ratio-sums.ts";
import { bernoulliSums, ratioSumsOf } from "./test-support/ratio-sums-of.ts";
import { type SeededRandom, seededRandom } from "./test-support/seeded-random.ts";
import { topTwoThompsonAllocation } from "./top-two-thompson-sampling.ts";

const options: Omit<BestArmClaimOptions<RatioSums<number>>, "epochs"> = {
	direction: "increase",
	alpha: 0.05,
	plannedUnits: 3000,
};

/** A variance of 1.6·10³⁰⁸, which is a number, but two of them are not. */
const wide = { units: 400, sumY: 0, sumN: 0.5, sumYY: 4e307, sumNN: 0.25, sumYN: 0 };

function claim(epochs: readonly (readonly RatioSums<number>[])[], change: Partial<typeof options> = {}) {
	const result = bestArmClaim({ ...options, epochs, ...change });
	if (result.kind === "not-estimable") throw new Error(result.message);
	return result;
}

describe("bestArmClaim", () => {
	it("claims an arm that is ahead of all others, and says by how much", () => {
		const result = claim([[bernoulliSums(1000, 200), bernoulliSums(1000, 350), bernoulliSums(1000, 210)]]);
		expect(result).toMatchObject({ leader: 1, claimed: true, estimates: [0.2, 0.35, 0.21] });
		expect(result.leads.map(({ arm }) => arm)).toEqual([0, 2]);
		expect(result.leads[0]?.lead).toBeCloseTo(0.15, 12);
		expect(result.pValue).toBeLessThan(0.05);
		expect(claim([[bernoulliSums(1000, 200), bernoulliSums(1000, 350)]], { direction: "decrease" }).leader).toBe(0);
	});

	it("claims nothing while one other arm is close", () => {
		const result = claim([[bernoulliSums(1000, 340), bernoulliSums(1000, 350), bernoulliSums(1000, 210)]]);
		expect(result.claimed).toBe(false);
		expect(result.pValue).toBeGreaterThan(0.05);
	});

	it("compares within epochs: what changed with time is no difference between arms", () => {
		// A better day has more units in the second arm; within each day both are equal.
		const mixed = [
			[bernoulliSums(900, 180), bernoulliSums(100, 20)],
			[bernoulliSums(100, 50), bernoulliSums(900, 450)],
		];
		expect(claim(mixed).leads[0]?.lead).toBeCloseTo(0, 12);
		const pooled = claim([[bernoulliSums(1000, 230), bernoulliSums(1000, 470)]]);
		expect(pooled.claimed).toBe(true);
	});

	it("borrows the epoch's variance for an arm that has not met a rare value yet", () => {
		const { leads } = claim([[bernoulliSums(1900, 57), bernoulliSums(100, 0)]], { direction: "decrease" });
		const pooled = (0.0285 * 0.9715 * 2000) / 1999;
		const own = (0.03 * 0.97) / 1899;
		const standardError = Math.sqrt(Math.max(own, pooled / 1900) + pooled / 100);
		const multiplier = oneSidedRadiusMultiplier(380, tuneRhoSquared(0.1, 1500), 0.05);
		expect(leads).toEqual([{ arm: 0, lead: 0.03, lowerBound: expect.closeTo(0.03 - multiplier * standardError, 10) }]);
	});

	it("shares alpha between the arms that the leader has to be ahead of", () => {
		const arms = [bernoulliSums(1000, 200), bernoulliSums(1000, 240), bernoulliSums(1000, 250)];
		const { leads } = claim([arms]);
		const variance = (share: number) => (share * (1 - share)) / 999;
		const pooled = (0.23 * 0.77 * 3000) / 2999 / 1000;
		const standardError = Math.sqrt(variance(0.25) + Math.max(pooled, variance(0.24)));
		const rhoSquared = tuneRhoSquared(0.05, 1000);
		// Two other arms, so each is met at half of alpha, on the 2000 units of the two.
		const multiplier = oneSidedRadiusMultiplier(2000, rhoSquared, 0.025);
		expect(leads[1]).toEqual({
			arm: 1,
			lead: expect.closeTo(0.01, 12),
			lowerBound: expect.closeTo(0.01 - multiplier * standardError, 10),
		});
		const ahead = claim([[bernoulliSums(1000, 200), bernoulliSums(1000, 200), bernoulliSums(1000, 280)]]);
		const [lead] = ahead.leads;
		const pooledAhead = ((680 / 3000) * (2320 / 3000) * 3000) / 2999 / 1000;
		const z = lead!.lead / Math.sqrt(variance(0.28) + Math.max(pooledAhead, variance(0.2)));
		expect(ahead.pValue).toBeCloseTo(2 * pValueOfLogEValue(oneSidedLogEValue(z, 2000, rhoSquared)), 10);
	});

	it("leaves out epochs in which an arm has too few units", () => {
		const good = [bernoulliSums(500, 100), bernoulliSums(500, 100)];
		expect(claim([good, [bernoulliSums(500, 0), bernoulliSums(49, 49)]])).toEqual(claim([good]));
		expect(claim([good, [bernoulliSums(500, 0), bernoulliSums(50, 50)]])).not.toEqual(claim([good]));
	});

	it.each([
		["too-few-units", []],
		["too-few-units", [[bernoulliSums(40, 4), bernoulliSums(400, 4)]]],
		["no-variation", [[bernoulliSums(400, 0), bernoulliSums(400, 0)]]],
		["non-finite", [[bernoulliSums(400, Number.NaN), bernoulliSums(400, 4)]]],
		["non-finite", [[wide, wide]]],
		["no-observations", [[{ ...bernoulliSums(400, 0), sumN: 0, sumNN: 0 }, bernoulliSums(400, 4)]]],
	])("is not estimable: %s", (reason, epochs) => {
		expect(bestArmClaim({ ...options, epochs })).toMatchObject({ kind: "not-estimable", reason });
	});

	it.each([
		["INVALID_ARMS", { epochs: [[bernoulliSums(400, 4)]] }],
		[
			"INVALID_ARMS",
			{
				epochs: [
					[bernoulliSums(400, 4), bernoulliSums(400, 4)],
					[bernoulliSums(400, 4), bernoulliSums(400, 4), bernoulliSums(400, 4)],
				],
			},
		],
		["INVALID_ALPHA", { alpha: 0.5 }],
		["INVALID_PLANNED_UNITS", { plannedUnits: Number.NaN }],
		["INVALID_MINIMUM_UNITS", { minimumUnits: 0 }],
	])("refuses %s", (code, change) => {
		const epochs = [[bernoulliSums(400, 4), bernoulliSums(400, 4)]];
		expect(() => bestArmClaim({ ...options, epochs, ...change })).toThrow(expect.objectContaining({ code }));
	});

	it("claims a wrong arm hardly ever while Thompson sampling moves the shares, and the right one mostly", () => {
		const wrongly = (lift: number, streams: number, seed: number) => {
			let [wrong, right] = [0, 0];
			for (let stream = 0; stream < streams; stream++) {
				const outcome = bandit(seededRandom(seed + stream), lift);
				if (outcome === 2) right++;
				else if (outcome !== null) wrong++;
			}
			return { wrong: wrong / streams, right: right / streams };
		};
		// Equal arms: any claim is wrong.
		const equal = wrongly(0, 200, 4000);
		expect(equal.wrong + equal.right).toBeLessThan(0.05);
		const unequal = wrongly(0.4, 60, 5000);
		expect(unequal.wrong).toBe(0);
		expect(unequal.right).toBeGreaterThan(0.7);
	});
});

/** Three arms, the last one better by `lift`, on days of different level; the arm claimed first, or null. */
function bandit(random: SeededRandom, lift: number): number | null {
	const epochs: RatioSums<number>[][] = [];
	let allocation = [1 / 3, 1 / 3, 1 / 3];
	for (let day = 0; day < 10; day++) {
		const level = random.normal();
		const arms = allocation.map((share, arm) =>
			ratioSumsOf(
				Array.from({ length: Math.round(600 * share) }, () => [level + (arm === 2 ? lift : 0) + random.normal(), 1]),
			),
		);
		epochs.push(arms);
		const result = bestArmClaim({ ...options, plannedUnits: 6000, epochs });
		if (result.kind === "estimated" && result.claimed) return result.leader;
		const moments = allocation.map((_, arm) => {
			const units = epochs.reduce((sum, epoch) => sum + epoch[arm]!.units, 0);
			// Centred by day, so that days do not count as differences between arms.
			const mean = result.kind === "estimated" ? result.estimates[arm]! : 0;
			return { units, mean, variance: 1 };
		});
		const next = topTwoThompsonAllocation({ arms: moments, direction: "increase", random: random.uniform, draws: 200 });
		if (next.kind === "estimated") allocation = [...next.shares];
	}
	return null;
}
