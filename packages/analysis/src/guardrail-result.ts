import type { GuardrailResult, MetricResult } from "@armspan/schema";
import type { GuardrailCheck } from "./guardrail-check.ts";
import { startedAt } from "./guardrail-decision.ts";

/**
 * State of a guardrail in one of four words. `passing` is evidence too: the always-valid interval of the
 * relative effect lies below the margin. The absence of a breach alone is `inconclusive`, and the absence
 * of data is `unmeasured`.
 */
export function guardrailResult(check: GuardrailCheck, metric: MetricResult): GuardrailResult {
	const { guardrail, variant } = check;
	const margin = guardrail.nonInferiorityMargin;
	const base = { metric: guardrail.metric, variant, nonInferiorityMargin: margin };
	if (!check.measured) {
		return {
			...base,
			status: "unmeasured",
			logEValue: null,
			logThreshold: null,
			message: "no call in one of the arms yet",
		};
	}
	const evidence = { logEValue: finite(check.logEValue), logThreshold: check.logThreshold };
	const { treatment, control } = check.violations;
	if (check.breached) {
		return {
			...base,
			...evidence,
			status: "breached",
			message: `since ${startedAt(check)}: ${treatment} units of ${variant} with a failed call, ${control} of control`,
		};
	}
	const relative = metric.comparisons.find((comparison) => comparison.variant === variant)?.relativeEffect;
	if (relative?.kind === "estimated" && relative.upper !== null && relative.upper < margin) {
		return {
			...base,
			...evidence,
			status: "passing",
			message: `an increase above ${percent(margin)} is ruled out (at most ${percent(relative.upper)})`,
		};
	}
	return {
		...base,
		...evidence,
		status: "inconclusive",
		message: `no breach, but an increase above ${percent(margin)} is not ruled out`,
	};
}

function percent(share: number): string {
	return `${Math.round(share * 1000) / 10} %`;
}

/** JSON has no −Infinity; no evidence at all is `null`. */
function finite(value: number): number | null {
	return Number.isFinite(value) ? value : null;
}
