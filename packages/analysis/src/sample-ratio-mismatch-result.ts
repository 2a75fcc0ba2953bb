import type { ExperimentResults } from "@armspan/schema";
import { DEFAULT_MISMATCH_THRESHOLD, sequentialSampleRatioMismatch, type VerdictEvidence } from "@armspan/stats";

/** Whether the units of the variants follow their weights; may be looked at as often as one likes. */
export function sampleRatioMismatchResult(
	variants: readonly Pick<ExperimentResults["variants"][number], "key" | "units" | "weight">[],
): VerdictEvidence["sampleRatio"] {
	const result = sequentialSampleRatioMismatch(
		Object.fromEntries(variants.map(({ key, units }) => [key, units])),
		Object.fromEntries(variants.map(({ key, weight }) => [key, weight])),
	);
	return result.kind === "estimated"
		? { kind: "estimated", pValue: result.pValue, mismatch: result.pValue <= DEFAULT_MISMATCH_THRESHOLD }
		: result;
}
