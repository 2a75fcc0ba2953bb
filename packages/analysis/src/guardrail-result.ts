import type { Experiment, GuardrailResult } from "@armspan/schema";
import { type GuardrailStatus, guardrailStatus } from "@armspan/stats";
import { metricOf } from "./experiment-metrics.ts";
import type { GuardrailFinding } from "./guardrail-findings.ts";

/** A guardrail as the API shows it: one of four states, and the numbers behind it. */
export function guardrailResult(finding: GuardrailFinding, experiment: Experiment): GuardrailResult {
	const { guardrail, variant, evidence } = finding;
	const { harm, nonInferiority } = evidence;
	const status = guardrailStatus(evidence, experiment.alpha);
	return {
		metric: guardrail.metric,
		variant,
		nonInferiorityMargin: guardrail.nonInferiorityMargin,
		onBreach: guardrail.onBreach,
		status,
		nonInferiorityPValue: nonInferiority.kind === "estimated" ? nonInferiority.pValue : null,
		// JSON has no −Infinity; no evidence at all is `null`.
		logEValue: harm.kind === "estimated" && Number.isFinite(harm.logEValue) ? harm.logEValue : null,
		logThreshold: harm.kind === "estimated" ? harm.logThreshold : null,
		message: message(status, finding, experiment),
	};
}

function message(
	status: GuardrailStatus,
	{ guardrail, evidence: { harm, nonInferiority }, harm: words }: GuardrailFinding,
	experiment: Experiment,
): string {
	const margin = `${Math.round(guardrail.nonInferiorityMargin * 1000) / 10} %`;
	const worse =
		metricOf(experiment, guardrail.metric).direction === "decrease" ? "an increase above" : "a decrease by more than";
	switch (status) {
		case "breached":
			return words;
		case "passing":
			return `${worse} ${margin} is ruled out${pValueText(nonInferiority)}`;
		case "inconclusive":
			return `no breach, but ${worse} ${margin} is not ruled out${pValueText(nonInferiority)}`;
		case "unmeasured":
			return harm.kind === "not-estimable" ? harm.message : "nothing was measured yet";
	}
}

function pValueText(nonInferiority: GuardrailFinding["evidence"]["nonInferiority"]): string {
	return nonInferiority.kind === "estimated"
		? ` (p = ${nonInferiority.pValue.toPrecision(2)})`
		: ` (${nonInferiority.message})`;
}
