import type { ExperimentResults } from "@armspan/schema";
import { sequentialSampleRatioMismatch } from "@armspan/stats";

/** Error rate of the alarm over all looks together. */
const ALPHA = 0.001;

/** Whether the units of the variants follow their weights; may be looked at as often as one likes. */
export function sampleRatioMismatchResult(
	variants: ExperimentResults["variants"],
): ExperimentResults["sampleRatioMismatch"] {
	const result = sequentialSampleRatioMismatch(
		Object.fromEntries(variants.map(({ key, units }) => [key, units])),
		Object.fromEntries(variants.map(({ key, weight }) => [key, weight])),
	);
	return result.kind === "estimated"
		? { kind: "estimated", pValue: result.pValue, mismatch: result.pValue <= ALPHA }
		: { kind: "not-estimable", reason: result.reason, message: result.message };
}
