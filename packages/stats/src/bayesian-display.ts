import erfcx from "@stdlib/math-base-special-erfcx";
import { DisplayOnly } from "./display-only.ts";
import { normalDensity, normalUpperQuantile, normalUpperTail } from "./normal-tail.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { ValueWithVariance } from "./relative-effect.ts";
import { requireAlpha, requireArgument } from "./stats-error.ts";

export interface BayesianDisplayOptions {
	/** Which way is better. */
	readonly direction: "increase" | "decrease";
	/** Share of belief outside the credible interval, in (0, 1). @default 0.05 */
	readonly alpha?: number;
	/** Standard deviation of the normal prior around "no effect", > 0. @default flat */
	readonly priorStandardDeviation?: number;
}

/** What one may believe of an effect. For reading: none of it says when to stop, and none of it compares. */
export interface BayesianDisplay {
	readonly kind: "estimated";
	/** P(treatment is better). */
	readonly chanceToWin: DisplayOnly;
	/** Expected loss of choosing treatment: E[how much better control is, where it is]. */
	readonly expectedLossOfTreatment: DisplayOnly;
	/** Expected loss of staying with control. */
	readonly expectedLossOfControl: DisplayOnly;
	readonly mean: DisplayOnly;
	readonly standardDeviation: DisplayOnly;
	readonly credibleInterval: { readonly lower: DisplayOnly; readonly upper: DisplayOnly };
}

/**
 * Normal posterior of an effect, absolute or relative, from its estimate and variance.
 *
 * @returns not-estimable `no-variation` for a variance of 0, `non-finite`
 * @throws {StatsError} INVALID_ALPHA, INVALID_PRIOR, INVALID_ESTIMATE
 */
export function bayesianDisplay(
	effect: ValueWithVariance,
	options: BayesianDisplayOptions,
): BayesianDisplay | NotEstimable {
	const { direction, alpha = 0.05, priorStandardDeviation: prior } = options;
	const { value, variance } = effect;
	requireAlpha(alpha);
	requireArgument(Number.isFinite(value), "INVALID_ESTIMATE", "value", value, "a finite number");
	requireArgument(
		variance >= 0 && variance < Number.POSITIVE_INFINITY,
		"INVALID_ESTIMATE",
		"variance",
		variance,
		"a finite number ≥ 0",
	);
	requireArgument(
		prior === undefined || (prior > 0 && prior < Number.POSITIVE_INFINITY),
		"INVALID_PRIOR",
		"priorStandardDeviation",
		prior,
		"a finite number > 0",
	);
	if (variance === 0) return notEstimable("no-variation", "A variance of 0 leaves nothing to believe or doubt.");
	// Share of the estimate that survives the prior: s₀²/(s₀² + V), without squares that overflow.
	const kept = prior === undefined ? 1 : 1 / (1 + (Math.sqrt(variance) / prior) ** 2);
	const mean = kept * value;
	const deviation = Math.sqrt(kept * variance);
	const radius = normalUpperQuantile(alpha / 2) * deviation;
	const gain = direction === "increase" ? mean : -mean;
	const numbers = [
		normalUpperTail(-gain / deviation),
		expectedShortfall(gain, deviation),
		expectedShortfall(-gain, deviation),
		mean,
		deviation,
		mean - radius,
		mean + radius,
	];
	if (!numbers.every(Number.isFinite)) {
		return notEstimable("non-finite", "The posterior is outside the range of a number.");
	}
	const [win, treatmentLoss, controlLoss, centre, spread, lower, upper] = numbers.map((n) => new DisplayOnly(n)) as [
		DisplayOnly,
		DisplayOnly,
		DisplayOnly,
		DisplayOnly,
		DisplayOnly,
		DisplayOnly,
		DisplayOnly,
	];
	return {
		kind: "estimated",
		chanceToWin: win,
		expectedLossOfTreatment: treatmentLoss,
		expectedLossOfControl: controlLoss,
		mean: centre,
		standardDeviation: spread,
		credibleInterval: { lower, upper },
	};
}

/** E[max(−D, 0)] of D ~ N(mean, deviation²): s·φ(x) − m·Φ(−x) with x = m/s. */
export function expectedShortfall(mean: number, deviation: number): number {
	const x = mean / deviation;
	if (x <= 0) return deviation * normalDensity(x) - mean * normalUpperTail(x);
	// Far out both terms agree in nearly all digits; their quotient is Mills' ratio.
	return deviation * normalDensity(x) * (1 - x * Math.sqrt(Math.PI / 2) * erfcx(x / Math.SQRT2));
}
