import {
	BUILT_IN_METRICS,
	type Experiment,
	findMetric,
	type MetricDefinition,
	type MetricResult,
} from "@armspan/schema";
import { AnalysisError } from "./analysis-error.ts";

/** A metric with what it is for in the experiment. */
export interface ExperimentMetric {
	readonly metric: MetricDefinition;
	readonly role: MetricResult["role"];
}

/**
 * Each metric that the experiment names, once, in the role that matters most.
 *
 * @throws {AnalysisError} UNKNOWN_METRIC
 */
export function experimentMetrics(experiment: Experiment): ExperimentMetric[] {
	const roles = new Map<string, MetricResult["role"]>([[experiment.primaryMetric.metric, "primary"]]);
	const add = (key: string, role: MetricResult["role"]) => {
		if (!roles.has(key)) roles.set(key, role);
	};
	for (const { metric } of experiment.guardrails) add(metric, "guardrail");
	for (const metric of experiment.secondaryMetrics) add(metric, "secondary");
	return [...roles].map(([key, role]) => ({ metric: metricOf(experiment, key), role }));
}

/** @throws {AnalysisError} UNKNOWN_METRIC */
export function metricOf({ metrics }: Pick<Experiment, "metrics">, key: string): MetricDefinition {
	const found = findMetric(metrics, key);
	if (found === undefined) {
		const known = [...new Set([...BUILT_IN_METRICS.keys(), ...metrics.map((metric) => metric.key)])].sort();
		throw new AnalysisError("UNKNOWN_METRIC", `unknown metric "${key}"; expected one of ${known.join(", ")}`, {
			metric: key,
			known,
		});
	}
	return found;
}
