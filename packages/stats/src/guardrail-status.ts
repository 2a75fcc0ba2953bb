import type { NotEstimable } from "./not-estimable.ts";
import { requireAlpha, requireLogEValue, requirePValues } from "./stats-error.ts";

/** What is known of one guardrail. Harm and harmlessness are two claims, each with evidence of its own. */
export interface GuardrailEvidence {
	/** e-value for "worse than tolerated", and what it must reach; ln(guardrails/α) by `guardrailHalts`. */
	readonly harm:
		| { readonly kind: "estimated"; readonly logEValue: number; readonly logThreshold: number }
		| NotEstimable;
	/** p-value for "not worse than tolerated". */
	readonly nonInferiority: { readonly kind: "estimated"; readonly pValue: number } | NotEstimable;
	/** A breach of a `notify` guardrail halts nothing, but nothing ships over it. @default "halt" */
	readonly onBreach?: "halt" | "notify";
}

/**
 * `passing` and `breached` are both shown by data. `inconclusive`: measured, neither is shown yet. `unmeasured`: nothing
 * could be estimated, which is not good news.
 */
export type GuardrailStatus = "passing" | "breached" | "inconclusive" | "unmeasured";

/**
 * Which of four things may be said of a guardrail. "No harm found" is never `passing`.
 *
 * @param alpha level at which non-inferiority has to be shown, in (0, 1)
 * @throws {StatsError} INVALID_ALPHA, INVALID_STATISTIC, INVALID_P_VALUE
 */
export function guardrailStatus({ harm, nonInferiority }: GuardrailEvidence, alpha: number): GuardrailStatus {
	requireAlpha(alpha);
	if (harm.kind === "estimated") {
		requireLogEValue(harm.logEValue, "harm.logEValue");
		requireLogEValue(harm.logThreshold, "harm.logThreshold");
	}
	if (nonInferiority.kind === "estimated") requirePValues([nonInferiority.pValue]);
	if (harm.kind === "estimated" && harm.logEValue >= harm.logThreshold) return "breached";
	if (nonInferiority.kind === "estimated" && nonInferiority.pValue < alpha) return "passing";
	return harm.kind === "estimated" || nonInferiority.kind === "estimated" ? "inconclusive" : "unmeasured";
}
