import { type ArmEstimate, requireArm } from "./arm-estimate.ts";
import { type NotEstimable, notEstimable } from "./not-estimable.ts";
import type { ProportionEstimate } from "./proportion-estimate.ts";
import type { QuantileEstimate } from "./quantile-estimate.ts";
import { requireArgument } from "./stats-error.ts";

/** What history says of a metric, per unit: the design effect is inside. */
export type PlannedMetric =
	/** A mean per unit or a ratio of sums. */
	| {
			readonly kind: "mean";
			readonly baseline: number;
			/** K·Var(R): what one unit contributes. > 0 */
			readonly variancePerUnit: number;
	  }
	/** A share of units. */
	| { readonly kind: "proportion"; readonly baseline: number }
	/** On the log scale. */
	| {
			readonly kind: "quantile";
			readonly baseline: number;
			/** K·Var(ln q̂), > 0 */
			readonly logVariancePerUnit: number;
	  };

/** A true effect to be found. */
export interface PlannedEffect {
	/** `relative` to |baseline|: 0.05 is +5 %. */
	readonly scale: "relative" | "absolute";
	/** Finite, not 0; its sign is the direction. */
	readonly value: number;
}

/**
 * A mean per unit or ratio of sums as history shows it.
 *
 * @returns not-estimable `no-variation` for a variance of 0
 * @throws {StatsError} INVALID_ESTIMATE
 */
export function plannedMean(history: ArmEstimate): PlannedMetric | NotEstimable {
	requireArm(history, "history");
	const variancePerUnit = history.units * history.variance;
	if (variancePerUnit === 0) return notEstimable("no-variation", "History shows no variation to plan with.");
	return { kind: "mean", baseline: history.value, variancePerUnit };
}

/**
 * A share of units as history shows it.
 *
 * @returns not-estimable `no-variation` for a share of 0 or 1
 */
export function plannedProportion(history: Pick<ProportionEstimate, "value">): PlannedMetric | NotEstimable {
	const baseline = history.value;
	requireArgument(baseline >= 0 && baseline <= 1, "INVALID_ESTIMATE", "history.value", baseline, "a number in [0, 1]");
	if (baseline === 0 || baseline === 1) {
		return notEstimable("no-variation", "History shows no variation to plan with.");
	}
	return { kind: "proportion", baseline };
}

/** A quantile as history shows it. */
export function plannedQuantile(history: QuantileEstimate): PlannedMetric {
	return { kind: "quantile", baseline: history.value, logVariancePerUnit: history.units * history.logVariance };
}

/** The difference to be found, and what one unit of either arm contributes to its variance. */
export interface PlannedDifference {
	readonly kind: "estimated";
	readonly difference: number;
	readonly controlVariance: number;
	readonly treatmentVariance: number;
	/**
	 * What one unit contributes to the variance of the arm's estimated variance: exact for a share, else as if normal,
	 * since history's sums know no fourth moment.
	 */
	readonly controlVarianceSpread: number;
	readonly treatmentVarianceSpread: number;
}

/**
 * What an effect means for a metric.
 *
 * A relative effect on a mean is taken to scale the spread with it, but not to shrink it: relative and absolute
 * intervals are both wide enough then.
 *
 * @returns not-estimable `zero-baseline`, or `out-of-reach` where the metric cannot go
 * @throws {StatsError} INVALID_EFFECT, INVALID_ESTIMATE
 */
export function plannedDifference(metric: PlannedMetric, effect: PlannedEffect): PlannedDifference | NotEstimable {
	requireMetric(metric);
	requireArgument(
		Number.isFinite(effect.value) && effect.value !== 0,
		"INVALID_EFFECT",
		"effect.value",
		effect.value,
		"a finite number that is not 0",
	);
	const { baseline } = metric;
	if (effect.scale === "relative" && baseline === 0) {
		return notEstimable("zero-baseline", "The metric is 0, so plan with an absolute effect.");
	}
	const absolute = effect.scale === "relative" ? effect.value * Math.abs(baseline) : effect.value;
	const reached = baseline + absolute;
	if (metric.kind === "mean") {
		const { variancePerUnit } = metric;
		const factor = effect.scale === "relative" ? Math.max(1, (reached / baseline) ** 2) : 1;
		return difference(absolute, variancePerUnit, variancePerUnit * factor);
	}
	if (metric.kind === "proportion") {
		if (reached < 0 || reached > 1) {
			return notEstimable("out-of-reach", `A share of ${baseline} cannot change by ${absolute}.`);
		}
		const [control, treatment] = [baseline * (1 - baseline), reached * (1 - reached)];
		return difference(absolute, control, treatment, {
			control: (1 - 2 * baseline) ** 2 * control,
			treatment: (1 - 2 * reached) ** 2 * treatment,
		});
	}
	if (reached <= 0) return notEstimable("out-of-reach", `A quantile of ${baseline} cannot change by ${absolute}.`);
	return difference(Math.log(reached / baseline), metric.logVariancePerUnit, metric.logVariancePerUnit);
}

function difference(
	value: number,
	controlVariance: number,
	treatmentVariance: number,
	spread = { control: 2 * controlVariance ** 2, treatment: 2 * treatmentVariance ** 2 },
): PlannedDifference | NotEstimable {
	if (![value, controlVariance, treatmentVariance].every(Number.isFinite)) {
		return notEstimable("non-finite", "The planned difference or its variance is too large for a number.");
	}
	return {
		kind: "estimated",
		difference: value,
		controlVariance,
		treatmentVariance,
		controlVarianceSpread: spread.control,
		treatmentVarianceSpread: spread.treatment,
	};
}

function requireMetric(metric: PlannedMetric): void {
	const { kind, baseline } = metric;
	const accepted =
		kind === "mean"
			? Number.isFinite(baseline)
			: kind === "proportion"
				? baseline > 0 && baseline < 1
				: baseline > 0 && baseline < Number.POSITIVE_INFINITY;
	requireArgument(accepted, "INVALID_ESTIMATE", "metric.baseline", baseline, `the baseline of a ${kind}`);
	if (kind === "proportion") return;
	const variance = kind === "mean" ? metric.variancePerUnit : metric.logVariancePerUnit;
	requireArgument(
		variance > 0 && variance < Number.POSITIVE_INFINITY,
		"INVALID_ESTIMATE",
		kind === "mean" ? "metric.variancePerUnit" : "metric.logVariancePerUnit",
		variance,
		"a finite number > 0",
	);
}
