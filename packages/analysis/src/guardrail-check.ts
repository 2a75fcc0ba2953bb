import type { Decision, Experiment, Guardrail } from "@armspan/schema";
import { DEFAULT_RESTART_SCALES, type Restart, restartingEProcess, restartSchedule } from "@armspan/stats";
import type { Store, ViolationWindows } from "@armspan/store";
import { z } from "zod";
import { replayMetricDecision } from "./metric-guardrail-check.ts";

/** The grid on which failed calls are counted: the finest scale of the restarts. */
const WINDOW_SECONDS = Math.min(...DEFAULT_RESTART_SCALES.map(({ intervalMs }) => intervalMs)) / 1000;
/** Weight of the prior in violating units; finds a large change sooner than 10 does and no change later. */
const PRIOR_STRENGTH = 4;

const Count = z.int().min(0);

/** All that the guardrail's statistic is computed from; stored with a decision, so that it can be computed again. */
export const GuardrailInputs = z.strictObject({
	/** Error rate of this one test: the experiment's alpha shared by its guardrails and treatments. */
	alpha: z.number().positive().lt(1),
	/** Share of the treatment among units of treatment and control, by weight. */
	treatmentShare: z.number().positive().lt(1),
	/** Tolerated ratio of error rates, 1 + the non-inferiority margin. */
	toleratedRateRatio: z.number().min(1),
	priorStrength: z.number().positive(),
	windowSeconds: z.int().positive(),
	/** When the iteration began to enrol; start j is `origin + (j − 1) · windowSeconds`. */
	origin: z.iso.datetime(),
	checkedAt: z.iso.datetime(),
	/** Units whose first failed call since start j came by now, for each start that is watched, and its share of alpha. */
	starts: z.array(
		z.strictObject({ start: z.int().min(1), weight: z.number().positive(), treatment: Count, control: Count }),
	),
	/** Both arms have a call. */
	measured: z.boolean(),
});
export type GuardrailInputs = z.infer<typeof GuardrailInputs>;

/** What one guardrail says of one treatment at one look. */
export interface GuardrailCheck {
	guardrail: Guardrail;
	variant: string;
	inputs: GuardrailInputs;
	/** No call in one of the arms: nothing can be said. */
	measured: boolean;
	breached: boolean;
	/** The start with the most evidence relative to its threshold. */
	logEValue: number;
	logThreshold: number;
	/** Number of that start, and the units with a failed call since. */
	start: number;
	violations: { treatment: number; control: number };
}

export interface CheckGuardrailsOptions {
	store: Pick<Store, "violationWindows">;
	experiment: Experiment;
	/** When the iteration began to enrol. Restarts are anchored here, so they are fixed before any data. */
	origin: Date;
	now: Date;
	/** Last routing revision that counts; everything when left out. */
	untilRevision?: number;
	/** Nothing from after it counts; everything when left out. */
	closedAt?: Date;
	/** As in IterationKey. */
	environment?: string;
}

/** Looks at the guardrail on failed calls, for every treatment, once. May be called as often as one likes. */
export async function checkGuardrails(options: CheckGuardrailsOptions): Promise<GuardrailCheck[]> {
	const { store, experiment, origin, now } = options;
	// Shared by all of them, although only failures of calls are looked at here.
	const guardrails = experiment.guardrails.filter(({ metric }) => metric === "error-rate");
	if (guardrails.length === 0) {
		return [];
	}
	const arms = await store.violationWindows({
		experiment: experiment.key,
		iteration: experiment.iteration,
		origin,
		windowSeconds: WINDOW_SECONDS,
		...(options.untilRevision === undefined ? {} : { untilRevision: options.untilRevision }),
		...(options.closedAt === undefined ? {} : { closedAt: options.closedAt }),
		...(options.environment === undefined ? {} : { environment: options.environment }),
	});
	const [control, ...treatments] = experiment.variants;
	if (control === undefined) {
		throw new TypeError("an experiment has at least two variants");
	}
	const alpha = experiment.alpha / (experiment.guardrails.length * treatments.length);
	return guardrails.flatMap((guardrail) =>
		treatments.map((treatment) => {
			const inputs: GuardrailInputs = {
				alpha,
				treatmentShare: treatment.weight / (treatment.weight + control.weight),
				toleratedRateRatio: 1 + guardrail.nonInferiorityMargin,
				priorStrength: PRIOR_STRENGTH,
				windowSeconds: WINDOW_SECONDS,
				origin: origin.toISOString(),
				checkedAt: now.toISOString(),
				...armCounts(
					arms,
					control.key,
					treatment.key,
					restartSchedule({ iterationStartedAtMs: origin.getTime(), nowMs: now.getTime() }),
				),
			};
			return { guardrail, variant: treatment.key, inputs, ...guardrailStatistic(inputs) };
		}),
	);
}

/** The statistic of a guardrail, from its inputs alone: the same inputs give the same bits. */
export function guardrailStatistic(
	inputs: GuardrailInputs,
): Pick<GuardrailCheck, "measured" | "breached" | "logEValue" | "logThreshold" | "start" | "violations"> {
	const { breached, strongest } = restartingEProcess({
		alpha: inputs.alpha,
		treatmentShare: inputs.treatmentShare,
		rateRatioMargin: inputs.toleratedRateRatio,
		priorStrength: inputs.priorStrength,
		violations: inputs.starts,
	});
	const since = inputs.starts.find(({ start }) => start === strongest.start);
	return {
		measured: inputs.measured,
		breached: inputs.measured && breached,
		logEValue: strongest.logEValue,
		logThreshold: strongest.logThreshold,
		start: strongest.start,
		violations: { treatment: since?.treatment ?? 0, control: since?.control ?? 0 },
	};
}

/** Computes a decision's statistic again from what is stored with it. @throws {z.ZodError} for foreign inputs */
export function replayDecision(decision: Decision): {
	matches: boolean;
	statistic: Pick<GuardrailCheck, "measured" | "breached" | "logEValue" | "logThreshold">;
} {
	const name = decision.statistic?.name;
	if (name === "one-sided-comparison" || name === "restarting-comparison") return replayMetricDecision(decision);
	const statistic = guardrailStatistic(GuardrailInputs.parse(decision.inputs));
	return {
		statistic,
		matches:
			statistic.logEValue === decision.statistic?.logEValue &&
			statistic.logThreshold === decision.statistic?.logThreshold,
	};
}

function armCounts(arms: ViolationWindows[], control: string, treatment: string, schedule: readonly Restart[]) {
	const arm = (variant: string) => arms.find((candidate) => candidate.variant === variant);
	const since = (variant: string, start: number) =>
		(arm(variant)?.windows ?? []).reduce((sum, { window, units }) => (window >= start - 1 ? sum + units : sum), 0);
	const starts = schedule.map(({ start, weight }) => ({
		start,
		weight,
		treatment: since(treatment, start),
		control: since(control, start),
	}));
	return {
		starts,
		measured: arm(treatment) !== undefined && arm(control) !== undefined,
	};
}
