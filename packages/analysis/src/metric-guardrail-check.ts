import {
	type Decision,
	Direction,
	type Experiment,
	type Guardrail,
	type MetricDefinition,
	metricScale,
} from "@armspan/schema";
import {
	compareOneSided,
	type NotEstimable,
	type RatioSums,
	type Restart,
	restartingComparison,
	restartSchedule,
} from "@armspan/stats";
import type { EvidenceKey, Store, SumsSinceStart } from "@armspan/store";
import { z } from "zod";
import { type Evidence, overallEvidence, ratioSums } from "./evidence.ts";
import { metricOf } from "./experiment-metrics.ts";
import { treatmentPairs } from "./pair.ts";

/** A sum too large for a JSON number. */
const Integer = z.string().regex(/^-?\d{1,80}$/);
const Sums = z.strictObject({
	...{ units: Integer, sumY: Integer, sumN: Integer, sumYY: Integer, sumNN: Integer, sumYN: Integer },
});

/** Half of a guardrail's alpha is for everything since the beginning, half for all later starts together. */
const SHARES = 2;

/** All that the guardrail's statistic is computed from; stored with a decision, so that it can be computed again. */
export const MetricGuardrailInputs = z.strictObject({
	/** Error rate of this one test: the experiment's alpha shared by its guardrails, treatments and both ways of looking. */
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
	/** The sums are of what was done since then, and nothing from before; absent: since the beginning. */
	restart: z
		.strictObject({ start: z.int().min(1), weight: z.number().positive().max(1), startedAt: z.iso.datetime() })
		.exactOptional(),
});
export type MetricGuardrailInputs = z.infer<typeof MetricGuardrailInputs>;

interface MetricGuardrailStatistic {
	/** Both arms have enough units to be compared. */
	measured: boolean;
	breached: boolean;
	logEValue: number;
	logThreshold: number;
	/** From the margin, in the metric's unit; below 0 on the bad side. `null` when not measured. */
	distance: number | null;
	/** Why it is not measured. */
	refused: NotEstimable | null;
}

/** What a guardrail on a mean or share says of one treatment at one look. */
export interface MetricGuardrailCheck extends MetricGuardrailStatistic {
	guardrail: Guardrail;
	variant: string;
	/** Of the way of looking that shows most evidence relative to its threshold. */
	inputs: MetricGuardrailInputs;
}

export interface CheckMetricGuardrailsOptions {
	store: Pick<Store, "metricTotals" | "sumsSinceStarts">;
	experiment: Experiment;
	/** When the iteration began to enrol. Restarts are anchored here, so they are fixed before any data. */
	origin: Date;
	now: Date;
}

/**
 * Looks at the guardrails on anything but failed calls, for every treatment, once: a one-sided comparison of everything
 * since the beginning, and one of what was done since each later start, which sees a change that comes late. May be
 * called as often as one likes; reads the calls of a day, so not every second.
 *
 * @throws {AnalysisError} UNKNOWN_METRIC
 */
export async function checkMetricGuardrails(options: CheckMetricGuardrailsOptions): Promise<MetricGuardrailCheck[]> {
	const { store, experiment, origin, now } = options;
	const metrics = metricsOfGuardrails(experiment);
	if (metrics.length === 0) return [];
	const key = { experiment: experiment.key, iteration: experiment.iteration };
	const evidence = overallEvidence(
		await store.metricTotals({
			...{ ...key, asOf: now, metrics },
			...(experiment.maturationHours === undefined ? {} : { maturationMs: experiment.maturationHours * 3_600_000 }),
			...{ unitType: experiment.unit, prompt: experiment.prompt },
		}),
	);
	const since = await sinceRestarts({ store, experiment, origin, now });
	return metricGuardrailChecks(experiment, evidence, since, now);
}

/** Sums since each start that is watched at `now`, with its share of alpha. */
export interface SinceRestarts {
	readonly schedule: readonly Restart[];
	readonly sums: readonly SumsSinceStart[];
}

/** Nothing is read without a guardrail on a mean or share. */
export async function sinceRestarts({
	store,
	experiment,
	origin,
	now,
	...closed
}: Pick<EvidenceKey, "closedAt" | "environment" | "untilRevision"> & {
	store: Pick<Store, "sumsSinceStarts">;
	experiment: Experiment;
	origin: Date;
	now: Date;
}): Promise<SinceRestarts> {
	const metrics = metricsOfGuardrails(experiment);
	const schedule = restartSchedule({ iterationStartedAtMs: origin.getTime(), nowMs: now.getTime() });
	if (metrics.length === 0) return { schedule, sums: [] };
	const sums = await store.sumsSinceStarts({
		...{ ...closed, experiment: experiment.key, iteration: experiment.iteration, metrics, asOf: now },
		starts: schedule.map(({ startedAtMs }) => new Date(startedAtMs)),
	});
	return { schedule, sums };
}

/** The same from sums that are known. */
export function metricGuardrailChecks(
	experiment: Experiment,
	evidence: Evidence,
	{ schedule, sums }: SinceRestarts,
	now: Date,
): MetricGuardrailCheck[] {
	const byStart = new Map(sums.map((each) => [`${each.start.getTime()} ${each.variant}`, each.metrics]));
	const watched = new Set(metricsOfGuardrails(experiment));
	return experiment.guardrails.flatMap((guardrail) => {
		const metric = metricOf(experiment, guardrail.metric);
		if (!watched.has(metric)) return [];
		return treatmentPairs(experiment).map(({ against, variant, alpha, plannedUnits, plannedShare }) => {
			const design = {
				alpha: alpha / experiment.guardrails.length / SHARES,
				margin: guardrail.nonInferiorityMargin,
				direction: metric.direction,
				...{ plannedUnits, plannedShare },
				scale: metricScale(metric),
				checkedAt: now.toISOString(),
			};
			const whole: MetricGuardrailInputs = {
				...design,
				control: texts(ratioSums(evidence, against, metric)),
				treatment: texts(ratioSums(evidence, variant, metric)),
			};
			const found = [whole, ...sinceStarts()].map((inputs): MetricGuardrailCheck => {
				return { guardrail, variant, inputs, ...metricGuardrailStatistic(inputs) };
			});
			// the whole, of equals and when nothing is measured
			return found.reduce((best, each) => (each.measured && excess(each) > excess(best) ? each : best));

			function sinceStarts(): MetricGuardrailInputs[] {
				return schedule.flatMap(({ start, startedAtMs, weight }) => {
					const of = (arm: string) => byStart.get(`${startedAtMs} ${arm}`)?.[metric.key];
					const [control, treatment] = [of(against), of(variant)];
					if (control === undefined || treatment === undefined) return [];
					const restart = { start, weight, startedAt: new Date(startedAtMs).toISOString() };
					return [{ ...design, control: texts(control), treatment: texts(treatment), restart }];
				});
			}
		});
	});
}

function metricsOfGuardrails(experiment: Experiment): MetricDefinition[] {
	return experiment.guardrails
		.map(({ metric }) => metricOf(experiment, metric))
		.filter(({ key, kind }) => key !== "error-rate" && kind !== "quantile");
}

function excess({ logEValue, logThreshold }: MetricGuardrailStatistic): number {
	return logEValue - logThreshold;
}

/** The statistic of such a guardrail, from its inputs alone: the same inputs give the same bits. */
export function metricGuardrailStatistic(inputs: MetricGuardrailInputs): MetricGuardrailStatistic {
	const { alpha, margin, direction, plannedUnits, plannedShare, scale, restart } = inputs;
	const design = { alpha, margin, direction, plannedUnits, plannedShare, scale, marginScale: "relative" } as const;
	const arms = { control: integers(inputs.control), treatment: integers(inputs.treatment) };
	if (restart === undefined) {
		const compared = compareOneSided({ ...design, ...arms });
		if (compared.kind === "not-estimable") return unmeasured(compared, -Math.log(alpha));
		const { harmLogEValue: logEValue, distance } = compared;
		return measured({ logEValue, logThreshold: -Math.log(alpha), distance });
	}
	const { start, weight } = restart;
	const compared = restartingComparison({ ...design, starts: [{ start, weight, ...arms }] });
	return compared.kind === "not-estimable"
		? unmeasured(compared, -Math.log(alpha) - Math.log(weight))
		: measured(compared.strongest);
}

function measured(found: { logEValue: number; logThreshold: number; distance: number }): MetricGuardrailStatistic {
	const { logEValue, logThreshold, distance } = found;
	return { measured: true, breached: logEValue >= logThreshold, logEValue, logThreshold, distance, refused: null };
}

function unmeasured(refused: NotEstimable, logThreshold: number): MetricGuardrailStatistic {
	const logEValue = Number.NEGATIVE_INFINITY;
	return { measured: false, breached: false, logEValue, logThreshold, distance: null, refused };
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

function texts({
	units,
	sumY,
	sumN,
	sumYY,
	sumNN,
	sumYN,
}: Omit<RatioSums<bigint>, "units"> & { readonly units: bigint | number }): MetricGuardrailInputs["control"] {
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
