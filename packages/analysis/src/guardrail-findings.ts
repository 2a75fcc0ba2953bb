import { type Experiment, type Guardrail, METRICS } from "@armspan/schema";
import { compareOneSided, type GuardrailEvidence, notEstimable } from "@armspan/stats";
import type { VariantTotals } from "@armspan/store";
import { adjustedPValues, type PValue } from "./adjusted-p-values.ts";
import type { GuardrailCheck } from "./guardrail-check.ts";
import { treatmentsOf, watchedPair } from "./watched-pair.ts";

/** One guardrail of one treatment, with what is known of its harm and of its harmlessness. */
export interface GuardrailFinding {
	readonly check: GuardrailCheck;
	readonly evidence: GuardrailEvidence;
}

/**
 * Harm and harmlessness are two claims. Harm is the check's e-process, which also sees a change that comes late;
 * non-inferiority is a one-sided comparison of everything since the start, adjusted for the number of treatments.
 */
export function guardrailFindings(
	checks: readonly GuardrailCheck[],
	experiment: Experiment,
	totals: VariantTotals,
): GuardrailFinding[] {
	const nonInferiority = new Map(
		experiment.guardrails.map((guardrail) => [guardrail.metric, nonInferiorityPValues(guardrail, experiment, totals)]),
	);
	return checks.map((check) => {
		const { metric, onBreach } = check.guardrail;
		const pValue = nonInferiority.get(metric)?.get(check.variant);
		if (pValue === undefined) {
			throw new TypeError(`${metric} of ${check.variant} is no guardrail of ${experiment.key}`);
		}
		return {
			check,
			evidence: {
				harm: check.measured
					? { kind: "estimated", logEValue: check.logEValue, logThreshold: check.logThreshold }
					: notEstimable("no-observations", "no call in one of the arms yet"),
				nonInferiority: pValue,
				onBreach,
			},
		};
	});
}

function nonInferiorityPValues(
	{ metric, nonInferiorityMargin }: Guardrail,
	experiment: Experiment,
	totals: VariantTotals,
): Map<string, PValue> {
	const treatments = treatmentsOf(experiment);
	const compared = treatments.map((treatment): [string, PValue] => {
		const comparison = compareOneSided({
			...watchedPair(experiment, treatment, metric, totals),
			alpha: experiment.alpha / treatments.length,
			margin: nonInferiorityMargin,
			marginScale: "relative",
			direction: METRICS[metric].direction,
		});
		return [
			treatment.key,
			comparison.kind === "estimated" ? { kind: "estimated", pValue: comparison.nonInferiorityPValue } : comparison,
		];
	});
	return adjustedPValues(new Map(compared), experiment.alpha);
}
