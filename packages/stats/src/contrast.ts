import { type ArmEstimate, degreesOfFreedomOf, requireArm, satterthwaite } from "./arm-estimate.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { EffectEstimate, ValueWithVariance } from "./relative-effect.ts";
import { requireMultiplier } from "./stats-error.ts";

/** Difference between two arms, with all that an interval needs, whatever sets its width. */
export interface Contrast {
	readonly kind: "estimated";
	/** Treatment minus control. */
	readonly difference: number;
	/** Of `difference`, > 0. */
	readonly variance: number;
	/** Of `variance`. */
	readonly degreesOfFreedom: number;
	/** Control's estimate, what relative effects are relative to. */
	readonly baseline: ValueWithVariance;
	/** Between `difference` and `baseline`; −V_C for independent arms that are not adjusted. */
	readonly covarianceWithBaseline: number;
	readonly controlUnits: number;
	readonly treatmentUnits: number;
}

/** From this g = c²·V_C/R_C² on the delta method's symmetric interval is too short, and Fieller's is used. */
const FIELLER_FROM = 0.05;

/**
 * Difference of two independent arms, with Satterthwaite's degrees of freedom.
 *
 * @returns not-estimable `too-few-units` below two units in an arm, `no-variation` when both variances are 0
 * @throws {StatsError} INVALID_ESTIMATE
 */
export function contrastOf(control: ArmEstimate, treatment: ArmEstimate): Contrast | NotEstimable {
	requireArm(control, "control");
	requireArm(treatment, "treatment");
	const fewest = Math.min(control.units, treatment.units);
	if (fewest < 2) return notEstimable("too-few-units", `Each arm needs two units; one has ${fewest}.`);
	const variance = control.variance + treatment.variance;
	if (variance === 0) return notEstimable("no-variation", "No unit differs from another within its arm.");
	const difference = treatment.value - control.value;
	if (!Number.isFinite(variance) || !Number.isFinite(difference)) {
		return notEstimable("non-finite", "The difference or its variance is too large for a number.");
	}
	const degreesOfFreedom = satterthwaite(
		[control, treatment].map((arm) => ({ variance: arm.variance, degreesOfFreedom: degreesOfFreedomOf(arm) })),
	);
	return {
		kind: "estimated",
		difference,
		variance,
		degreesOfFreedom,
		baseline: { value: control.value, variance: control.variance },
		covarianceWithBaseline: -control.variance,
		controlUnits: control.units,
		treatmentUnits: treatment.units,
	};
}

/**
 * The difference with its interval of `multiplier` standard errors to either side.
 *
 * @throws {StatsError} INVALID_STATISTIC
 */
export function absoluteContrast(contrast: Contrast, multiplier: number): EffectEstimate | NotEstimable {
	requireMultiplier(multiplier);
	const { difference: value, variance } = contrast;
	const standardError = Math.sqrt(variance);
	return finite({
		kind: "estimated",
		value,
		standardError,
		lower: value - multiplier * standardError,
		upper: value + multiplier * standardError,
	});
}

/**
 * The difference relative to |baseline|, counting the baseline's error and what it shares with the difference. Delta
 * method while the baseline is well known, Fieller's set once it is not: the L with (Δ − L·R_C)² ≤ c²·Var(Δ − L·R_C).
 *
 * @param multiplier c, standard errors to either side, > 0
 * @returns not-estimable `zero-baseline`, or `unbounded` when control cannot be told from 0 (g ≥ 1)
 * @throws {StatsError} INVALID_STATISTIC
 * @see Fieller 1954; `relativeEffect` is the case of independent arms
 */
export function relativeContrast(contrast: Contrast, multiplier: number): EffectEstimate | NotEstimable {
	requireMultiplier(multiplier);
	const { difference, variance, baseline, covarianceWithBaseline } = contrast;
	if (baseline.value === 0) {
		return notEstimable("zero-baseline", "Control's value is 0, so there is no relative change; see the absolute one.");
	}
	// In units of control's value, so that nothing is squared that could underflow.
	const size = Math.abs(baseline.value);
	const value = difference / size;
	const error = Math.sqrt(variance) / size;
	const baselineError = Math.sqrt(baseline.variance) / size;
	const shared = ((covarianceWithBaseline / size) * Math.sign(baseline.value)) / size;
	const spread = Math.max(0, error ** 2 - 2 * value * shared + (value * baselineError) ** 2);
	const standardError = Math.sqrt(spread);
	const g = (multiplier * baselineError) ** 2;
	if (g >= 1) {
		return notEstimable("unbounded", "Control cannot be told from 0, so its relative change has no bounds.");
	}
	let [centre, radius] = [value, multiplier * standardError];
	if (g >= FIELLER_FROM) {
		const common = Math.max(0, (error * baselineError) ** 2 - shared ** 2);
		centre = (value - multiplier ** 2 * shared) / (1 - g);
		radius = (multiplier * Math.sqrt(Math.max(0, spread - multiplier ** 2 * common))) / (1 - g);
	}
	return finite({ kind: "estimated", value, standardError, lower: centre - radius, upper: centre + radius });
}

function finite(effect: EffectEstimate): EffectEstimate | NotEstimable {
	return [effect.value, effect.standardError, effect.lower, effect.upper].every(Number.isFinite)
		? effect
		: notEstimable("non-finite", "The effect or its interval is too large for a number.");
}
