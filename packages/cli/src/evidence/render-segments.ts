import type { ExperimentResults, SegmentResult } from "@armspan/schema";
import { describeChange } from "../demo/render-results.ts";
import { textTable } from "./text-table.ts";

/** Parts of the units by one segment, or by all of them, one line a string; what each shows, and what it does not. */
export function renderSegments({ segments, metrics, variants }: ExperimentResults, only: string | true): string[] {
	const shown = segments.filter(({ segment }) => only === true || segment === only);
	const treatments = variants.slice(1).map(({ key }) => key);
	const units = new Map(metrics.map(({ metric, unit }) => [metric, unit]));
	const rows = shown.flatMap((part) =>
		part.metrics.flatMap(({ metric, comparisons }, index) =>
			comparisons.map((comparison, pair) => [
				...(index === 0 && pair === 0 ? [partName(part), sizes(part), sampleRatio(part)] : ["", "", ""]),
				metric,
				...(treatments.length > 1 ? [`${comparison.variant} against ${comparison.against}`] : []),
				comparison.conclusion === "too-few" ? "too few" : comparison.conclusion,
				comparison.adjustedPValue === null ? "" : comparison.adjustedPValue.toPrecision(2),
				comparison.conclusion === "too-few" ? "" : describeChange(comparison, units.get(metric) ?? "").trim(),
			]),
		),
	);
	const pair = treatments.length > 1 ? ["pair"] : [];
	return [
		...textTable([["segment", "units", "sample ratio", "metric", ...pair, "", "adjusted p", "change"], ...rows]),
		"",
		"Segments are exploratory: with many parts some differ by chance, so each is judged by a p-value that is adjusted",
		"over all of them (Holm), and no verdict looks at them. Intervals are always-valid, each for itself.",
	];
}

function partName({ segment, kind, value }: SegmentResult): string {
	return kind === "value" ? `${segment} = ${value}` : `${segment}: ${kind === "none" ? "not reported" : "all others"}`;
}

function sizes({ units }: SegmentResult): string {
	return Object.values(units).join(" / ");
}

function sampleRatio({ sampleRatioMismatch: found }: SegmentResult): string {
	if (found.kind === "not-estimable") return found.reason;
	return found.mismatch ? `MISMATCH (p ${found.adjustedPValue.toPrecision(2)})` : "no mismatch found";
}
