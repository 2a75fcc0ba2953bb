import type { Decision, Experiment, ExperimentResults, Verdict } from "@armspan/schema";

/** What the rules look at. */
export interface VerdictInputs {
	experiment: Experiment;
	status: ExperimentResults["status"];
	results: Pick<ExperimentResults, "variants" | "metrics" | "guardrails" | "sampleRatioMismatch" | "excludedUnits">;
	decisions: readonly Decision[];
	/** Treatments that applications still call although they were halted. */
	routedAfterHalt: readonly { variant: string; at: Date }[];
}

type Rule = (inputs: VerdictInputs) => Verdict | undefined;

/** Named rules, most important first; the first that has something to say says it. */
const RULES: readonly Rule[] = [halted, noData, sampleRatioMismatch, undelivered, tooFew, primaryWorse, primaryBetter];

/** Share of units in two variants above which assignment itself is in doubt. */
const EXCLUDED_SHARE_ALARM = 0.01;

/** Share of calls with another text than the variant's own above which its effects say nothing. */
const UNDELIVERED_SHARE_ALARM = 0.05;

/** What may be concluded now, in one word and one sentence. It never says more than the evidence. */
export function verdict(inputs: VerdictInputs): Verdict {
	for (const rule of RULES) {
		const found = rule(inputs);
		if (found !== undefined) {
			return found;
		}
	}
	return {
		kind: inputs.status === "stopped" ? "stopped" : "keep-running",
		sentence: `No difference in ${inputs.experiment.primaryMetric.metric} can be told yet. Looking is free: the interval holds at every look.`,
		reasons: guardrailReasons(inputs),
	};
}

function halted({ status, decisions, routedAfterHalt }: VerdictInputs): Verdict | undefined {
	if (status !== "halted") {
		return undefined;
	}
	const halt = decisions.find((decision) => decision.kind === "halt");
	return {
		kind: "halted",
		sentence: `${halt ? `Halted: ${halt.reason}.` : "Halted by a person."} ${
			routedAfterHalt.length === 0 ? "Everybody gets control." : "But an application still routes to treatment."
		}`,
		reasons: [
			...(halt ? [`decision ${halt.id} at ${halt.decidedAt}`] : []),
			...routedAfterHalt.map(
				({ variant, at }) =>
					`${variant} was called at ${at.toISOString()}, after the halt: an application does not follow this routing bundle`,
			),
		],
	};
}

function noData({ results }: VerdictInputs): Verdict | undefined {
	if (results.variants.some((variant) => variant.units > 0)) {
		return undefined;
	}
	return {
		kind: "no-data",
		sentence: "No enrolled call has arrived yet.",
		reasons: ["check that the application runs with @armspan/register and reads this routing bundle"],
	};
}

function sampleRatioMismatch({ results }: VerdictInputs): Verdict | undefined {
	const reasons: string[] = [];
	if (results.sampleRatioMismatch.kind === "estimated" && results.sampleRatioMismatch.mismatch) {
		reasons.push(
			`units per variant do not follow the weights (always-valid p = ${results.sampleRatioMismatch.pValue.toPrecision(2)})`,
		);
	}
	const units = results.variants.reduce((sum, variant) => sum + variant.units, 0) + results.excludedUnits;
	if (results.excludedUnits > EXCLUDED_SHARE_ALARM * units) {
		reasons.push(`${results.excludedUnits} of ${units} units were seen in two variants`);
	}
	return reasons.length === 0
		? undefined
		: { kind: "invalid", sentence: "Assignment is broken: no effect here can be trusted.", reasons };
}

/** An arm that mostly got another text than its own cannot be blamed or praised for it. */
function undelivered({ results }: VerdictInputs): Verdict | undefined {
	const shares = results.variants.map(({ key, calls, undeliveredCalls }) => ({
		key,
		share: calls === 0 ? 0 : undeliveredCalls / calls,
	}));
	if (shares.every(({ share }) => share <= UNDELIVERED_SHARE_ALARM)) {
		return undefined;
	}
	return {
		kind: "invalid",
		sentence: "A variant's prompt did not reach the model, so no effect here is the prompt's.",
		reasons: shares
			.filter(({ share }) => share > 0)
			.map(
				({ key, share }) =>
					`${key}: ${(share * 100).toFixed(1)} % of its calls were sent another text (armspan.fallback.reason on their spans says why)`,
			),
	};
}

function tooFew(inputs: VerdictInputs): Verdict | undefined {
	const primary = primaryComparisons(inputs);
	if (primary.length === 0 || primary.some((comparison) => comparison.conclusion !== "too-few")) {
		return undefined;
	}
	return {
		kind: "too-few",
		sentence: `Too few units to compare ${inputs.experiment.primaryMetric.metric} yet.`,
		reasons: guardrailReasons(inputs),
	};
}

function primaryWorse(inputs: VerdictInputs): Verdict | undefined {
	const worse = primaryComparisons(inputs).filter((comparison) => comparison.conclusion === "worse");
	if (worse.length === 0) {
		return undefined;
	}
	return {
		kind: "worse",
		sentence: `${worse.map((comparison) => comparison.variant).join(", ")} is worse than control in ${inputs.experiment.primaryMetric.metric}.`,
		reasons: guardrailReasons(inputs),
	};
}

function primaryBetter(inputs: VerdictInputs): Verdict | undefined {
	const better = primaryComparisons(inputs).filter((comparison) => comparison.conclusion === "better");
	if (better.length === 0) {
		return undefined;
	}
	const open = inputs.results.guardrails.filter((guardrail) => guardrail.status !== "passing");
	const names = better.map((comparison) => comparison.variant).join(", ");
	return {
		kind: "better",
		sentence:
			open.length === 0
				? `${names} is better than control in ${inputs.experiment.primaryMetric.metric}, and every guardrail passes.`
				: `${names} is better than control in ${inputs.experiment.primaryMetric.metric}; guardrails do not allow shipping yet.`,
		reasons: guardrailReasons(inputs),
	};
}

function primaryComparisons({ results }: VerdictInputs) {
	return results.metrics.filter((metric) => metric.role === "primary").flatMap((metric) => metric.comparisons);
}

function guardrailReasons({ results }: VerdictInputs): string[] {
	return results.guardrails.map(
		(guardrail) => `${guardrail.metric} of ${guardrail.variant}: ${guardrail.status} (${guardrail.message})`,
	);
}
