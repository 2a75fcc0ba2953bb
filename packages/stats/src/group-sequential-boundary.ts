import { requireRising } from "./boundary-crossing.ts";
import {
	BEFORE_FIRST_LOOK,
	type ContinuationDensity,
	type ContinuationRegion,
	continueTo,
	crossAbove,
	crossBelow,
} from "./continuation-density.ts";
import { monotoneRoot } from "./monotone-root.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireSpending, type SpendingFunction, spentError } from "./spending-function.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

/** A bound that no data reach: its tail is the smallest a double holds. Stands where nothing may be spent yet. */
export const UNREACHABLE_BOUND = 37.5;

/** What is fixed before the first look. */
export interface GroupSequentialDesign {
	/** Error rate over all looks together, in (0, 1); of both sides when there are two. */
	readonly alpha: number;
	/** 2: either direction, alpha/2 spent on each. 1: only a positive effect. */
	readonly sides: 1 | 2;
	readonly spending: SpendingFunction;
	/** When to give up; of a one-sided test only. */
	readonly futility?: FutilityDesign;
}

/** Non-binding: alpha holds whether or not anybody gives up. */
export interface FutilityDesign {
	/** 1 − power, in (0, 1). */
	readonly beta: number;
	readonly spending: SpendingFunction;
	/** Expected z-score at information fraction 1 under the planned effect, > 0: `drift` of the plan. */
	readonly drift: number;
}

/** A look with the bounds that it was, or is to be, held against. Past ones are kept as they were. */
export interface GroupSequentialLook {
	/** V_planned / V_now, > 0, rising; above 1 when more was gathered than planned. */
	readonly informationFraction: number;
	/** The z-score (its absolute value when two-sided) that rejects. */
	readonly efficacyBound: number;
	/** Below this z-score the planned effect is out of reach; `null` without futility. */
	readonly futilityBound: number | null;
}

export interface GroupSequentialBoundary extends GroupSequentialLook {
	readonly kind: "estimated";
	/** Probability, over this and all past looks, to reject without an effect. */
	readonly alphaSpent: number;
}

export interface GroupSequentialBoundaryOptions {
	readonly design: GroupSequentialDesign;
	/** Oldest first, as they were returned then. */
	readonly pastLooks: readonly GroupSequentialLook[];
	/** V_planned / V_now; V_planned is fixed before the first look. */
	readonly informationFraction: number;
	/** The last look, however much was gathered: spends all that is left. @default false; true from fraction 1 on */
	readonly final?: boolean;
}

/**
 * Bounds of the next look of a Lan–DeMets group-sequential test: what the spending function allows by now, minus what
 * the past looks have really spent with the bounds they had. When and how often to look need not be planned, only
 * must not depend on the effect seen.
 *
 * @returns not-estimable `no-new-information` unless information rose since the last look, `alpha-spent` after the final
 *   one
 * @throws {StatsError} INVALID_ALPHA, INVALID_SIDES, INVALID_SPENDING, INVALID_INFORMATION, INVALID_BOUND, INVALID_POWER
 * @see Lan, DeMets 1983, Biometrika 70(3); docs/statistics/group-sequential-test.md
 */
export function groupSequentialBoundary(
	options: GroupSequentialBoundaryOptions,
): GroupSequentialBoundary | NotEstimable {
	const { design, pastLooks, informationFraction } = options;
	requireGroupSequentialDesign(design);
	requireArgument(
		informationFraction > 0 && Number.isFinite(informationFraction),
		"INVALID_INFORMATION",
		"informationFraction",
		informationFraction,
		"a finite number > 0",
	);
	requireRising(pastLooks.map((look) => look.informationFraction));
	for (const { efficacyBound, futilityBound } of pastLooks) {
		const ordered = Number.isFinite(efficacyBound) && (futilityBound === null || futilityBound <= efficacyBound);
		requireArgument(ordered, "INVALID_BOUNDS", "efficacyBound", efficacyBound, "finite and ≥ the futility bound");
	}
	const last = pastLooks.at(-1)?.informationFraction ?? 0;
	if (last >= 1) return notEstimable("alpha-spent", "The final look was taken; there is no error rate left to spend.");
	if (informationFraction - last < 1e-4 * informationFraction) {
		return notEstimable("no-new-information", "No more is known than at the look before, so there is nothing to test.");
	}
	const fraction = options.final === true ? Math.max(1, informationFraction) : informationFraction;

	const { efficacy, futility } = passAll(design, pastLooks, informationFraction);
	const look = nextLook(design, { efficacy, futility }, informationFraction, fraction);
	const here = crossAbove(efficacy.density, informationFraction, look.efficacyBound, 0);
	return { kind: "estimated", ...look, alphaSpent: design.sides * (efficacy.above + here) };
}

/** What past looks have spent, and what is still going on after them. */
interface Passed {
	readonly density: ContinuationDensity;
	readonly above: number;
	readonly below: number;
}

/** The past as the efficacy bound sees it (no effect, nobody gives up) and as futility does (the planned effect). */
export interface PassedLooks {
	readonly efficacy: Passed;
	readonly futility: Passed;
}

const NOTHING_PASSED: Passed = { density: BEFORE_FIRST_LOOK, above: 0, below: 0 };
export const NO_LOOK_PASSED: PassedLooks = { efficacy: NOTHING_PASSED, futility: NOTHING_PASSED };

function passAll(design: GroupSequentialDesign, looks: readonly GroupSequentialLook[], following: number): PassedLooks {
	return looks.reduce(
		(passed, look, index) => passLook(design, passed, look, looks[index + 1]?.informationFraction ?? following),
		NO_LOOK_PASSED,
	);
}

/** @param following information fraction of the look after `look` */
export function passLook(
	design: GroupSequentialDesign,
	passed: PassedLooks,
	look: GroupSequentialLook,
	following: number | undefined,
): PassedLooks {
	const upper = look.efficacyBound;
	const lower = design.sides === 2 ? -upper : Number.NEGATIVE_INFINITY;
	const information = look.informationFraction;
	const efficacy = pass(passed.efficacy, information, { lower, upper }, 0, following);
	if (design.futility === undefined) return { efficacy, futility: NOTHING_PASSED };
	const goesOn = { lower: look.futilityBound ?? Number.NEGATIVE_INFINITY, upper };
	return { efficacy, futility: pass(passed.futility, information, goesOn, design.futility.drift, following) };
}

function pass(
	{ density, above, below }: Passed,
	information: number,
	region: ContinuationRegion,
	drift: number,
	following: number | undefined,
): Passed {
	return {
		density: continueTo(density, information, region, drift, following),
		above: above + crossAbove(density, information, region.upper, drift),
		below: below + crossBelow(density, information, region.lower, drift),
	};
}

/** @param spendingFraction information fraction to spend for: 1 at the final look */
export function nextLook(
	design: GroupSequentialDesign,
	{ efficacy, futility }: PassedLooks,
	informationFraction: number,
	spendingFraction: number,
): GroupSequentialLook {
	const efficacyBound = boundFor(
		spentError(design.spending, design.alpha / design.sides, spendingFraction) - efficacy.above,
		(bound) => crossAbove(efficacy.density, informationFraction, bound, 0),
	);
	if (design.futility === undefined) return { informationFraction, efficacyBound, futilityBound: null };
	if (spendingFraction >= 1) return { informationFraction, efficacyBound, futilityBound: efficacyBound };
	const { beta, spending, drift } = design.futility;
	const mirroredBound = boundFor(spentError(spending, beta, spendingFraction) - futility.below, (bound) =>
		crossBelow(futility.density, informationFraction, -bound, drift),
	);
	return { informationFraction, efficacyBound, futilityBound: Math.min(efficacyBound, -mirroredBound) };
}

/** The bound beyond which `probability` lies, given how much lies beyond a bound. */
function boundFor(probability: number, beyond: (bound: number) => number): number {
	if (!(probability > beyond(UNREACHABLE_BOUND))) return UNREACHABLE_BOUND;
	if (probability >= beyond(-UNREACHABLE_BOUND)) return -UNREACHABLE_BOUND;
	// In logarithms, in which a tail is nearly a parabola.
	const wanted = Math.log(probability);
	return monotoneRoot(
		(bound) => Math.log(Math.max(beyond(bound), Number.MIN_VALUE)) - wanted,
		-UNREACHABLE_BOUND,
		UNREACHABLE_BOUND,
	);
}

export function requireGroupSequentialDesign(design: GroupSequentialDesign): void {
	requireAlpha(design.alpha);
	requireSpending(design.spending);
	requireArgument(design.sides === 1 || design.sides === 2, "INVALID_SIDES", "sides", design.sides, "1 or 2");
	if (design.futility === undefined) return;
	const { beta, spending, drift } = design.futility;
	requireArgument(design.sides === 1, "INVALID_SIDES", "sides", design.sides, "1, since there is futility");
	requireArgument(beta > 0 && beta < 1, "INVALID_POWER", "futility.beta", beta, "a number in (0, 1)");
	requireArgument(drift > 0 && Number.isFinite(drift), "INVALID_STATISTIC", "futility.drift", drift, "finite and > 0");
	requireSpending(spending);
}
