import type { GuardrailResult } from "@armspan/schema";
import { type GuardrailStatus, guardrailStatus } from "@armspan/stats";
import { startedAt } from "./guardrail-decision.ts";
import type { GuardrailFinding } from "./guardrail-findings.ts";

/** A guardrail as the API shows it: one of four states, and the numbers behind it. */
export function guardrailResult({ check, evidence }: GuardrailFinding, alpha: number): GuardrailResult {
	const { harm, nonInferiority } = evidence;
	const status = guardrailStatus(evidence, alpha);
	return {
		metric: check.guardrail.metric,
		variant: check.variant,
		nonInferiorityMargin: check.guardrail.nonInferiorityMargin,
		status,
		nonInferiorityPValue: nonInferiority.kind === "estimated" ? nonInferiority.pValue : null,
		// JSON has no −Infinity; no evidence at all is `null`.
		logEValue: harm.kind === "estimated" && Number.isFinite(harm.logEValue) ? harm.logEValue : null,
		logThreshold: harm.kind === "estimated" ? harm.logThreshold : null,
		message: message(status, check, evidence),
	};
}

function message(
	status: GuardrailStatus,
	check: GuardrailFinding["check"],
	{ nonInferiority }: GuardrailFinding["evidence"],
): string {
	const margin = `${Math.round(check.guardrail.nonInferiorityMargin * 1000) / 10} %`;
	switch (status) {
		case "breached":
			return `since ${startedAt(check)}: ${check.violations.treatment} units of ${check.variant} with a failed call, ${check.violations.control} of control`;
		case "passing":
			return `an increase above ${margin} is ruled out${pValueText(nonInferiority)}`;
		case "inconclusive":
			return `no breach, but an increase above ${margin} is not ruled out${pValueText(nonInferiority)}`;
		case "unmeasured":
			return "no call in one of the arms yet";
	}
}

function pValueText(nonInferiority: GuardrailFinding["evidence"]["nonInferiority"]): string {
	return nonInferiority.kind === "estimated"
		? ` (p = ${nonInferiority.pValue.toPrecision(2)})`
		: ` (${nonInferiority.message})`;
}
