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
		const message: NotEstimable = outcome.kind === "waiting" ? notEstimable("too-few-units", outcome.message) : outcome;
		const fewUnits = message.reason === "too-few-units" || message.reason === "no-observations";
		return {
			...pair,
			absoluteEffect: message,
			relativeEffect: message,
			pValue: null,
			look: null,
			conclusion: outcome.kind === "waiting" ? "waiting" : fewUnits ? "too-few" : "undecided",
			adjustment: null,
		};
	}
	const { absoluteEffect, relativeEffect, shown, pValue, look, adjustment } = outcome;
	return {
		...pair,
		absoluteEffect: shownEffect(absoluteEffect),
		relativeEffect: shownEffect(relativeEffect),
		pValue,
		look,
		conclusion: shown === 0 ? "undecided" : shown === wantedSign(metric) ? "better" : "worse",
		adjustment,
	};
}

export function shownEffect(found: EffectEstimate | NotEstimable): MetricComparison["relativeEffect"] {
	return found.kind === "estimated"
		? { kind: "estimated", value: found.value, lower: found.lower, upper: found.upper }
		: found;
}
