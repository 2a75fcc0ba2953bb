import {
	type Experiment,
	type MetricDay,
	type MetricResult,
	metricScale,
	metricUnit,
	type VariantEstimate,
} from "@armspan/schema";
import { designEffect, gridQuantileEstimate, notEstimable, ratioContrast, ratioEstimate } from "@armspan/stats";
import type { z } from "zod";
import { cacheAdjustments } from "./cache-adjustment.ts";
import { comparePair, type PairEvidence, type PairOutcome } from "./compare-pair.ts";
import { type Evidence, gridEvidence, ratioSums, sourceFailure } from "./evidence.ts";
import type { ExperimentMetric } from "./experiment-metrics.ts";
import { controlOf, type Pair, pairsOfTreatments, treatmentPairs } from "./pair.ts";
import { pairContrast } from "./pair-contrast.ts";
import { shownComparison } from "./shown-comparison.ts";

type Estimate = z.infer<typeof VariantEstimate>;

/** One metric compared: as the API shows it, and as the verdict reads it. */
export interface ComparedMetric {
	readonly result: MetricResult;
	/** By treatment. */
	readonly comparisons: ReadonlyMap<string, PairOutcome>;
}

export interface ComparedEvidence extends PairEvidence {
	/** By day of first exposure. */
	readonly days: ReadonlyMap<string, Evidence>;
}

/** Estimates of one metric in every variant, each treatment compared with control, and in pairs if asked for. */
export function compareMetric(
	{ metric, role }: ExperimentMetric,
	experiment: Experiment,
	evidence: ComparedEvidence,
	pairwise = false,
): ComparedMetric {
	const keys = experiment.variants.map(({ key }) => key);
	const compare = (pair: Pair) => [pair, comparePair(metric, pair, evidence, experiment)] as const;
	const compared = treatmentPairs(experiment).map(compare);
	const show = ([pair, outcome]: ReturnType<typeof compare>) => shownComparison(pair, outcome, metric, experiment);
	const ofVariants = <Value>(value: (key: string) => Value) => Object.fromEntries(keys.map((key) => [key, value(key)]));
	const adjusted = cacheAdjustments(metric, experiment, evidence.now);
	return {
		comparisons: new Map(compared.map(([{ variant }, outcome]) => [variant, outcome])),
		result: {
			metric: metric.key,
			role,
			direction: metric.direction,
			unit: metricUnit(metric),
			description: metric.description,
			kind: metric.kind,
			per: metric.per,
			estimates: ofVariants((key) => estimate(metric, key, evidence.now)),
			observations: ofVariants((key) => Number(ratioSums(evidence.now, key, metric).sumN)),
			units: ofVariants((key) => Number(ratioSums(evidence.now, key, metric).units)),
			designEffects: metric.per === "call" ? designEffects(metric, keys, evidence.now) : {},
			winsorized: winsorized(metric, keys, evidence.now),
			comparisons: compared.map(show),
			pairwise: pairwise ? pairsOfTreatments(experiment).map(compare).map(show) : [],
			cacheAdjusted: adjusted,
			trend: [...evidence.days].map(([day, ofDay]) => metricDay(metric, experiment, day, ofDay)),
			caveats: [
				...caveats(metric),
				...(role === "primary" ? [] : oneOfMany(experiment)),
				...(adjusted.length === 0 ? [] : [CACHE_ADJUSTED]),
				...compared.flatMap(([{ variant }, outcome]) => stoppedEarly(variant, outcome)),
			],
		},
	};
}

/** Value of a metric in one variant, with its standard error. */
export function estimate(metric: ExperimentMetric["metric"], variant: string, evidence: Evidence): Estimate {
	const failed = sourceFailure(evidence, metric);
	if (failed !== undefined) return failed;
	const found =
		metric.kind === "quantile"
			? gridQuantileEstimate(gridEvidence(evidence, variant, metric), metric.level ?? 0.5)
			: ratioEstimate(ratioSums(evidence, variant, metric), { scale: metricScale(metric) });
	return found.kind === "estimated"
		? { kind: "estimated", value: found.value, standardError: Math.sqrt(found.variance) }
		: found;
}

function designEffects(
	metric: ExperimentMetric["metric"],
	keys: readonly string[],
	evidence: Evidence,
): MetricResult["designEffects"] {
	const failed = sourceFailure(evidence, metric);
	return Object.fromEntries(
		keys.map((key) => {
			if (failed !== undefined) return [key, failed];
			const sums = ratioSums(evidence, key, metric);
			// Observations of 0 and 1 are their own squares.
			const squares = metric.kind === "proportion" ? sums.sumY : evidence.get(key)?.metrics[metric.key]?.sumOfSquares;
			if (metric.kind === "quantile") {
				const found = gridQuantileEstimate(gridEvidence(evidence, key, metric), metric.level ?? 0.5);
				const observationsPerUnit = Number(sums.sumN) / Number(sums.units);
				return [
					key,
					found.kind === "estimated"
						? { kind: "estimated" as const, value: found.designEffect, observationsPerUnit }
						: found,
				];
			}
			if (squares === undefined || squares === null) {
				return [key, notEstimable("no-observations", "No squares of single observations are known.")];
			}
			return [key, designEffect(sums, squares)];
		}),
	);
}

function winsorized(
	metric: ExperimentMetric["metric"],
	keys: readonly string[],
	evidence: Evidence,
): MetricResult["winsorized"] {
	if (metric.winsorCap === undefined) return null;
	const observed = keys.flatMap((key) => {
		const sums = evidence.get(key)?.metrics[metric.key];
		return sums?.winsorized && sums.sumN > 0n ? [{ key, sums, cut: sums.winsorized }] : [];
	});
	return {
		cap: metric.winsorCap,
		cappedShares: Object.fromEntries(
			observed.map(({ key, sums, cut }) => [key, Number(cut.cappedObservations) / Number(sums.sumN)]),
		),
		uncappedValues: Object.fromEntries(
			observed.map(({ key, sums, cut }) => [key, Number(cut.uncappedSum) / Number(sums.sumN) / sums.scale]),
		),
	};
}

function metricDay(
	metric: ExperimentMetric["metric"],
	experiment: Experiment,
	day: string,
	evidence: Evidence,
): MetricDay {
	const keys = experiment.variants.map(({ key }) => key);
	const { key: control } = controlOf(experiment);
	return {
		day,
		units: Object.fromEntries(keys.map((key) => [key, evidence.get(key)?.units ?? 0])),
		estimates: Object.fromEntries(keys.map((key) => [key, estimate(metric, key, evidence)])),
		differences: Object.fromEntries(
			keys.filter((key) => key !== control).map((key) => [key, difference(metric, control, key, evidence)]),
		),
	};
}

/** As it was observed: no covariate, no safeguard, from two units on. */
function difference(
	metric: ExperimentMetric["metric"],
	against: string,
	variant: string,
	evidence: Evidence,
): Estimate {
	const failed = sourceFailure(evidence, metric);
	if (failed !== undefined) return failed;
	if (metric.kind === "quantile") {
		const found = pairContrast(metric, { against, variant }, evidence, false);
		if (found.kind === "not-estimable") return found;
		const { absoluteEffect } = found.effects(1);
		return absoluteEffect.kind === "estimated"
			? { kind: "estimated", value: absoluteEffect.value, standardError: absoluteEffect.standardError }
			: absoluteEffect;
	}
	const [control, treatment] = [ratioSums(evidence, against, metric), ratioSums(evidence, variant, metric)];
	const found = ratioContrast(control, treatment, { scale: metricScale(metric) });
	return found.kind === "estimated"
		? { kind: "estimated", value: found.difference, standardError: Math.sqrt(found.variance) }
		: found;
}

const CACHE_ADJUSTED =
	"cacheAdjusted sets both arms to one share of cache hits. A hit comes after assignment: it is the prompt's effect only if the variant does not decide which calls are hits, and no verdict looks at it.";

/** A test stops where chance has helped, so what it stops at is too large on average. */
function stoppedEarly(variant: string, outcome: PairOutcome): string[] {
	if (outcome.kind !== "estimated" || outcome.shown === 0 || outcome.looks.length === 0) return [];
	const { look } = outcome;
	if (look === null || look.final) return [];
	return [
		`The effect of ${variant} was shown at look ${look.number} of ${look.of} and stays that of its ${look.units} units, of which its interval and p-value are too; the estimates of the variants are of all units by now. An effect at which a test stops early tends to be too large.`,
	];
}

/** With many metrics some differ by chance, and each interval knows of its own metric only. */
function oneOfMany({ primaryMetric, secondaryMetrics, guardrails, alpha }: Experiment): string[] {
	const others = new Set([...secondaryMetrics, ...guardrails.map(({ metric }) => metric)]);
	others.delete(primaryMetric.metric);
	const { size } = others;
	if (size < 2) return [];
	return [
		`One of ${size} metrics beside the primary one, each judged for itself at alpha ${alpha}, not adjusted for their number: if nothing differed at all, up to ${Number((size * alpha).toPrecision(2))} of them would be called better or worse on average. Better or worse here is a hint to test again, as the primary metric; it is no evidence to ship on.`,
	];
}

/** What a definition cannot help. */
function caveats({ source, kind, per, where, value }: ExperimentMetric["metric"]): string[] {
	const columns = where.map(({ column }) => column).filter((column) => column !== "name");
	return [
		...(columns.length === 0
			? []
			: [
					`Only rows selected by ${columns.join(", ")} count. A variant that changes which rows these are changes the metric by that alone.`,
				]),
		...(source !== "calls" && per === "call" && kind !== "quantile"
			? ["Only units that were evaluated or gave feedback count; see whether the arms' shares of them differ."]
			: []),
		...(source === "sql"
			? ["Read anew from your own tables at each look: rows that change later change it, even after a halt or the end."]
			: []),
		...(value === "cost" || value === "latency" || value === "time-to-first-chunk"
			? ["Depends on the provider's cache; see cache-hit-rate."]
			: []),
	];
}
