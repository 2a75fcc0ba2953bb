import type {
	CacheAdjustedComparison,
	ExperimentResults,
	MetricComparison,
	MetricResult,
	SegmentComparison,
	SegmentResult,
} from "@armspan/schema";
import { csv } from "./text-table.ts";

const COLUMNS = [
	...[
		"experiment",
		"iteration",
		"metric",
		"role",
		"unit",
		"direction",
		"variant",
		"stratum",
		"day",
		"units",
		"observations",
	],
	...[
		"estimate",
		"standard_error",
		"not_estimable",
		"against",
		"basis",
		"absolute_effect",
		"absolute_lower",
		"absolute_upper",
	],
	...["relative_effect", "relative_lower", "relative_upper", "p_value", "conclusion", "difference_standard_error"],
	...["segment", "segment_kind", "segment_value", "adjusted_p_value", "sample_ratio_p_value"],
	...["look", "look_units", "look_evidence_until", "alpha"],
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], string | number | null>>;

/**
 * One row for each metric, arm and stratum: `overall`, a day of first exposure, or a part of a segment; and one, of
 * stratum `pair`, for each pair of treatments that was compared. An empty cell is not estimable, or unbounded.
 * `alpha` is the error rate of the row's interval alone: shared among treatments, or among pairs of treatments, not
 * between these two and not among metrics. Where `look` is filled, effects, p-value and conclusion are of that planned look's units, not of `units` and `estimate`.
 */
export function resultsCsv(results: ExperimentResults): string {
	const { experiment, iteration } = results;
	const rows = results.metrics.flatMap((metric) => [
		...results.variants.map(({ key }) => overall(metric, key)),
		...metric.pairwise.map((pair) => ofPair(metric, pair)),
		...metric.cacheAdjusted.map((adjusted) => cacheAdjusted(metric, adjusted)),
		...results.segments.flatMap((segment) => ofSegment(metric, segment, results)),
		...metric.trend.flatMap((day) => results.variants.map(({ key }) => ofDay(metric, day, key))),
	]);
	return csv([
		COLUMNS,
		...rows.map((row) => COLUMNS.map((column) => ({ experiment, iteration, ...row })[column] ?? null)),
	]);
}

function overall(result: MetricResult, variant: string): Row {
	const comparison = result.comparisons.find((one) => one.variant === variant);
	return {
		...{ ...describe(result), variant, stratum: "overall" },
		...{ units: result.units[variant] ?? 0, observations: result.observations[variant] ?? 0 },
		...estimated(result.estimates[variant]),
		...(comparison === undefined ? {} : effects(comparison)),
	};
}

function ofPair(result: MetricResult, pair: MetricComparison): Row {
	const { variant } = pair;
	return {
		...{ ...describe(result), variant, stratum: "pair" },
		...{ units: result.units[variant] ?? 0, observations: result.observations[variant] ?? 0 },
		...estimated(result.estimates[variant]),
		...effects(pair),
	};
}

function cacheAdjusted(result: MetricResult, comparison: CacheAdjustedComparison): Row {
	const { variant, against, absoluteEffect } = comparison;
	return {
		...{ ...describe(result), variant, against, stratum: "cache-adjusted", basis: "always-valid" },
		...{ units: result.units[variant] ?? 0, observations: result.observations[variant] ?? 0 },
		...(absoluteEffect.kind === "estimated" ? {} : { not_estimable: absoluteEffect.reason }),
		...bounds(comparison),
	};
}

/** A row for each arm, which a treatment's comparison with control stands in, and one for each further pair. */
function ofSegment(
	result: MetricResult,
	{ segment, kind, value, units, metrics, sampleRatioMismatch: ratio }: SegmentResult,
	{ variants }: ExperimentResults,
): Row[] {
	const found = metrics.find(({ metric }) => metric === result.metric);
	if (found === undefined) return [];
	const control = variants[0]?.key;
	const row = (variant: string, comparison: SegmentComparison | undefined): Row => ({
		...{ ...describe(result), variant, stratum: comparison?.against === control ? "segment" : "segment-pair" },
		...{ segment, segment_kind: kind, segment_value: value },
		...{ units: units[variant] ?? 0, observations: found.observations[variant] ?? 0 },
		...estimated(found.estimates[variant]),
		...(comparison === undefined
			? { stratum: "segment" }
			: { ...effects(comparison), adjusted_p_value: comparison.adjustedPValue }),
		...(ratio.kind === "estimated" ? { sample_ratio_p_value: ratio.adjustedPValue } : {}),
	});
	return [
		...variants.map(({ key }) =>
			row(
				key,
				found.comparisons.find((one) => one.variant === key && one.against === control),
			),
		),
		...found.comparisons.filter(({ against }) => against !== control).map((pair) => row(pair.variant, pair)),
	];
}

function ofDay(
	result: MetricResult,
	{ day, units, estimates, differences }: MetricResult["trend"][number],
	variant: string,
): Row {
	const difference = differences[variant];
	return {
		...{ ...describe(result), variant, stratum: "day", day, units: units[variant] ?? 0 },
		...estimated(estimates[variant]),
		...(difference?.kind === "estimated"
			? { absolute_effect: difference.value, difference_standard_error: difference.standardError }
			: {}),
	};
}

function describe({ metric, role, unit, direction }: MetricResult): Row {
	return { metric, role, unit, direction };
}

function estimated(estimate: MetricResult["estimates"][string] | undefined): Row {
	if (estimate === undefined) return {};
	return estimate.kind === "estimated"
		? { estimate: estimate.value, standard_error: estimate.standardError }
		: { not_estimable: estimate.reason };
}

function effects(comparison: MetricComparison): Row {
	const { against, basis, alpha, pValue, conclusion, look } = comparison;
	const at =
		look === null ? {} : { look: look.number, look_units: look.units, look_evidence_until: look.evidenceUntil };
	return { ...{ against, basis, alpha, p_value: pValue, conclusion }, ...at, ...bounds(comparison) };
}

function bounds({ absoluteEffect, relativeEffect }: Pick<MetricComparison, "absoluteEffect" | "relativeEffect">): Row {
	return {
		...(absoluteEffect.kind === "estimated"
			? {
					absolute_effect: absoluteEffect.value,
					absolute_lower: absoluteEffect.lower,
					absolute_upper: absoluteEffect.upper,
				}
			: {}),
		...(relativeEffect.kind === "estimated"
			? {
					relative_effect: relativeEffect.value,
					relative_lower: relativeEffect.lower,
					relative_upper: relativeEffect.upper,
				}
			: {}),
	};
}
