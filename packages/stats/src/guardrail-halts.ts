import type { NotEstimable } from "./not-estimable.ts";
import { requireAlpha, requireArgument, requireLogEValue } from "./stats-error.ts";

export interface GuardrailHalts {
	/** What a guardrail's logEValue must reach: ln(guardrails / alpha). */
	readonly logThreshold: number;
	/** alpha / guardrails: the level of a one-sided bound or p-value of one guardrail. */
	readonly alphaPerGuardrail: number;
	/** Guardrails with evidence of harm. */
	readonly breached: readonly string[];
	/** Guardrails that say nothing, which is not good news. */
	readonly unmeasured: readonly string[];
}

/**
 * Which of several guardrails halt, alpha split evenly over all of them (Bonferroni): a harmless treatment is halted by
 * any of them, at any look, with probability at most alpha if the e-values are always valid.
 *
 * @param guardrails natural logarithm of the e-value for harm, per guardrail and arm, or why there is none
 * @throws {StatsError} INVALID_ALPHA, INVALID_STATISTIC, INVALID_COUNT without a guardrail
 */
export function guardrailHalts(
	guardrails: Readonly<Record<string, { readonly kind: "estimated"; readonly logEValue: number } | NotEstimable>>,
	alpha: number,
): GuardrailHalts {
	requireAlpha(alpha);
	const named = Object.entries(guardrails);
	requireArgument(named.length > 0, "INVALID_COUNT", "guardrails", named.length, "at least one guardrail");
	const logThreshold = Math.log(named.length) - Math.log(alpha);
	const breached: string[] = [];
	const unmeasured: string[] = [];
	for (const [key, guardrail] of named) {
		if (guardrail.kind === "not-estimable") {
			unmeasured.push(key);
			continue;
		}
		requireLogEValue(guardrail.logEValue, `guardrails.${key}`);
		if (guardrail.logEValue >= logThreshold) breached.push(key);
	}
	return { logThreshold, alphaPerGuardrail: alpha / named.length, breached, unmeasured };
}
