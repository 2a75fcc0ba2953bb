import type { Experiment, MetricComparison } from "@armspan/schema";
import { type EffectEstimate, type NotEstimable, notEstimable } from "@armspan/stats";
import type { PairOutcome } from "./compare-pair.ts";
import type { ExperimentMetric } from "./experiment-metrics.ts";
import { type Pair, wantedSign } from "./pair.ts";

/** A comparison as the API shows it. */
export function shownComparison(
	{ variant, against, alpha }: Pair,
	outcome: PairOutcome,
	metric: ExperimentMetric["metric"],
	{ inference }: Experiment,
): MetricComparison {
	const pair = { variant, against, alpha, basis: inference };
	if (outcome.kind !== "estimated") {
		const { reason, message: text } =
			outcome.kind === "waiting" ? { ...outcome, reason: "too-few-units" as const } : outcome;
		const message: NotEstimable = notEstimable(reason, text);
		const looks = outcome.kind === "waiting" ? [] : [...(outcome.looks ?? [])];
		const fewUnits = message.reason === "too-few-units" || message.reason === "no-observations";
		return {
			...pair,
			absoluteEffect: message,
			relativeEffect: message,
			pValue: null,
			look: null,
			looks,
			conclusion: outcome.kind === "waiting" ? "waiting" : fewUnits ? "too-few" : "undecided",
			adjustment: null,
		};
	}
	const { absoluteEffect, relativeEffect, shown, pValue, look, looks, adjustment } = outcome;
	return {
		...pair,
		absoluteEffect: shownEffect(absoluteEffect),
		relativeEffect: shownEffect(relativeEffect),
		pValue,
		look,
		looks: [...looks],
		conclusion: shown === 0 ? "undecided" : shown === wantedSign(metric) ? "better" : "worse",
		adjustment,
	};
}

export function shownEffect(found: EffectEstimate | NotEstimable): MetricComparison["relativeEffect"] {
	return found.kind === "estimated"
		? { kind: "estimated", value: found.value, lower: found.lower, upper: found.upper }
		: found;
}
