import type { Decision, Experiment } from "@armspan/schema";
import { decisionId } from "./decision-id.ts";
import type { GuardrailCheck } from "./guardrail-check.ts";
import { iterationDesign } from "./iteration-design.ts";

export interface DecisionContext {
	experiment: Experiment;
	/** sha256 of the experiment file in force. */
	experimentDigest: string;
	codeVersion: string;
	/** Routing revision in force: the last one whose assignments count. */
	lastRevision: number;
}

/** What a breached guardrail decides, with all that is needed to decide it again. */
export function guardrailDecision(check: GuardrailCheck, context: DecisionContext): Decision {
	const { experiment } = context;
	const kind = check.guardrail.onBreach;
	const { treatment, control } = check.violations;
	const tolerated = `${Math.round(check.guardrail.nonInferiorityMargin * 1000) / 10} %`;
	return {
		id: decisionId(kind, experiment.key, experiment.iteration, check.guardrail.metric, check.variant),
		decidedAt: check.inputs.checkedAt,
		kind,
		actor: "guardrail",
		experiment: experiment.key,
		iteration: experiment.iteration,
		metric: check.guardrail.metric,
		reason: `${check.guardrail.metric} of ${check.variant} is more than ${tolerated} above control: since ${startedAt(check)}, ${treatment} units of ${check.variant} and ${control} of control had a failed call`,
		statistic: {
			name: "first-violation-e-process",
			variant: check.variant,
			logEValue: check.logEValue,
			logThreshold: check.logThreshold,
		},
		inputs: check.inputs,
		experimentDigest: context.experimentDigest,
		codeVersion: context.codeVersion,
		lastRevision: context.lastRevision,
	};
}

/** That an iteration began to enrol at `at`. The first one that is recorded counts. */
export function startDecision(context: DecisionContext, at: Date): Decision {
	const { experiment } = context;
	return {
		id: decisionId("start", experiment.key, experiment.iteration),
		decidedAt: at.toISOString(),
		kind: "start",
		actor: "service",
		experiment: experiment.key,
		iteration: experiment.iteration,
		metric: null,
		reason: `iteration ${experiment.iteration} began to enrol`,
		statistic: null,
		inputs: { design: iterationDesign(experiment) },
		experimentDigest: context.experimentDigest,
		codeVersion: context.codeVersion,
		lastRevision: context.lastRevision,
	};
}

/** Clock time (UTC) of the start whose evidence is strongest. */
export function startedAt({ start, inputs }: Pick<GuardrailCheck, "start" | "inputs">): string {
	const atMs = Date.parse(inputs.origin) + (start - 1) * inputs.windowSeconds * 1000;
	return `${new Date(atMs).toISOString().slice(11, 19)} UTC`;
}
