import { DEFAULT_MINIMUM_UNITS } from "./always-valid-comparison.ts";
import {
	oneSidedLogEValue,
	oneSidedRadiusMultiplier,
	pValueOfLogEValue,
	tuneRhoSquared,
} from "./asymptotic-confidence-sequence.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { ratioEstimate } from "./ratio-estimate.ts";
import { mergeRatioSums, type RatioSums } from "./ratio-sums.ts";
import { effectiveHorizon, requireWatchedDesign } from "./safeguarded-arms.ts";
import { requireArgument } from "./stats-error.ts";
import { leaderOf, requireArms } from "./track-and-stop.ts";

export interface BestArmClaimOptions<Sums extends RatioSums<number> | RatioSums<bigint>> {
	/** Sums of every arm, in the same order, for each stretch of time with the same shares; a unit is in one of them. */
	readonly epochs: readonly (readonly Sums[])[];
	/** Which way is better. */
	readonly direction: "increase" | "decrease";
	/** Chance to ever claim a wrong arm, over all looks and arms together, in (0, 0.5). */
	readonly alpha: number;
	/** Units expected in all arms together by the end; fixed before the first look. > 0 */
	readonly plannedUnits: number;
	/** Units that every arm must have in an epoch for it to count. @default 50 */
	readonly minimumUnits?: number;
}

/** How far the leader is ahead of one other arm. */
export interface LeadOverArm {
	readonly arm: number;
	/** In the metric's unit; > 0: the leader is better. */
	readonly lead: number;
	/** The lead is above this, at every look. */
	readonly lowerBound: number;
}

export interface BestArmClaim {
	readonly kind: "estimated";
	/** Index of the arm with the best stratified estimate. */
	readonly leader: number;
	/** Estimate of each arm, weighted by epochs. */
	readonly estimates: readonly number[];
	readonly leads: readonly LeadOverArm[];
	/** The leader is better than every other arm. */
	readonly claimed: boolean;
	/** Always-valid p-value of that. */
	readonly pValue: number;
}

/**
 * Is one arm better than all others? To be asked at any time, however the shares were moved (track-and-stop, Thompson
 * sampling): differences within epochs, in which the shares are constant, weighted by the epochs' units, with
 * one-sided always-valid bounds at alpha/(arms − 1) each.
 *
 * A wrong claim has to beat the truly best arm in one of these comparisons: at most (arms − 1) · alpha/(arms − 1).
 * Bandit means, pooled over epochs, would mix time with arms and are not used.
 *
 * @returns not-estimable `too-few-units` while there is no epoch with `minimumUnits` in every arm
 * @throws {StatsError} INVALID_ARMS, INVALID_ALPHA, INVALID_PLANNED_UNITS, INVALID_MINIMUM_UNITS, MIXED_QUANTITIES
 */
export function bestArmClaim<Sums extends RatioSums<number> | RatioSums<bigint>>(
	options: BestArmClaimOptions<Sums>,
): BestArmClaim | NotEstimable {
	const { epochs, direction, alpha, plannedUnits, minimumUnits = DEFAULT_MINIMUM_UNITS } = options;
	requireWatchedDesign(alpha, plannedUnits, 0.5, minimumUnits);
	requireArgument(alpha < 0.5, "INVALID_ALPHA", "alpha", alpha, "a number in (0, 0.5)");
	const count = epochs[0]?.length ?? 0;
	for (const epoch of epochs) {
		requireArms(epoch);
		requireArgument(epoch.length === count, "INVALID_ARMS", "epochs", epoch.length, `${count} arms as in the first`);
	}
	// Chosen by numbers of units alone, which do not depend on what was measured in the epoch.
	const counted = epochs.filter((epoch) => epoch.every(({ units }) => Number(units) >= minimumUnits));
	if (counted.length === 0) {
		return notEstimable("too-few-units", `No epoch has ${minimumUnits} units in every arm.`);
	}
	const arms = stratified(counted, count);
	if ("kind" in arms) return arms;

	const level = alpha / (count - 1);
	const rhoSquared = tuneRhoSquared(2 * level, effectiveHorizon((2 * plannedUnits) / count, 0.5));
	const leader = leaderOf(arms, direction);
	const best = arms[leader]!;
	const sign = direction === "increase" ? 1 : -1;
	let weakest = Number.POSITIVE_INFINITY;
	const leads: LeadOverArm[] = [];
	for (const [index, arm] of arms.entries()) {
		if (index === leader) continue;
		const lead = sign * (best.mean - arm.mean);
		const standardError = Math.sqrt(best.variance + arm.variance);
		const units = (4 * best.units * arm.units) / (best.units + arm.units);
		const lowerBound = lead - oneSidedRadiusMultiplier(units, rhoSquared, level) * standardError;
		if (!Number.isFinite(lowerBound)) {
			return notEstimable("non-finite", "A lead or its bound is too large for a number.");
		}
		weakest = Math.min(weakest, oneSidedLogEValue(lead / standardError, units, rhoSquared));
		leads.push({ arm: index, lead, lowerBound });
	}
	return {
		kind: "estimated",
		leader,
		estimates: arms.map(({ mean }) => mean),
		leads,
		claimed: leads.every(({ lowerBound }) => lowerBound > 0),
		pValue: Math.min(1, (count - 1) * pValueOfLogEValue(weakest)),
	};
}

/** Every arm's estimate over epochs that are weighted by their units, which no arm's share changes. */
function stratified<Sums extends RatioSums<number> | RatioSums<bigint>>(
	epochs: readonly (readonly Sums[])[],
	count: number,
): { mean: number; variance: number; units: number }[] | NotEstimable {
	const sizes = epochs.map((epoch) => epoch.reduce((sum, { units }) => sum + Number(units), 0));
	const total = sizes.reduce((sum, size) => sum + size, 0);
	const arms = Array.from({ length: count }, () => ({ mean: 0, variance: 0, units: 0 }));
	for (const [index, epoch] of epochs.entries()) {
		const weight = sizes[index]! / total;
		const pooled = ratioEstimate(mergeRatioSums(...(epoch as readonly Sums[] as [Sums, ...Sums[]])));
		if (pooled.kind === "not-estimable") return pooled;
		if (pooled.variance === 0) return notEstimable("no-variation", "Every unit of an epoch has the same value.");
		for (const [arm, sums] of epoch.entries()) {
			const estimate = ratioEstimate(sums);
			if (estimate.kind === "not-estimable") return estimate;
			const into = arms[arm]!;
			into.mean += weight * estimate.value;
			// An arm with few units has not met its rare values yet: the safeguard of the comparison of two.
			into.variance += weight ** 2 * Math.max(estimate.variance, (pooled.variance * pooled.units) / estimate.units);
			into.units += estimate.units;
		}
	}
	return arms;
}
