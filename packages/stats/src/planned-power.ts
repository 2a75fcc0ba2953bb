import { satterthwaite } from "./arm-estimate.ts";
import {
	oneSidedRadiusMultiplier,
	tuneRhoSquared,
	twoSidedRadiusMultiplier,
} from "./asymptotic-confidence-sequence.ts";
import { boundaryCrossing } from "./boundary-crossing.ts";
import { normalDensity, normalUpperQuantile, normalUpperTail } from "./normal-tail.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { type PlannedDifference, type PlannedEffect, type PlannedMetric, plannedDifference } from "./planned-metric.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";
import { studentTestPower } from "./student-test-power.ts";

/** How the result will be read. */
export type PlannedInference =
	/** Once, at the end. */
	| { readonly kind: "fixed" }
	| {
			/** At planned looks, by `groupSequentialComparison`. */
			readonly kind: "group-sequential";
			/** That of `planGroupSequential`, for the power planned with. */
			readonly inflationFactor: number;
			/** `own`: by z-scores with the arms' own variances, as `groupSequentialTest` may be given. @default "safeguarded" */
			readonly standardError?: "safeguarded" | "own";
	  }
	/** At any time, by the always-valid comparison, up to the planned units. */
	| WatchedInference<"always-valid">
	/** By `hybridComparison`: watched until the last look, which is the planned end. Two-sided. */
	| WatchedInference<"hybrid">;

interface WatchedInference<Kind extends string> {
	readonly kind: Kind;
	/** Equally spaced looks until the planned units, the last one there. @default 28 */
	readonly looks?: number;
	/** Effective units that ρ is tuned at. @default half of the planned ones, as `compareRatios` does */
	readonly tunedUnits?: number;
}

export interface ComparisonPlan {
	readonly metric: PlannedMetric;
	readonly inference: PlannedInference;
	/** Error rate, in (0, 1). */
	readonly alpha: number;
	/** 1 for a bound in the direction of the effect, as non-inferiority has it. @default 2 */
	readonly sides?: 1 | 2;
	/** Share of all enrolled units in control, in (0, 1). @default 0.5 */
	readonly controlShare?: number;
	/** Share in treatment; both sum to 1 or less, less with further arms. @default 0.5 */
	readonly treatmentShare?: number;
	/** ρ² that pre-period covariates explain, in [0, 1). @default 0 */
	readonly varianceReduction?: number;
}

export interface PlannedPower {
	readonly kind: "estimated";
	/** Probability to reject "no effect" by the end, in either direction for two sides. */
	readonly power: number;
	/** Expected difference over its standard error at the end. */
	readonly drift: number;
	/**
	 * Units at which the test stops on average, counting all of them where it never does; `null` for group-sequential
	 * inference, whose own plan knows its looks.
	 */
	readonly expectedUnits: number | null;
}

/** Looks of a watched plan that says nothing else: daily for four weeks. */
export const DEFAULT_PLANNED_LOOKS = 28;

/** Beyond so many standard errors a test rejects, to the last digit. */
const CERTAIN = 40;

/**
 * Power of a planned comparison.
 *
 * Fixed and for a mean: by the noncentral t with Satterthwaite's degrees of freedom; otherwise by the normal.
 * Group-sequential: that of a fixed test with units/inflationFactor, exact at the power the factor belongs to.
 * Always-valid and hybrid: the probability to cross the confidence sequence at any of the looks, or the test's bound at
 * the last one, by recursive integration with the effective units.
 *
 * What the safeguard costs in unequal arms is inside: all but `fixed` are planned with the expected
 * larger one of the arms' own and pooled variance.
 *
 * @param units enrolled by the end, in all arms together
 * @returns not-estimable `too-few-units` below two units in an arm, `zero-baseline`, `out-of-reach`
 * @throws {StatsError} INVALID_ALPHA, INVALID_SHARE, INVALID_UNITS, INVALID_EFFECT, INVALID_ESTIMATE,
 *   INVALID_INFLATION, INVALID_LOOKS, INVALID_TUNING, INVALID_WEIGHT (varianceReduction)
 */
export function plannedPower(plan: ComparisonPlan, effect: PlannedEffect, units: number): PlannedPower | NotEstimable {
	requirePlan(plan);
	requireArgument(
		units > 0 && units < Number.POSITIVE_INFINITY,
		"INVALID_UNITS",
		"units",
		units,
		"a finite number > 0",
	);
	const planned = plannedDifference(plan.metric, effect);
	if (planned.kind === "not-estimable") return planned;
	const { controlShare = 0.5, treatmentShare = 0.5, varianceReduction = 0 } = plan;
	const arms = { control: units * controlShare, treatment: units * treatmentShare };
	const fewest = Math.min(arms.control, arms.treatment);
	if (fewest < 2)
		return notEstimable("too-few-units", `The smaller arm would have ${fewest} of the two units it needs.`);

	const variance = varianceOf(planned, arms, plan.inference) * (1 - varianceReduction);
	const drift = Math.abs(planned.difference) / Math.sqrt(variance);
	const { power, stoppingShare } = powerOf(plan, planned, arms, drift);
	return { kind: "estimated", power, drift, expectedUnits: stoppingShare === null ? null : stoppingShare * units };
}

interface PlannedArms {
	readonly control: number;
	readonly treatment: number;
}

function varianceOf(planned: PlannedDifference, arms: PlannedArms, inference: PlannedInference): number {
	const { controlVariance, treatmentVariance, difference } = planned;
	const own = controlVariance / arms.control + treatmentVariance / arms.treatment;
	if (inference.kind === "fixed") return own;
	if (inference.kind === "group-sequential" && inference.standardError === "own") return own;
	// The safeguard takes the larger of this and the variance of both arms thrown together.
	const units = arms.control + arms.treatment;
	const [c, t] = [arms.control / units, arms.treatment / units];
	const inverses = 1 / arms.control + 1 / arms.treatment;
	const between = c * t * difference * difference * inverses;
	const pooled = controlVariance / arms.treatment + treatmentVariance / arms.control + between;
	// Both are estimated, and the larger of two estimates is on average larger than either.
	const spread =
		Math.abs(1 / arms.treatment - 1 / arms.control) *
		Math.sqrt(planned.controlVarianceSpread / arms.control + planned.treatmentVarianceSpread / arms.treatment);
	return expectedMaximum(own, pooled, spread);
}

/** Expected maximum of two normals whose difference has the standard deviation `spread` (Clark 1961, eq. 2). */
function expectedMaximum(a: number, b: number, spread: number): number {
	const larger = Math.max(a, b);
	if (!(spread > 0)) return larger;
	const z = Math.abs(a - b) / spread;
	return larger + spread * (normalDensity(z) - z * normalUpperTail(z));
}

interface Outcome {
	readonly power: number;
	/** Share of the units at which the test stops on average. */
	readonly stoppingShare: number | null;
}

function powerOf(plan: ComparisonPlan, planned: PlannedDifference, arms: PlannedArms, drift: number): Outcome {
	const { alpha, inference, metric, sides = 2 } = plan;
	if (isWatched(inference)) return watchedOutcome(inference, alpha, sides, arms, drift);
	if (inference.kind === "group-sequential") {
		const deflated = Math.min(CERTAIN, drift) / Math.sqrt(inference.inflationFactor);
		return { power: studentTestPower(deflated, Number.POSITIVE_INFINITY, alpha, sides), stoppingShare: null };
	}
	if (drift > CERTAIN) return { power: 1, stoppingShare: 1 };
	const degreesOfFreedom =
		metric.kind === "mean"
			? satterthwaite([
					{ variance: planned.controlVariance / arms.control, degreesOfFreedom: arms.control - 1 },
					{ variance: planned.treatmentVariance / arms.treatment, degreesOfFreedom: arms.treatment - 1 },
				])
			: Number.POSITIVE_INFINITY;
	return { power: studentTestPower(drift, degreesOfFreedom, alpha, sides), stoppingShare: 1 };
}

function isWatched(inference: PlannedInference): inference is WatchedInference<"always-valid" | "hybrid"> {
	return inference.kind === "always-valid" || inference.kind === "hybrid";
}

function watchedOutcome(
	inference: WatchedInference<"always-valid" | "hybrid">,
	planAlpha: number,
	sides: 1 | 2,
	arms: PlannedArms,
	drift: number,
): Outcome {
	const { looks = DEFAULT_PLANNED_LOOKS } = inference;
	// The hybrid watches at one half of alpha and tests at the other.
	const alpha = inference.kind === "hybrid" ? planAlpha / 2 : planAlpha;
	const effectiveUnits = (4 * arms.control * arms.treatment) / (arms.control + arms.treatment);
	const rhoSquared = tuneRhoSquared(sides === 2 ? alpha : 2 * alpha, inference.tunedUnits ?? effectiveUnits / 2);
	const bounded = Array.from({ length: looks }, (_, look) => {
		const information = (look + 1) / looks;
		const seen = information * effectiveUnits;
		if (inference.kind === "hybrid" && look === looks - 1) return bothSides(1, normalUpperQuantile(alpha / 2));
		return sides === 2
			? bothSides(information, twoSidedRadiusMultiplier(seen, rhoSquared, alpha))
			: oneSide(information, oneSidedRadiusMultiplier(seen, rhoSquared, alpha));
	});
	// Enough to cross at the first look for certain, and no more than the integration was made for.
	const { upper, lower } = boundaryCrossing(bounded, Math.min(drift, CERTAIN * Math.sqrt(looks)));
	let [power, stoppingShare] = [0, 1];
	bounded.forEach(({ information }, look) => {
		const stops = upper[look]! + lower[look]!;
		power += stops;
		stoppingShare -= stops * (1 - information);
	});
	return { power: Math.min(1, power), stoppingShare };
}

function bothSides(information: number, bound: number) {
	return { information, lower: -bound, upper: bound };
}

function oneSide(information: number, bound: number) {
	return { information, lower: Number.NEGATIVE_INFINITY, upper: bound };
}

/** @throws {StatsError} for a plan outside its domain, whatever its metric */
export function requirePlan(plan: ComparisonPlan): void {
	const { alpha, inference, sides = 2, controlShare = 0.5, treatmentShare = 0.5, varianceReduction = 0 } = plan;
	requireAlpha(alpha);
	requireArgument(sides === 1 || sides === 2, "INVALID_SIDES", "sides", sides, "1 or 2");
	for (const [field, share] of Object.entries({ controlShare, treatmentShare })) {
		requireArgument(share > 0 && share < 1, "INVALID_SHARE", field, share, "a number in (0, 1)");
	}
	const total = controlShare + treatmentShare;
	requireArgument(total <= 1 + 1e-9, "INVALID_SHARE", "controlShare + treatmentShare", total, "at most 1");
	requireArgument(
		varianceReduction >= 0 && varianceReduction < 1,
		"INVALID_WEIGHT",
		"varianceReduction",
		varianceReduction,
		"a number in [0, 1)",
	);
	if (inference.kind === "group-sequential") {
		const { inflationFactor } = inference;
		requireArgument(
			inflationFactor >= 1 && inflationFactor < Number.POSITIVE_INFINITY,
			"INVALID_INFLATION",
			"inference.inflationFactor",
			inflationFactor,
			"a finite number ≥ 1",
		);
	}
	if (isWatched(inference)) {
		requireArgument(
			sides === 2 || inference.kind !== "hybrid",
			"INVALID_SIDES",
			"sides",
			sides,
			"2, since the hybrid comparison has both",
		);
		const { looks = DEFAULT_PLANNED_LOOKS, tunedUnits } = inference;
		requireArgument(
			Number.isInteger(looks) && looks >= 1 && looks <= 1000,
			"INVALID_LOOKS",
			"inference.looks",
			looks,
			"an integer in [1, 1000]",
		);
		requireArgument(
			tunedUnits === undefined || (tunedUnits > 0 && tunedUnits < Number.POSITIVE_INFINITY),
			"INVALID_TUNING",
			"inference.tunedUnits",
			tunedUnits,
			"a finite number > 0",
		);
		requireArgument(sides === 2 || alpha < 0.5, "INVALID_ALPHA", "alpha", alpha, "below 0.5 for one side");
	}
}
