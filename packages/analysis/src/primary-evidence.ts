import type { Experiment } from "@armspan/schema";
import { notEstimable, type VerdictEvidence } from "@armspan/stats";
import { adjustedPValues, type PValue } from "./adjusted-p-values.ts";
import type { ComparedMetric } from "./compare-metric.ts";
import type { PairComparison, PairOutcome } from "./compare-pair.ts";
import { metricOf } from "./experiment-metrics.ts";
import { wantedSign } from "./pair.ts";

/**
 * What is shown of the primary metric of a treatment: p-values of "better" and of "worse", valid as the experiment's
 * inference is, each adjusted for the number of treatments.
 */
export function primaryEvidence(
	experiment: Experiment,
	compared: readonly ComparedMetric[],
): (treatment: string) => VerdictEvidence["primary"] {
	const { metric } = experiment.primaryMetric;
	const primary = compared.find(({ result }) => result.metric === metric);
	if (primary === undefined) {
		throw new TypeError(`${metric} was not compared`);
	}
	const { comparisons } = primary;
	const wanted = wantedSign(metricOf(experiment, metric));
	const better = adjustedPValues(claims(comparisons, wanted), experiment.alpha);
	const worse = adjustedPValues(claims(comparisons, -wanted), experiment.alpha);
	return (treatment) => {
		const [betterPValue, worsePValue] = [better.get(treatment), worse.get(treatment)];
		if (betterPValue === undefined || worsePValue === undefined) {
			throw new TypeError(`${treatment} was not compared`);
		}
		if (betterPValue.kind === "not-estimable") return betterPValue;
		if (worsePValue.kind === "not-estimable") return worsePValue;
		return { kind: "estimated", betterPValue: betterPValue.pValue, worsePValue: worsePValue.pValue };
	};
}

/** The claim that the effect has this sign: the two-sided p-value where it has, no evidence where it has not. */
function claims(comparisons: ComparedMetric["comparisons"], sign: number): Map<string, PValue> {
	const evidence = (comparison: PairOutcome): PValue => {
		if (comparison.kind === "not-estimable") return notEstimable(comparison.reason, comparison.message);
		return comparison.kind === "waiting"
			? notEstimable("too-few-units", comparison.message)
			: { kind: "estimated", pValue: claim(comparison, sign) };
	};
	return new Map([...comparisons].map(([treatment, comparison]) => [treatment, evidence(comparison)]));
}

function claim({ pValue, absoluteEffect }: PairComparison, sign: number): number {
	return absoluteEffect.kind === "estimated" && absoluteEffect.value * sign > 0 ? pValue : 1;
}
