import type { Decision, Experiment, Guardrail } from "@armspan/schema";
import { decisionId } from "./decision-id.ts";
import type { GuardrailCheck } from "./guardrail-check.ts";
import { iterationDesign } from "./iteration-design.ts";
import type { MetricGuardrailCheck } from "./metric-guardrail-check.ts";

export interface DecisionContext {
	experiment: Experiment;
	/** sha256 of the experiment file in force. */
	experimentDigest: string;
	codeVersion: string;
	/** Routing revision in force: the last one whose assignments count. */
	lastRevision: number;
}

/** What a breached guardrail on failed calls decides, with all that is needed to decide it again. */
export function guardrailDecision(check: GuardrailCheck, context: DecisionContext): Decision {
	const { treatment, control } = check.violations;
	return {
		...breach(check, context),
		reason: `${check.guardrail.metric} of ${check.variant} is more than ${percent(check.guardrail)} above control: since ${startedAt(check)}, ${treatment} units of ${check.variant} and ${control} of control had a failed call`,
		statistic: { name: "first-violation-e-process", ...evidenceOf(check) },
	};
}

/** The same of a guardrail on a mean or share. */
export function metricGuardrailDecision(check: MetricGuardrailCheck, context: DecisionContext): Decision {
	const { guardrail, variant, inputs } = check;
	const side = inputs.direction === "decrease" ? "above" : "below";
	const mean = ({ sumY, sumN }: MetricGuardrailCheck["inputs"]["control"]) =>
		(Number(sumY) / Number(sumN) / inputs.scale).toPrecision(3);
	return {
		...breach(check, context),
		reason: `${guardrail.metric} of ${variant} is more than ${percent(guardrail)} ${side} control: ${mean(inputs.treatment)} against ${mean(inputs.control)} ${sinceWhen(inputs)}`,
		statistic: {
			name: inputs.restart === undefined ? "one-sided-comparison" : "restarting-comparison",
			...evidenceOf(check),
		},
	};
}

function breach(check: GuardrailCheck | MetricGuardrailCheck, context: DecisionContext) {
	const { experiment } = context;
	const kind = check.guardrail.onBreach;
	return {
		id: decisionId(kind, experiment.key, experiment.iteration, check.guardrail.metric, check.variant),
		decidedAt: check.inputs.checkedAt,
		kind,
		actor: "guardrail" as const,
		experiment: experiment.key,
		iteration: experiment.iteration,
		metric: check.guardrail.metric,
		inputs: { ...check.inputs },
		experimentDigest: context.experimentDigest,
		codeVersion: context.codeVersion,
		lastRevision: context.lastRevision,
	};
}

function evidenceOf({ variant, logEValue, logThreshold }: GuardrailCheck | MetricGuardrailCheck) {
	return { variant, logEValue, logThreshold };
}

function percent({ nonInferiorityMargin }: Guardrail): string {
	return `${Math.round(nonInferiorityMargin * 1000) / 10} %`;
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

/**
 * That an iteration no longer runs, found at `at`. The first one that is recorded counts.
 *
 * @param said what git says instead; `undefined` when the experiment is gone
 * @param deployedRevision of the bundle in which it no longer runs
 */
export function endDecision(
	start: Decision,
	said: { readonly experiment: Experiment; readonly digest: string } | undefined,
	{ codeVersion, deployedRevision }: { readonly codeVersion: string; readonly deployedRevision: number },
	at: Date,
): Decision {
	const { experiment, iteration } = start;
	const now = said?.experiment;
	const why =
		now === undefined
			? `${experiment} is no longer in the repository`
			: now.iteration === iteration
				? `${experiment} is ${now.status}`
				: `${experiment} is at iteration ${now.iteration}`;
	return {
		id: decisionId("end", experiment, iteration),
		decidedAt: at.toISOString(),
		kind: "end",
		actor: "service",
		experiment,
		iteration,
		metric: null,
		reason: `iteration ${iteration} ended: ${why}`,
		statistic: null,
		inputs: { status: now?.status ?? null, iteration: now?.iteration ?? null },
		experimentDigest: said?.digest ?? start.experimentDigest,
		codeVersion,
		// nobody is enrolled in it by a bundle in which it does not run
		lastRevision: Math.max(0, deployedRevision - 1),
	};
}

/** What closed the evidence of an iteration: its first halt or end. @param decisions oldest first */
export function closingDecision(decisions: readonly Decision[]): Decision | undefined {
	return decisions.find(({ kind }) => kind === "halt" || kind === "end");
}

/** Of the sums of a guardrail on a mean or share. */
export function sinceWhen({ restart }: MetricGuardrailCheck["inputs"]): string {
	return restart === undefined ? "since the start" : `since ${clockTime(restart.startedAt)}`;
}

/** Clock time (UTC) of the start whose evidence is strongest. */
export function startedAt({ start, inputs }: Pick<GuardrailCheck, "start" | "inputs">): string {
	const atMs = Date.parse(inputs.origin) + (start - 1) * inputs.windowSeconds * 1000;
	return clockTime(new Date(atMs).toISOString());
}

function clockTime(iso: string): string {
	return `${iso.slice(11, 19)} UTC`;
}
