import { type MetricDefinition, metricScale, type PowerPlan } from "@armspan/schema";
import {
	designEffect,
	gridQuantileEstimate,
	type NotEstimable,
	notEstimable,
	type PlannedMetric,
	plannedMean,
	plannedProportion,
	plannedQuantile,
	ratioEstimate,
} from "@armspan/stats";
import type { Store } from "@armspan/store";
import { evidenceByDay, gridEvidence, overallEvidence, ratioSums } from "./evidence.ts";

export interface MetricHistoryOptions {
	store: Pick<Store, "versionTotals">;
	prompt: string;
	/** Its calls give the baseline. */
	version: string;
	/** Units of these count as traffic, too. */
	otherVersions?: readonly string[];
	metric: MetricDefinition;
	/** Start of a UTC day. */
	since: Date;
	/** Exclusive; start of a UTC day. */
	until: Date;
	environment?: string;
}

/** What history says of a metric and of how many units there are. */
export interface MetricHistory {
	readonly planned: PlannedMetric | NotEstimable;
	readonly source: PowerPlan["source"];
	/** Units first seen on each day of the window; `null` when there were none. */
	readonly newUnitsPerDay: number[] | null;
}

const MS_PER_DAY = 86_400_000;

/**
 * A metric as it was in a window of whole days, one observation per unit, so that the design effect is inside.
 *
 * @throws {StoreError} when the store cannot answer
 */
export async function metricHistory(options: MetricHistoryOptions): Promise<MetricHistory> {
	const { store, prompt, version, metric, since, until } = options;
	const totals = await store.versionTotals({
		...{ prompt, metrics: [metric], since, until },
		versions: [...new Set([version, ...(options.otherVersions ?? [])])],
		...(options.environment === undefined ? {} : { environment: options.environment }),
	});
	const evidence = overallEvidence(totals);
	const sums = ratioSums(evidence, version, metric);
	const units = evidence.get(version)?.units ?? 0;
	const days = evidenceByDay(totals);
	const newUnitsPerDay = Array.from({ length: (until.getTime() - since.getTime()) / MS_PER_DAY }, (_, day) => {
		const ofDay = days.get(new Date(since.getTime() + day * MS_PER_DAY).toISOString().slice(0, 10));
		return [...(ofDay?.values() ?? [])].reduce((units, arm) => units + arm.units, 0);
	});
	// Days before the prompt was first used are no traffic to expect.
	const first = newUnitsPerDay.findIndex((units) => units > 0);
	const squares =
		metric.kind === "proportion" && metric.per === "call"
			? sums.sumY
			: (evidence.get(version)?.metrics[metric.key]?.sumOfSquares ?? null);
	const effect = squares === null ? undefined : designEffect(sums, squares);
	return {
		planned: plannedMetric(metric, sums, options, Math.max(units, Number(sums.units)), () =>
			gridQuantileEstimate(gridEvidence(evidence, version, metric), metric.level ?? 0.5),
		),
		newUnitsPerDay: first < 0 ? null : newUnitsPerDay.slice(first),
		source: {
			...{ kind: "history", prompt, version },
			...{ since: since.toISOString(), until: until.toISOString() },
			units,
			observations: Number(sums.sumN),
			designEffect: effect?.kind === "estimated" ? effect.value : null,
		},
	};
}

function plannedMetric(
	metric: MetricDefinition,
	sums: ReturnType<typeof ratioSums>,
	{ version, since, until }: Pick<MetricHistoryOptions, "version" | "since" | "until">,
	units: number,
	quantile: () => ReturnType<typeof gridQuantileEstimate>,
): PlannedMetric | NotEstimable {
	if (metric.source === "sql") {
		return notEstimable(
			"no-observations",
			`${metric.key} comes from SQL of your own, which names no version of a prompt, so it cannot be planned from history; plan without an experiment by --baseline and --sd.`,
		);
	}
	if (sums.units === 0n) {
		return notEstimable(
			"no-observations",
			`There is no ${metric.key} of ${version} from ${since.toISOString().slice(0, 10)} until before ${until.toISOString().slice(0, 10)}. Only whole days before today (UTC) count: calls of today count from tomorrow on. Or plan without an experiment by --baseline and --sd.`,
		);
	}
	// Enrolled units are planned, of which some will have no observation, as some had none.
	if (metric.kind === "quantile") {
		const found = quantile();
		return found.kind === "estimated" ? plannedQuantile({ ...found, units }) : found;
	}
	const found = ratioEstimate(sums, { scale: metricScale(metric) });
	if (found.kind === "not-estimable") return found;
	return metric.kind === "proportion" && metric.per === "unit"
		? plannedProportion(found)
		: plannedMean({ ...found, units });
}
