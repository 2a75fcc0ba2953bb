import { type ArmEstimate, degreesOfFreedomOf, requireArm, satterthwaite } from "./arm-estimate.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";
import { studentTail, studentTailQuantile } from "./student-tail.ts";

export interface NonInferiorityOptions {
	/** One-sided error rate, in (0, 1). */
	readonly alpha: number;
	/** How much worse treatment may be, ≥ 0; fixed before launch. */
	readonly margin: number;
	/** `relative` to |control|, or in the metric's own unit. */
	readonly marginScale: "relative" | "absolute";
	/** Which way is better. */
	readonly direction: "increase" | "decrease";
}

/** Whether treatment is shown to be no worse than the margin allows, at one planned look. */
export interface NonInferiority {
	readonly kind: "estimated";
	/** Against "treatment is worse than control by the margin or more". */
	readonly pValue: number;
	/** pValue < alpha. `false` is no evidence of harm. */
	readonly nonInferior: boolean;
	/** How far treatment is from the margin, in the metric's unit; > 0 on the good side. */
	readonly distance: number;
	/** One-sided lower confidence bound of `distance`: above 0 exactly when non-inferior. */
	readonly lowerBound: number;
	readonly degreesOfFreedom: number;
}

/**
 * One-sided test that treatment is not worse than control by a margin. A relative margin m is tested as the linear
 * contrast R_T − (1 ∓ m)·R_C, so that control's error counts and nothing is divided by it.
 *
 * @returns not-estimable `too-few-units`, `no-variation`; `zero-baseline` for a margin relative to nothing
 * @throws {StatsError} INVALID_ALPHA, INVALID_MARGIN, INVALID_ESTIMATE
 * @see Rothmann, Wiens, Chan 2012, Design and Analysis of Non-Inferiority Trials, §12
 */
export function nonInferiority(
	control: ArmEstimate,
	treatment: ArmEstimate,
	options: NonInferiorityOptions,
): NonInferiority | NotEstimable {
	const { alpha, margin, marginScale, direction } = options;
	requireAlpha(alpha);
	requireArgument(
		margin >= 0 && margin < Number.POSITIVE_INFINITY,
		"INVALID_MARGIN",
		"margin",
		margin,
		"a finite number ≥ 0",
	);
	requireArm(control, "control");
	requireArm(treatment, "treatment");
	const fewest = Math.min(control.units, treatment.units);
	if (fewest < 2) return notEstimable("too-few-units", `Each arm needs two units; one has ${fewest}.`);
	if (marginScale === "relative" && control.value === 0) {
		return notEstimable("zero-baseline", "Control's value is 0, so nothing can be worse by a share of it.");
	}
	const sign = direction === "increase" ? 1 : -1;
	const tolerated = marginScale === "relative" ? sign * margin * Math.sign(control.value) : 0;
	const factor = 1 - tolerated;
	const allowance = marginScale === "absolute" ? margin : 0;
	const distance = sign * (treatment.value - factor * control.value) + allowance;
	const components = [
		{ variance: treatment.variance, degreesOfFreedom: degreesOfFreedomOf(treatment) },
		{ variance: factor * factor * control.variance, degreesOfFreedom: degreesOfFreedomOf(control) },
	];
	const variance = components.reduce((sum, component) => sum + component.variance, 0);
	if (variance === 0) return notEstimable("no-variation", "No unit differs from another within its arm.");
	const degreesOfFreedom = satterthwaite(components);
	const standardError = Math.sqrt(variance);
	const lowerBound =
		distance -
		studentTailQuantile(Math.min(alpha, 1 - alpha), degreesOfFreedom) * Math.sign(0.5 - alpha) * standardError;
	if (![distance, lowerBound, standardError].every(Number.isFinite)) {
		return notEstimable("non-finite", "The distance from the margin is too large for a number.");
	}
	const pValue = studentTail(distance / standardError, degreesOfFreedom);
	return { kind: "estimated", pValue, nonInferior: pValue < alpha, distance, lowerBound, degreesOfFreedom };
}
