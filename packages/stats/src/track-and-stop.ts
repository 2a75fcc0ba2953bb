import { monotoneRoot } from "./monotone-root.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireArgument, StatsError } from "./stats-error.ts";

/** What one arm has shown so far. */
export interface ArmMoments {
	readonly units: number;
	/** Mean per unit. */
	readonly mean: number;
	/** Variance of a unit (not of the mean). */
	readonly variance: number;
}

export interface AllocationOptions {
	/** At least two. */
	readonly arms: readonly ArmMoments[];
	/** Which way is better. */
	readonly direction: "increase" | "decrease";
	/** Share that every arm keeps, in [0, 1/arms]; with none, an arm that started badly is never seen again. @default 0.1 */
	readonly floor?: number;
}

export interface Allocation {
	readonly kind: "estimated";
	/** Share of units for each arm, in their order; sums to 1. */
	readonly shares: readonly number[];
	/** Index of the arm that is best so far; the first of equals. */
	readonly leader: number;
}

/**
 * Shares with which the best arm is found soonest if the arms were as they look now: those that maximize the weakest
 * evidence min over i of gap_i²/(v_best/w_best + v_i/w_i), for normal arms. With two arms Neyman's split.
 *
 * @returns not-estimable `too-few-units` below two units in an arm, `no-variation` for an arm whose units are all the same
 * @throws {StatsError} INVALID_ARMS, INVALID_SHARE
 * @see Garivier, Kaufmann 2016, arXiv:1602.04589; Glynn, Juneja 2004, WSC (unequal variances)
 */
export function trackAndStopAllocation(options: AllocationOptions): Allocation | NotEstimable {
	const { arms, direction, floor = 0.1 } = options;
	requireArms(arms);
	requireArgument(
		floor >= 0 && floor * arms.length <= 1 + 1e-12,
		"INVALID_SHARE",
		"floor",
		floor,
		`a number in [0, 1/${arms.length}]`,
	);
	const refused = refuseArms(arms);
	if (refused !== null) return refused;
	const leader = leaderOf(arms, direction);
	const best = arms[leader]!;
	// Equal arms would need infinitely many units; a millionth of a deviation apart, they share what there is.
	const least = 1e-12 * Math.max(...arms.map(({ variance }) => variance));
	const others = arms.map(({ mean, variance }) => ({ squaredGap: Math.max(least, (mean - best.mean) ** 2), variance }));
	// Relative to the leader's share: r_i = v_i/(gap_i²/y − v_best), all with evidence y; balanced when Σ r_i²·v_best/v_i = 1.
	const shareAt = (y: number, { squaredGap, variance }: (typeof others)[number]) =>
		variance / (squaredGap / y - best.variance);
	const limit =
		Math.min(...others.filter((_, arm) => arm !== leader).map(({ squaredGap }) => squaredGap)) / best.variance;
	const imbalance = (fraction: number) =>
		others.reduce(
			(sum, other, arm) =>
				arm === leader ? sum : sum + (shareAt(fraction * limit, other) ** 2 * best.variance) / other.variance,
			-1,
		);
	const y = limit * monotoneRoot(imbalance, 1e-12, 1 - 1e-12);
	const relative = others.map((other, arm) => (arm === leader ? 1 : shareAt(y, other)));
	const total = relative.reduce((sum, share) => sum + share, 0);
	const free = Math.max(0, 1 - floor * arms.length);
	return { kind: "estimated", shares: relative.map((share) => floor + free * (share / total)), leader };
}

export interface HeuristicStop {
	readonly kind: "estimated";
	/** Index of the arm that is best so far. */
	readonly leader: number;
	/** min over i of gap_i²/(2(v_best/n_best + v_i/n_i)) */
	readonly statistic: number;
	/** ln((1 + ln N)/δ), N all units. */
	readonly threshold: number;
	readonly stop: boolean;
}

/**
 * Generalized-likelihood-ratio stop of track-and-stop with the threshold that is used in practice. A heuristic: it takes
 * the variances as known and has no term for the number of arms, so it does NOT bound the chance to stop at the
 * wrong arm by δ. Good for deciding when more units are not worth it; claim a winner with `bestArmClaim` only.
 *
 * @param delta in (0, 1)
 * @returns not-estimable as `trackAndStopAllocation`
 * @throws {StatsError} INVALID_ARMS, INVALID_ALPHA
 * @see Garivier, Kaufmann 2016, arXiv:1602.04589, §4 (the proven threshold is larger)
 */
export function heuristicBestArmStop(
	arms: readonly ArmMoments[],
	direction: "increase" | "decrease",
	delta: number,
): HeuristicStop | NotEstimable {
	requireArms(arms);
	requireArgument(delta > 0 && delta < 1, "INVALID_ALPHA", "delta", delta, "a number in (0, 1)");
	const refused = refuseArms(arms);
	if (refused !== null) return refused;
	const leader = leaderOf(arms, direction);
	const best = arms[leader]!;
	const statistic = Math.min(
		...arms
			.filter((_, arm) => arm !== leader)
			.map((arm) => (best.mean - arm.mean) ** 2 / (2 * (best.variance / best.units + arm.variance / arm.units))),
	);
	const units = arms.reduce((sum, arm) => sum + arm.units, 0);
	const threshold = Math.log1p(Math.log(units)) - Math.log(delta);
	return { kind: "estimated", leader, statistic, threshold, stop: statistic > threshold };
}

export function leaderOf(arms: readonly { readonly mean: number }[], direction: "increase" | "decrease"): number {
	const sign = direction === "increase" ? 1 : -1;
	return arms.reduce((best, arm, index) => (sign * arm.mean > sign * arms[best]!.mean ? index : best), 0);
}

/** @throws {StatsError} INVALID_ARMS */
export function requireArms(arms: readonly unknown[]): void {
	if (arms.length >= 2) return;
	throw new StatsError("INVALID_ARMS", `invalid arms: ${arms.length}; expected at least two`, {
		field: "arms",
		value: arms.length,
	});
}

export function refuseArms(arms: readonly ArmMoments[]): NotEstimable | null {
	for (const [index, { units, mean, variance }] of arms.entries()) {
		if (![units, mean, variance].every(Number.isFinite)) {
			return notEstimable("non-finite", `Arm ${index} has a number that is not finite.`);
		}
		if (units < 2) return notEstimable("too-few-units", `Each arm needs two units; arm ${index} has ${units}.`);
		if (variance < 0) return notEstimable("negative-variance", `Arm ${index} has a negative variance.`);
		if (variance === 0) return notEstimable("no-variation", `All units of arm ${index} have the same value.`);
	}
	return null;
}
