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
import { normalUpperTail } from "./normal-tail.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { type ArmUnits, placesInChain } from "./places-in-chain.ts";
import type { PooledLevel } from "./pooled-level.ts";
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
	/** How far the plan had come, in (0, 1]: what the error rate is spent by. Rising; 1 at the last look. */
	readonly spendingTime: number;
	/** V_planned / V_now, > 0; above 1 when more was gathered than planned. Only ratios between looks matter to bounds. */
	readonly informationFraction: number;
	/** As they were given. */
	readonly units: ArmUnits | null;
	readonly level: PooledLevel | null;
	/**
	 * `joint`: bounded by the joint distribution with the looks before. `union`: information had not risen, or values of
	 * units had moved, so no such distribution is known, and the bound is that of a test of its own, at what may be spent here.
	 */
	readonly basis: "joint" | "union";
	/** The z-score (its absolute value when two-sided) that rejects. */
	readonly efficacyBound: number;
	/** Below this z-score the planned effect is out of reach; `null` without futility. */
	readonly futilityBound: number | null;
}

export interface GroupSequentialBoundary extends GroupSequentialLook {
	readonly kind: "estimated";
	/** Probability, over this and all past looks, to reject without an effect; at most so much with `union` looks. */
	readonly alphaSpent: number;
}

export interface GroupSequentialBoundaryOptions {
	readonly design: GroupSequentialDesign;
	/** Oldest first, as they were returned then. */
	readonly pastLooks: readonly GroupSequentialLook[];
	/** V_planned / V_now; V_planned is fixed before the first look, and may be any number where `spendingTime` is given. */
	readonly informationFraction: number;
	/**
	 * How far the plan has come, in (0, 1], as it was fixed before the first look: the share of planned units, say. Then
	 * no information at the end is planned. @default informationFraction, at most 1
	 */
	readonly spendingTime?: number;
	/** Where values of units may still grow; see `placesInChain`. Not used with futility. @default the canonical form */
	readonly units?: ArmUnits | undefined;
	/** Given, looks since which values of units have moved are `union`; see `placesInChain`. Not used with futility. */
	readonly level?: PooledLevel | undefined;
	/** The last look, however much was gathered: spends all that is left. @default false; true from spending time 1 on */
	readonly final?: boolean;
}

/**
 * Bounds of the next look of a Lan–DeMets group-sequential test: what the spending function allows by now, minus what
 * the past looks have really spent with the bounds they had. When and how often to look need not be planned, only
 * must not depend on the effect seen.
 *
 * A look with no more information than an earlier one, or since which values of units have moved, has no place in the joint distribution. It is tested alone, at
 * the increment of error that is due, and left out of the chain that later looks are integrated along. Conservative: let
 * A be the event that a chained look rejects and U_j that lone look j does, whatever happened before. The chain as if
 * nobody stopped at lone looks gives P(A) = what the chained increments sum to, P(U_j) is j's increment, and
 * P(A ∪ U_1 ∪ …) ≤ P(A) + ΣP(U_j) ≤ alpha, however the looks depend on each other.
 *
 * @returns not-estimable `no-new-information` where error is spent by information and there is no more of it (but at the
 *   final look), `alpha-spent` after the final one
 * @throws {StatsError} INVALID_ALPHA, INVALID_SIDES, INVALID_SPENDING, INVALID_INFORMATION, INVALID_BOUND, INVALID_POWER
 * @see Lan, DeMets 1983, Biometrika 70(3) and 1989, Biometrics 45(3); docs/statistics/group-sequential-test.md
 */
export function groupSequentialBoundary(
	options: GroupSequentialBoundaryOptions,
): GroupSequentialBoundary | NotEstimable {
	const { design, pastLooks, informationFraction, final = false } = options;
	requireGroupSequentialDesign(design);
	requireArgument(
		informationFraction > 0 && Number.isFinite(informationFraction),
		"INVALID_INFORMATION",
		"informationFraction",
		informationFraction,
		"a finite number > 0",
	);
	const { spendingTime = Math.min(1, informationFraction) } = options;
	requireArgument(
		spendingTime > 0 && spendingTime <= 1,
		"INVALID_INFORMATION",
		"spendingTime",
		spendingTime,
		"a number in (0, 1]",
	);
	for (const [arm, count] of Object.entries(options.units ?? {})) {
		const usable = count > 0 && Number.isFinite(count);
		requireArgument(usable, "INVALID_INFORMATION", `units.${arm}`, count, "a finite number > 0");
	}
	if (options.level !== undefined) {
		const { value, variance, units } = options.level;
		const usable = Number.isFinite(value) && variance >= 0 && units > 0 && Number.isFinite(variance + units);
		requireArgument(usable, "INVALID_INFORMATION", "level", JSON.stringify(options.level), "finite, of > 0 units");
	}
	const chained = pastLooks.filter(({ basis }) => basis === "joint");
	requireRising(pastLooks.map((look) => look.spendingTime));
	requireRising(chained.map((look) => look.informationFraction));
	for (const { efficacyBound, futilityBound } of pastLooks) {
		const ordered = Number.isFinite(efficacyBound) && (futilityBound === null || futilityBound <= efficacyBound);
		requireArgument(ordered, "INVALID_BOUNDS", "efficacyBound", efficacyBound, "finite and ≥ the futility bound");
	}
	const last = pastLooks.at(-1)?.spendingTime ?? 0;
	if (last >= 1) return notEstimable("alpha-spent", "The final look was taken; there is no error rate left to spend.");
	const now = final ? 1 : spendingTime;
	if (now - last < 1e-4 * now) {
		return notEstimable("no-new-information", "No more is known than at the look before, so there is nothing to test.");
	}
	const units = design.futility === undefined ? (options.units ?? null) : null;
	const level = design.futility === undefined ? (options.level ?? null) : null;
	const looks = [...pastLooks, { spendingTime: now, informationFraction, units, level }];
	return boundsAlong(design, looks, pastLooks).at(-1)!;
}

/** A look whose bounds are not known yet. */
export type UnboundedLook = Pick<GroupSequentialLook, "spendingTime" | "informationFraction" | "units" | "level">;
type Bounds = Pick<GroupSequentialLook, "efficacyBound" | "futilityBound">;

/**
 * Bounds of looks one after the other, their arguments being known to be right.
 *
 * @param known bounds of the first looks, which they keep
 */
export function boundsAlong(
	design: GroupSequentialDesign,
	looks: readonly UnboundedLook[],
	known: readonly Bounds[] = [],
): GroupSequentialBoundary[] {
	const places = placesInChain(looks);
	let passed = NO_LOOK_PASSED;
	let lone = 0;
	return looks.map((look, index) => {
		const { basis, information, following } = places[index]!;
		const before = passed;
		const { spendingTime, informationFraction, units, level } = look;
		const joint = () => nextLook(design, before, information, spendingTime, lone);
		const bounds = known[index] ?? (basis === "joint" ? joint() : loneLook(design, before, spendingTime, lone));
		let spent = before.efficacy.above + lone;
		if (basis === "joint") {
			spent += crossAbove(before.efficacy.density, information, bounds.efficacyBound, 0);
			if (index < looks.length - 1) passed = passLook(design, before, bounds, information, following);
		} else {
			lone += normalUpperTail(bounds.efficacyBound);
			spent = before.efficacy.above + lone;
		}
		const { efficacyBound, futilityBound } = bounds;
		return {
			...{ kind: "estimated", spendingTime, informationFraction, units, level, basis, efficacyBound, futilityBound },
			alphaSpent: design.sides * spent,
		};
	});
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

/**
 * @param information of `look`
 * @param following that of the look after it
 */
export function passLook(
	design: GroupSequentialDesign,
	passed: PassedLooks,
	look: Bounds,
	information: number,
	following: number | undefined,
): PassedLooks {
	const upper = look.efficacyBound;
	const lower = design.sides === 2 ? -upper : Number.NEGATIVE_INFINITY;
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

/** @param lone what looks outside the chain have spent, of one side */
export function nextLook(
	design: GroupSequentialDesign,
	{ efficacy, futility }: PassedLooks,
	information: number,
	spendingTime: number,
	lone = 0,
): Bounds {
	const efficacyBound = boundFor(
		spentError(design.spending, design.alpha / design.sides, spendingTime) - efficacy.above - lone,
		(bound) => crossAbove(efficacy.density, information, bound, 0),
	);
	if (design.futility === undefined) return { efficacyBound, futilityBound: null };
	if (spendingTime >= 1) return { efficacyBound, futilityBound: efficacyBound };
	const { beta, spending, drift } = design.futility;
	const mirroredBound = boundFor(spentError(spending, beta, spendingTime) - futility.below, (bound) =>
		crossBelow(futility.density, information, -bound, drift),
	);
	return { efficacyBound, futilityBound: Math.min(efficacyBound, -mirroredBound) };
}

/** A test of its own, at what is due. Giving up is judged along the chain only; at the end it is over anyway. */
function loneLook(
	design: GroupSequentialDesign,
	{ efficacy }: PassedLooks,
	spendingTime: number,
	lone: number,
): Bounds {
	const due = spentError(design.spending, design.alpha / design.sides, spendingTime) - efficacy.above - lone;
	const efficacyBound = boundFor(due, normalUpperTail);
	return { efficacyBound, futilityBound: design.futility !== undefined && spendingTime >= 1 ? efficacyBound : null };
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
