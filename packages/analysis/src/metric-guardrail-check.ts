import { type Decision, Direction, type Experiment, type Guardrail, metricScale } from "@armspan/schema";
import { compareOneSided, type RatioSums } from "@armspan/stats";
import type { Store } from "@armspan/store";
import { z } from "zod";
import { overallEvidence, ratioSums } from "./evidence.ts";
import { metricOf } from "./experiment-metrics.ts";
import { treatmentPairs } from "./pair.ts";

/** A sum too large for a JSON number. */
const Integer = z.string().regex(/^-?\d{1,80}$/);
const Sums = z.strictObject({
	...{ units: Integer, sumY: Integer, sumN: Integer, sumYY: Integer, sumNN: Integer, sumYN: Integer },
});

/** All that the guardrail's statistic is computed from; stored with a decision, so that it can be computed again. */
export const MetricGuardrailInputs = z.strictObject({
	/** Error rate of this one test: the experiment's alpha shared by its guardrails and treatments. */
	alpha: z.number().positive().lt(0.5),
	/** Relative to control. */
	margin: z.number().min(0),
	direction: Direction,
	plannedUnits: z.number().positive(),
	plannedShare: z.number().positive().max(0.5),
	scale: z.number().positive(),
	control: Sums,
	treatment: Sums,
	checkedAt: z.iso.datetime(),
});
export type MetricGuardrailInputs = z.infer<typeof MetricGuardrailInputs>;

/** What a guardrail on a mean or share says of one treatment at one look. */
export interface MetricGuardrailCheck {
	guardrail: Guardrail;
	variant: string;
	inputs: MetricGuardrailInputs;
	/** Both arms have enough units to be compared. */
	measured: boolean;
	breached: boolean;
	logEValue: number;
	logThreshold: number;
}

export interface CheckMetricGuardrailsOptions {
	store: Pick<Store, "metricTotals">;
	experiment: Experiment;
	now: Date;
}

/**
 * Looks at the guardrails on anything but failed calls, for every treatment, once: a one-sided comparison of everything
 * since the start, so a change that comes late is found late. May be called as often as one likes; reads all calls of the
 * iteration, so not every second.
 *
 * @throws {AnalysisError} UNKNOWN_METRIC
 */
export async function checkMetricGuardrails(options: CheckMetricGuardrailsOptions): Promise<MetricGuardrailCheck[]> {
	const { store, experiment, now } = options;
	const guardrails = experiment.guardrails
		.map((guardrail) => ({ guardrail, metric: metricOf(experiment, guardrail.metric) }))
		.filter(({ metric }) => metric.key !== "error-rate" && metric.kind !== "quantile");
	if (guardrails.length === 0) return [];
	const evidence = overallEvidence(
		await store.metricTotals({
			...{ experiment: experiment.key, iteration: experiment.iteration, asOf: now },
			metrics: guardrails.map(({ metric }) => metric),
			...(experiment.maturationHours === undefined ? {} : { maturationMs: experiment.maturationHours * 3_600_000 }),
			...{ unitType: experiment.unit, prompt: experiment.prompt },
		}),
	);
	return guardrails.flatMap(({ guardrail, metric }) =>
		treatmentPairs(experiment).map(({ against, variant, alpha, plannedUnits, plannedShare }): MetricGuardrailCheck => {
			const inputs: MetricGuardrailInputs = {
				alpha: alpha / experiment.guardrails.length,
				margin: guardrail.nonInferiorityMargin,
				direction: metric.direction,
				...{ plannedUnits, plannedShare },
				scale: metricScale(metric),
				control: texts(ratioSums(evidence, against, metric)),
				treatment: texts(ratioSums(evidence, variant, metric)),
				checkedAt: now.toISOString(),
			};
			return { guardrail, variant, inputs, ...metricGuardrailStatistic(inputs) };
		}),
	);
}

/** The statistic of such a guardrail, from its inputs alone: the same inputs give the same bits. */
export function metricGuardrailStatistic(
	inputs: MetricGuardrailInputs,
): Pick<MetricGuardrailCheck, "measured" | "breached" | "logEValue" | "logThreshold"> {
	const { alpha, margin, direction, plannedUnits, plannedShare, scale } = inputs;
	const compared = compareOneSided({
		...{ control: integers(inputs.control), treatment: integers(inputs.treatment), scale },
		...{ alpha, margin, direction, plannedUnits, plannedShare, marginScale: "relative" },
	});
	const logThreshold = -Math.log(alpha);
	if (compared.kind === "not-estimable") {
		return { measured: false, breached: false, logEValue: Number.NEGATIVE_INFINITY, logThreshold };
	}
	const { harmLogEValue: logEValue } = compared;
	return { measured: true, breached: logEValue >= logThreshold, logEValue, logThreshold };
}

/** Whether a decision's statistic, computed again from what is stored with it, is the one that it states. */
export function replayMetricDecision({ inputs, statistic }: Decision): {
	matches: boolean;
	statistic: ReturnType<typeof metricGuardrailStatistic>;
} {
	const computed = metricGuardrailStatistic(MetricGuardrailInputs.parse(inputs));
	return {
		statistic: computed,
		matches: computed.logEValue === statistic?.logEValue && computed.logThreshold === statistic?.logThreshold,
	};
}

function texts({ units, sumY, sumN, sumYY, sumNN, sumYN }: RatioSums<bigint>): MetricGuardrailInputs["control"] {
	return {
		...{ units: String(units), sumY: String(sumY), sumN: String(sumN) },
		...{ sumYY: String(sumYY), sumNN: String(sumNN), sumYN: String(sumYN) },
	};
}

function integers(sums: MetricGuardrailInputs["control"]): RatioSums<bigint> {
	const { units, sumY, sumN, sumYY, sumNN, sumYN } = sums;
	return {
		...{ units: BigInt(units), sumY: BigInt(sumY), sumN: BigInt(sumN) },
		...{ sumYY: BigInt(sumYY), sumNN: BigInt(sumNN), sumYN: BigInt(sumYN) },
	};
}
