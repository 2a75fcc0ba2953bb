import { intervalLevel } from "@armspan/analysis";
import type { Effect, ExperimentResults, GuardrailResult, MetricComparison, MetricResult } from "@armspan/schema";
import type { Snapshot, SnapshotArm } from "@armspan/store";

type Look = Pick<Snapshot, "environment" | "lookAt" | "kind" | "keep" | "prompt" | "codeVersion">;

/** What the analysis said, metric by metric and arm by arm, as it is stored; nothing is computed anew. */
export function snapshotOfResults(results: ExperimentResults, look: Look): Snapshot {
	const { sampleRatioMismatch: ratio, newestCallAt } = results;
	return {
		...look,
		experiment: results.experiment,
		iteration: results.iteration,
		computedAt: new Date(results.computedAt),
		status: results.status,
		verdict: results.verdict.kind,
		inference: results.inference,
		excludedUnits: results.excludedUnits,
		immatureUnits: results.immatureUnits,
		sampleRatioPValue: ratio.kind === "estimated" ? ratio.pValue : null,
		sampleRatioMismatch: ratio.kind === "estimated" && ratio.mismatch,
		newestCallAt: newestCallAt === null ? null : new Date(newestCallAt),
		arms: results.metrics.flatMap((metric) => results.variants.map((variant) => snapshotArm(results, metric, variant))),
	};
}

function snapshotArm(
	results: ExperimentResults,
	metric: MetricResult,
	variant: ExperimentResults["variants"][number],
): SnapshotArm {
	const { key } = variant;
	const comparison = metric.comparisons.find((one) => one.variant === key);
	const estimate = metric.estimates[key];
	const treatment = results.verdict.treatments.find((one) => one.variant === key);
	return {
		metric: metric.metric,
		variant: key,
		arm: key === results.variants[0]?.key ? "control" : "treatment",
		promptVersion: variant.version,
		weight: variant.weight,
		armUnits: variant.units,
		armCalls: variant.calls,
		undeliveredCalls: variant.undeliveredCalls,
		quarantinedCalls: variant.quarantinedCalls,
		armVerdict: treatment?.kind ?? "",
		role: metric.role,
		direction: metric.direction,
		metricUnit: metric.unit,
		units: metric.units[key] ?? 0,
		observations: metric.observations[key] ?? 0,
		estimate: estimate?.kind === "estimated" ? estimate.value : null,
		standardError: estimate?.kind === "estimated" ? estimate.standardError : null,
		...compared(comparison, intervalLevel(results)),
		...guarded(results.guardrails.find((one) => one.metric === metric.metric && one.variant === key)),
	};
}

function compared(comparison: MetricComparison | undefined, level: number) {
	const absolute = bounds(comparison?.absoluteEffect);
	const relative = bounds(comparison?.relativeEffect);
	return {
		against: comparison?.against ?? "",
		effect: absolute.value,
		effectLower: absolute.lower,
		effectUpper: absolute.upper,
		relativeEffect: relative.value,
		relativeLower: relative.lower,
		relativeUpper: relative.upper,
		notEstimable: absolute.reason || relative.reason,
		level: absolute.value === null ? null : level,
		basis: comparison?.basis ?? "",
		pValue: comparison?.pValue ?? null,
		conclusion: comparison?.conclusion ?? "",
	};
}

function bounds(effect: Effect | undefined) {
	if (effect?.kind !== "estimated") {
		return { value: null, lower: null, upper: null, reason: effect?.reason ?? "" };
	}
	return { value: effect.value, lower: effect.lower, upper: effect.upper, reason: "" };
}

function guarded(guardrail: GuardrailResult | undefined) {
	return {
		guardrailStatus: guardrail?.status ?? "",
		guardrailOnBreach: guardrail?.onBreach ?? "",
		guardrailMargin: guardrail?.nonInferiorityMargin ?? null,
		guardrailLogEValue: guardrail?.logEValue ?? null,
		guardrailLogThreshold: guardrail?.logThreshold ?? null,
		nonInferiorityPValue: guardrail?.nonInferiorityPValue ?? null,
	};
}
