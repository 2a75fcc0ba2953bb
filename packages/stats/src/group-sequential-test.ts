import {
	type GroupSequentialDesign,
	type GroupSequentialLook,
	groupSequentialBoundary,
} from "./group-sequential-boundary.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { ArmUnits } from "./places-in-chain.ts";
import type { PooledLevel } from "./pooled-level.ts";
import type { ValueWithVariance } from "./relative-effect.ts";
import { requireArgument } from "./stats-error.ts";

export interface GroupSequentialTestOptions {
	readonly design: GroupSequentialDesign;
	/** Looks taken so far, oldest first: the `look` of every earlier result. */
	readonly pastLooks: readonly GroupSequentialLook[];
	/** Effect with its variance now; against a margin, the effect minus the margin. */
	readonly effect: ValueWithVariance;
	/**
	 * Variance that the effect should have at the end, > 0; fixed before the first look. May be left out where
	 * `spendingTime` is given: then information is counted as 1/variance.
	 */
	readonly plannedVariance?: number | undefined;
	/** How far the plan has come, in (0, 1]; see `groupSequentialBoundary`. @default plannedVariance / variance, at most 1 */
	readonly spendingTime?: number;
	/** Where values of units may still grow; see `placesInChain`. @default the canonical form */
	readonly units?: ArmUnits | undefined;
	/** The same; see `placesInChain`. @default nothing moved */
	readonly level?: PooledLevel | undefined;
	/** The experiment ends with this look. @default false */
	readonly final?: boolean;
}

export interface GroupSequentialResult {
	readonly kind: "estimated";
	/**
	 * `reject`: the effect is not 0 (one-sided: it is positive). `futile`: giving up costs no more power than planned;
	 * going on is allowed. `accept`: the final look found nothing.
	 */
	readonly conclusion: "reject" | "futile" | "accept" | "continue";
	readonly z: number;
	/** To be kept, and handed in as a past look next time. */
	readonly look: GroupSequentialLook;
	/** Error rate spent so far, this look included. */
	readonly alphaSpent: number;
	/** Repeated confidence interval value ± bound·standard error: holds at all looks together. */
	readonly lower: number;
	/** `null` when one-sided. */
	readonly upper: number | null;
}

/**
 * One look of a group-sequential test. For its p-value see `repeatedPValue`.
 *
 * @returns not-estimable `non-finite` or `no-variation` for an effect without a usable variance, and what
 *   `groupSequentialBoundary` cannot bound
 * @throws {StatsError} INVALID_PLANNED_VARIANCE, and what `groupSequentialBoundary` throws
 * @see Jennison, Turnbull 2000, Group Sequential Methods, §9 (repeated confidence intervals)
 */
export function groupSequentialTest(options: GroupSequentialTestOptions): GroupSequentialResult | NotEstimable {
	const { design, pastLooks, effect, spendingTime, units, level, final = false } = options;
	const { plannedVariance = spendingTime === undefined ? Number.NaN : 1 } = options;
	requireArgument(
		plannedVariance > 0 && Number.isFinite(plannedVariance),
		"INVALID_PLANNED_VARIANCE",
		"plannedVariance",
		plannedVariance,
		"a finite number > 0",
	);
	if (!Number.isFinite(effect.value) || !Number.isFinite(effect.variance)) {
		return notEstimable("non-finite", "The effect or its variance is not a finite number.");
	}
	if (effect.variance <= 0)
		return notEstimable("no-variation", "The effect has no variance, so nothing can be tested.");
	const informationFraction = plannedVariance / effect.variance;
	if (!Number.isFinite(informationFraction) || informationFraction === 0) {
		return notEstimable("non-finite", "The effect's variance is too far from the planned one for a number.");
	}
	const boundary = groupSequentialBoundary({
		...{ design, pastLooks, informationFraction, units, level, final },
		...(spendingTime === undefined ? {} : { spendingTime }),
	});
	if (boundary.kind === "not-estimable") return boundary;
	const { kind, alphaSpent, ...look } = boundary;
	const { efficacyBound, futilityBound } = look;
	const standardError = Math.sqrt(effect.variance);
	const z = effect.value / standardError;
	const last = look.spendingTime >= 1;
	const rejects = (design.sides === 2 ? Math.abs(z) : z) >= efficacyBound;
	const futile = futilityBound !== null && z < futilityBound;
	return {
		kind,
		conclusion: rejects ? "reject" : last ? "accept" : futile ? "futile" : "continue",
		z,
		look,
		alphaSpent,
		lower: effect.value - efficacyBound * standardError,
		upper: design.sides === 2 ? effect.value + efficacyBound * standardError : null,
	};
}
