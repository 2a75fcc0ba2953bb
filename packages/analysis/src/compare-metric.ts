import {
	type Effect,
	type Experiment,
	METRICS,
	type MetricComparison,
	type MetricKey,
	type MetricResult,
} from "@armspan/schema";
import { compareRatios, type NotEstimable, type RatioSums, ratioEstimate } from "@armspan/stats";
import type { RatioMoments, VariantTotals } from "@armspan/store";

/** Estimates of one metric in every variant, and each treatment compared with control at every-look validity. */
export function compareMetric(
	metric: MetricKey,
	role: MetricResult["role"],
	experiment: Experiment,
	totals: VariantTotals,
): MetricResult {
	const moments = new Map(totals.variants.map((variant) => [variant.variant, variant.metrics[metric]]));
	const { direction, unit } = METRICS[metric];
	const [control, ...treatments] = experiment.variants;
	if (control === undefined) {
		throw new TypeError("an experiment has at least two variants");
	}
	const totalWeight = experiment.variants.reduce((sum, { weight }) => sum + weight, 0);
	return {
		metric,
		role,
		direction,
		unit,
		estimates: Object.fromEntries(experiment.variants.map(({ key }) => [key, variantEstimate(moments.get(key))])),
		observations: Object.fromEntries(experiment.variants.map(({ key }) => [key, Number(moments.get(key)?.sumN ?? 0n)])),
		comparisons: treatments.map((treatment) => {
			const smaller = Math.min(control.weight, treatment.weight);
			const comparison = compareRatios({
				control: sums(moments.get(control.key)),
				treatment: sums(moments.get(treatment.key)),
				// Each treatment is a claim of its own.
				alpha: experiment.alpha / treatments.length,
				// Planned for the experiment; this comparison sees the units of two arms.
				plannedUnits: (experiment.plannedUnits * (control.weight + treatment.weight)) / totalWeight,
				plannedShare: smaller / (control.weight + treatment.weight),
				scale: moments.get(control.key)?.scale ?? 1,
			});
			return metricComparison(treatment.key, direction, comparison);
		}),
	};
}

const NOTHING: RatioSums<bigint> = { units: 0n, sumY: 0n, sumN: 0n, sumYY: 0n, sumNN: 0n, sumYN: 0n };

function sums(moments: RatioMoments | undefined): RatioSums<bigint> {
	if (moments === undefined) {
		return NOTHING;
	}
	const { sumY, sumN, sumYY, sumNN, sumYN } = moments;
	return { units: BigInt(moments.units), sumY, sumN, sumYY, sumNN, sumYN };
}

function variantEstimate(moments: RatioMoments | undefined): MetricResult["estimates"][string] {
	const estimate = ratioEstimate(sums(moments), { scale: moments?.scale ?? 1 });
	return estimate.kind === "estimated"
		? { kind: "estimated", value: estimate.value, standardError: Math.sqrt(estimate.variance) }
		: notEstimable(estimate);
}

function metricComparison(
	variant: string,
	direction: MetricResult["direction"],
	comparison: ReturnType<typeof compareRatios>,
): MetricComparison {
	if (comparison.kind === "not-estimable") {
		return {
			variant,
			absoluteEffect: notEstimable(comparison),
			relativeEffect: notEstimable(comparison),
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

function effect(estimate: { kind: "estimated"; value: number; lower: number; upper: number } | NotEstimable): Effect {
	return estimate.kind === "estimated"
		? { kind: "estimated", value: estimate.value, lower: estimate.lower, upper: estimate.upper }
		: notEstimable(estimate);
}

function notEstimable({ kind, reason, message }: NotEstimable): {
	kind: "not-estimable";
	reason: string;
	message: string;
} {
	return { kind, reason, message };
}
