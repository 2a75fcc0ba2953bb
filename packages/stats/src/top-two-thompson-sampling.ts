import { normalUpperQuantile } from "./normal-tail.ts";
import type { NotEstimable } from "./not-estimable.ts";
import { requireArgument } from "./stats-error.ts";
import { type Allocation, type AllocationOptions, leaderOf, refuseArms, requireArms } from "./track-and-stop.ts";

export interface TopTwoThompsonOptions extends AllocationOptions {
	/** Uniform random numbers in (0, 1), from a generator with a seed that is stored with the decision. */
	readonly random: () => number;
	/** Chance that the draw's best arm is taken rather than its runner-up, in (0, 1). @default 0.5 */
	readonly leaderProbability?: number;
	/** Draws from the posterior; integer in [100, 1e6]. @default 4000 */
	readonly draws?: number;
}

/**
 * Shares of the arms by top-two Thompson sampling: how often an arm is the best, or the runner-up when the best is passed
 * over, in draws from the arms' normal posteriors with flat priors. Gives units to the arms that are still in
 * question. Means of arms that were sampled so are biased: claim a winner with `bestArmClaim` only.
 *
 * The same numbers from `random` give the same shares.
 *
 * @returns not-estimable `too-few-units`, `no-variation`, `non-finite`
 * @throws {StatsError} INVALID_ARMS, INVALID_SHARE, INVALID_DRAWS, INVALID_RANDOM
 * @see Russo 2020, arXiv:1602.08448
 */
export function topTwoThompsonAllocation(options: TopTwoThompsonOptions): Allocation | NotEstimable {
	const { arms, direction, random, floor = 0.1, leaderProbability = 0.5, draws = 4000 } = options;
	requireArms(arms);
	requireArgument(
		floor >= 0 && floor * arms.length <= 1 + 1e-12,
		"INVALID_SHARE",
		"floor",
		floor,
		`a number in [0, 1/${arms.length}]`,
	);
	requireArgument(
		leaderProbability > 0 && leaderProbability < 1,
		"INVALID_SHARE",
		"leaderProbability",
		leaderProbability,
		"a number in (0, 1)",
	);
	requireArgument(
		Number.isInteger(draws) && draws >= 100 && draws <= 1e6,
		"INVALID_DRAWS",
		"draws",
		draws,
		"an integer in [100, 1e6]",
	);
	const refused = refuseArms(arms);
	if (refused !== null) return refused;
	const sign = direction === "increase" ? 1 : -1;
	const posteriors = arms.map(({ mean, variance, units }) => ({
		mean: sign * mean,
		error: Math.sqrt(variance / units),
	}));
	const chosen = arms.map(() => 0);
	for (let draw = 0; draw < draws; draw++) {
		let [best, second] = [-1, -1];
		let [atBest, atSecond] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
		for (const [arm, { mean, error }] of posteriors.entries()) {
			const value = mean - error * normalUpperQuantile(requireUniform(random()));
			if (value > atBest) {
				[second, atSecond] = [best, atBest];
				[best, atBest] = [arm, value];
			} else if (value > atSecond) {
				[second, atSecond] = [arm, value];
			}
		}
		// The runner-up of the same draw in place of drawing until another arm wins, which may take for ever.
		chosen[best]! += leaderProbability;
		chosen[second]! += 1 - leaderProbability;
	}
	const free = Math.max(0, 1 - floor * arms.length);
	const shares = chosen.map((count) => floor + free * (count / draws));
	return { kind: "estimated", shares, leader: leaderOf(arms, direction) };
}

function requireUniform(value: number): number {
	requireArgument(value > 0 && value < 1, "INVALID_RANDOM", "random", value, "numbers in (0, 1)");
	return value;
}
