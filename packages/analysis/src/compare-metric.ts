import { type Experiment, METRICS, type MetricComparison, type MetricKey, type MetricResult } from "@armspan/schema";
import { compareRatios, type NotEstimable, type RatioComparison, ratioEstimate } from "@armspan/stats";
import type { VariantTotals } from "@armspan/store";
import { armSums } from "./arm-sums.ts";
import { treatmentsOf, watchedPair } from "./watched-pair.ts";

/** One metric compared: as the API shows it, and as the verdict reads it. */
export interface ComparedMetric {
	readonly result: MetricResult;
	/** By treatment. */
	readonly comparisons: ReadonlyMap<string, RatioComparison | NotEstimable>;
}

/** Estimates of one metric in every variant, and each treatment compared with control at every-look validity. */
export function compareMetric(
	metric: MetricKey,
	role: MetricResult["role"],
	experiment: Experiment,
	totals: VariantTotals,
): ComparedMetric {
	const { direction, unit } = METRICS[metric];
	const treatments = treatmentsOf(experiment);
	const arms = experiment.variants.map(({ key }) => ({ key, ...armSums(totals, key, metric) }));
	const comparisons = new Map(
		treatments.map((treatment) => [
			treatment.key,
			compareRatios({
				...watchedPair(experiment, treatment, metric, totals),
				// Each treatment is a claim of its own.
				alpha: experiment.alpha / treatments.length,
			}),
		]),
	);
	return {
		comparisons,
		result: {
			metric,
			role,
			direction,
			unit,
			estimates: Object.fromEntries(
				arms.map(({ key, sums, scale }) => {
					const estimate = ratioEstimate(sums, { scale });
					return [
						key,
						estimate.kind === "estimated"
							? { kind: "estimated", value: estimate.value, standardError: Math.sqrt(estimate.variance) }
							: estimate,
					];
				}),
			),
			observations: Object.fromEntries(arms.map(({ key, sums }) => [key, Number(sums.sumN)])),
			comparisons: [...comparisons].map(([variant, comparison]) => metricComparison(variant, direction, comparison)),
		},
	};
}

function metricComparison(
	variant: string,
	direction: MetricResult["direction"],
	comparison: RatioComparison | NotEstimable,
): MetricComparison {
	if (comparison.kind === "not-estimable") {
		return {
			variant,
			absoluteEffect: comparison,
			relativeEffect: comparison,
			pValue: null,
			conclusion:
				comparison.reason === "too-few-units" || comparison.reason === "no-observations" ? "too-few" : "undecided",
		};
	}
	const { lower, upper } = comparison.absoluteEffect;
	const sign = lower > 0 ? 1 : upper < 0 ? -1 : 0;
	const wanted = direction === "increase" ? 1 : -1;
	return {
		variant,
		absoluteEffect: effect(comparison.absoluteEffect),
		relativeEffect: effect(comparison.relativeEffect),
		pValue: comparison.pValue,
		conclusion: sign === 0 ? "undecided" : sign === wanted ? "better" : "worse",
	};
}

function effect(estimate: RatioComparison["relativeEffect"]): MetricComparison["relativeEffect"] {
	return estimate.kind === "estimated"
		? { kind: "estimated", value: estimate.value, lower: estimate.lower, upper: estimate.upper }
		: estimate;
}
