import type { Experiment, SegmentComparison, SegmentResult } from "@armspan/schema";
import { DEFAULT_MISMATCH_THRESHOLD, holm, sequentialSampleRatioMismatch } from "@armspan/stats";
import type { SegmentTotals } from "@armspan/store";
import { estimate } from "./compare-metric.ts";
import { comparePair } from "./compare-pair.ts";
import { type Evidence, overallEvidence, ratioSums } from "./evidence.ts";
import type { ExperimentMetric } from "./experiment-metrics.ts";
import { type Pair, pairsOfTreatments, treatmentPairs, wantedSign } from "./pair.ts";
import { shownComparison } from "./shown-comparison.ts";

/** Share of the planned units around which a segment's intervals are narrowest: before the data nobody knows its size. */
const TUNED_SHARE = 0.25;

/** What the parts of a segment have in common. */
interface Part {
	readonly totals: SegmentTotals;
	readonly evidence: Evidence;
}

type SampleRatio = SegmentResult["sampleRatioMismatch"];

/**
 * Every metric in every part of the units by the experiment's segments, and whether the parts follow the weights.
 *
 * Intervals hold at every look, whatever the experiment's inference, each for itself at its alpha. A conclusion is drawn
 * from p-values adjusted over all comparisons of the metric, since with many parts some differ by chance.
 */
export function compareSegments(
	totals: readonly SegmentTotals[],
	metrics: readonly ExperimentMetric[],
	experiment: Experiment,
	pairwise = false,
): SegmentResult[] {
	const keys = experiment.variants.map(({ key }) => key);
	const ofVariants = <Value>(value: (key: string) => Value) => Object.fromEntries(keys.map((key) => [key, value(key)]));
	const parts = totals.map((one): Part => ({ totals: one, evidence: overallEvidence(one) }));
	const units = parts.map(({ evidence }) => ofVariants((key) => evidence.get(key)?.units ?? 0));
	const sampleRatios = sampleRatioMismatches(units, experiment);
	const pairs = [...treatmentPairs(experiment), ...(pairwise ? pairsOfTreatments(experiment) : [])].map((pair) => ({
		...pair,
		plannedUnits: pair.plannedUnits * TUNED_SHARE,
	}));
	const compared = metrics.map(({ metric }) => comparisonsOf(metric, parts, pairs, experiment));
	return parts.map(({ totals: { segment, kind, value }, evidence }, part) => ({
		...{ segment, kind, value: kind === "value" ? value : null },
		units: units[part] ?? {},
		sampleRatioMismatch: sampleRatios[part] as SampleRatio,
		metrics: metrics.map(({ metric }, index) => ({
			metric: metric.key,
			estimates: ofVariants((key) => estimate(metric, key, evidence)),
			observations: ofVariants((key) => Number(ratioSums(evidence, key, metric).sumN)),
			comparisons: compared[index]?.[part] ?? [],
		})),
	}));
}

/** By part, the comparisons of one metric, whose p-values are adjusted for each other. */
function comparisonsOf(
	metric: ExperimentMetric["metric"],
	parts: readonly Part[],
	pairs: readonly Pair[],
	experiment: Experiment,
): SegmentComparison[][] {
	const design = { ...experiment, inference: "always-valid" } as const;
	const shown = parts.map(({ evidence }) =>
		pairs.map((pair) =>
			shownComparison(pair, comparePair(metric, pair, { now: evidence, looks: [] }, design), metric, design),
		),
	);
	const adjusted = adjust(shown.flat().map(({ pValue }) => pValue));
	return shown.map((ofPart, part) =>
		ofPart.map((comparison, pair): SegmentComparison => {
			const adjustedPValue = adjusted[part * pairs.length + pair] ?? null;
			const { absoluteEffect: effect, conclusion } = comparison;
			const isShown = adjustedPValue !== null && adjustedPValue <= experiment.alpha && effect.kind === "estimated";
			return {
				...comparison,
				adjustedPValue,
				conclusion: isShown
					? Math.sign(effect.value) === wantedSign(metric)
						? "better"
						: "worse"
					: conclusion === "too-few"
						? "too-few"
						: "undecided",
			};
		}),
	);
}

/** Whether the units of each part follow the weights, at every look; adjusted for the number of parts. */
function sampleRatioMismatches(
	units: readonly Readonly<Record<string, number>>[],
	{ variants }: Experiment,
): SampleRatio[] {
	const weights = Object.fromEntries(variants.map(({ key, weight }) => [key, weight]));
	const found = units.map((ofPart) => sequentialSampleRatioMismatch(ofPart, weights));
	const adjusted = adjust(found.map((one) => (one.kind === "estimated" ? one.pValue : null)));
	return found.map((one, index): SampleRatio => {
		const adjustedPValue = adjusted[index] ?? null;
		if (one.kind === "not-estimable") return one;
		if (adjustedPValue === null) throw new TypeError("every p-value is adjusted");
		return {
			...{ kind: "estimated", pValue: one.pValue, adjustedPValue },
			mismatch: adjustedPValue <= DEFAULT_MISMATCH_THRESHOLD,
		};
	});
}

/** Holm over those that are there. */
function adjust(pValues: readonly (number | null)[]): (number | null)[] {
	const adjusted = holm(pValues.filter((pValue) => pValue !== null))[Symbol.iterator]();
	return pValues.map((pValue) => (pValue === null ? null : (adjusted.next().value ?? null)));
}
