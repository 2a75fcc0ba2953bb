import { type Experiment, METRICS } from "@armspan/schema";
import type { VerdictEvidence } from "@armspan/stats";
import { adjustedPValues, type PValue } from "./adjusted-p-values.ts";
import type { ComparedMetric } from "./compare-metric.ts";

/**
 * What is shown of the primary metric of a treatment: p-values of "better" and of "worse" that hold at every look, each
 * adjusted for the number of treatments.
 */
export function primaryEvidence(
	{ primaryMetric: { metric }, alpha }: Experiment,
	compared: readonly ComparedMetric[],
): (treatment: string) => VerdictEvidence["primary"] {
	const primary = compared.find(({ result }) => result.metric === metric);
	if (primary === undefined) {
		throw new TypeError(`${metric} was not compared`);
	}
	const { comparisons } = primary;
	const wanted = METRICS[metric].direction === "increase" ? 1 : -1;
	const better = adjustedPValues(claims(comparisons, wanted), alpha);
	const worse = adjustedPValues(claims(comparisons, -wanted), alpha);
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
	return new Map(
		[...comparisons].map(([treatment, comparison]) => [
			treatment,
			comparison.kind === "estimated"
				? { kind: "estimated", pValue: comparison.absoluteEffect.value * sign > 0 ? comparison.pValue : 1 }
				: comparison,
		]),
	);
}
