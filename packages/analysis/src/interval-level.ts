import type { ExperimentResults } from "@armspan/schema";

/**
 * Confidence level of the intervals in results: alpha is divided among treatments, and a hybrid spends half of it while
 * it is watched and half at its end.
 */
export function intervalLevel({
	alpha,
	inference,
	variants,
}: Pick<ExperimentResults, "alpha" | "inference"> & { readonly variants: readonly unknown[] }): number {
	const ofTreatment = alpha / (variants.length - 1);
	return 1 - (inference === "hybrid" ? ofTreatment / 2 : ofTreatment);
}
