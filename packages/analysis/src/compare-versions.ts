import { type Effect, type MetricDefinition, metricScale, metricUnit, type VersionComparison } from "@armspan/schema";
import { type EffectEstimate, fixedComparison, type NotEstimable, notEstimable } from "@armspan/stats";
import type { Store, VersionOverlap } from "@armspan/store";
import { estimate } from "./compare-metric.ts";
import { type Evidence, overallEvidence, ratioSums } from "./evidence.ts";
import { metricOf } from "./experiment-metrics.ts";
import { overlapContrast } from "./overlap-contrast.ts";
import { pairContrast } from "./pair-contrast.ts";

/** Level of the intervals, which tell sampling error and nothing else. */
const CONFIDENCE = 0.95;
const DEFAULT_METRICS = [
	...["error-rate", "latency", "latency-p95", "time-to-first-chunk", "cost", "cache-hit-rate"],
	...["input-tokens", "output-tokens", "judge-score", "safety-violation-rate", "feedback", "fallback-rate"],
];

export interface CompareVersionsOptions {
	store: Pick<Store, "versionTotals" | "versionOverlap">;
	prompt: string;
	/** The version before a deployment, and the one after it. */
	before: string;
	after: string;
	since: Date;
	/** Exclusive. */
	until: Date;
	now: Date;
	/** @default the usual built-in ones */
	metrics?: readonly MetricDefinition[];
	environment?: string;
}

/**
 * Describes two versions of a prompt as they were used, without an experiment: before and after a deployment.
 *
 * This is not an experiment. The intervals hold the sampling error of units at one look, and nothing of what else
 * differed. A unit that used both versions counts in each; the covariance that it makes is in the intervals of means, shares
 * and ratios. Those of quantiles leave it out: they are too wide where a unit's calls are alike.
 *
 * @throws {StoreError} when the store cannot answer
 */
export async function compareVersions(options: CompareVersionsOptions): Promise<VersionComparison> {
	const { store, prompt, before, after, since, until, now } = options;
	const metrics = options.metrics ?? DEFAULT_METRICS.map((key) => metricOf({ metrics: [] }, key));
	const versions = [before, after];
	const request = {
		...{ prompt, versions, metrics, since, until },
		...(options.environment === undefined ? {} : { environment: options.environment }),
	};
	const totals = await store.versionTotals(request);
	const overlap = await store.versionOverlap(request);
	const evidence = overallEvidence(totals);
	const days = (version: string) =>
		totals.arms.filter(({ variant, day }) => variant === version && day !== "").map(({ day }) => day);
	return {
		schemaVersion: 1,
		prompt,
		design: "not-randomized",
		computedAt: now.toISOString(),
		since: since.toISOString(),
		until: until.toISOString(),
		confidence: CONFIDENCE,
		versions: versions.map((version) => {
			const arm = evidence.get(version);
			return { version, units: arm?.units ?? 0, calls: arm?.calls ?? 0, days: days(version).sort() };
		}),
		metrics: metrics.map((metric) => comparedMetric(metric, before, after, evidence, overlap)),
		sharedUnits: overlap.units,
		caveats: caveats(days(before), days(after), overlap.units, metrics),
		recommendation: `To know whether ${after} is the cause, route both at random: an experiment on ${prompt} with control ${before}.`,
	};
}

function comparedMetric(
	metric: MetricDefinition,
	before: string,
	after: string,
	evidence: Evidence,
	overlap: VersionOverlap,
): VersionComparison["metrics"][number] {
	const versions = [before, after];
	const apart =
		metric.source === "sql"
			? notEstimable("no-observations", "Rows of SQL of one's own name no version of a prompt.")
			: pairContrast(metric, { against: before, variant: after }, evidence, false);
	const products = overlap.metrics[metric.key];
	const [control, treatment] = [before, after].map((version) => ratioSums(evidence, version, metric));
	const found =
		apart.kind === "not-estimable" || products === undefined || control === undefined || treatment === undefined
			? apart
			: overlapContrast(apart, control, treatment, products, metricScale(metric));
	const { absolute, relative } = differences(found);
	return {
		metric: metric.key,
		direction: metric.direction,
		unit: metricUnit(metric),
		description: metric.description,
		estimates: Object.fromEntries(versions.map((version) => [version, estimate(metric, version, evidence)])),
		observations: Object.fromEntries(
			versions.map((version) => [version, Number(ratioSums(evidence, version, metric).sumN)]),
		),
		absoluteDifference: shown(absolute),
		relativeDifference: shown(relative),
		sentence: sentence(metric, before, after, absolute, relative),
	};
}

type Difference = EffectEstimate | NotEstimable;

function differences(found: ReturnType<typeof pairContrast>): { absolute: Difference; relative: Difference } {
	if (found.kind === "not-estimable") return { absolute: found, relative: found };
	const compared = fixedComparison(found.contrast, { alpha: 1 - CONFIDENCE });
	if (compared.kind === "not-estimable") return { absolute: compared, relative: compared };
	const { upper, value, standardError } = compared.absoluteEffect;
	const { absoluteEffect, relativeEffect } = found.effects((upper - value) / standardError);
	return { absolute: absoluteEffect, relative: relativeEffect };
}

function shown(difference: Difference): Effect {
	return difference.kind === "estimated"
		? { kind: "estimated", value: difference.value, lower: difference.lower, upper: difference.upper }
		: difference;
}

/** "Was … in calls with", never "made", "improved" or "because of". */
function sentence(
	metric: MetricDefinition,
	before: string,
	after: string,
	absolute: Difference,
	relative: Difference,
): string {
	if (absolute.kind === "not-estimable") return `${metric.key} cannot be compared: ${absolute.message}`;
	const concluding = metric.kind === "quantile" && relative.kind === "estimated" ? relative : absolute;
	if (concluding.lower <= 0 && concluding.upper >= 0) {
		return `${metric.key} in calls with ${after} cannot be told from that with ${before}: the difference is within what chance alone gives.`;
	}
	const size =
		relative.kind === "estimated"
			? `${Math.abs(relative.value * 100).toPrecision(3)} %`
			: `${Math.abs(absolute.value).toPrecision(3)} ${metricUnit(metric)}`;
	return `${metric.key} was ${size} ${absolute.value > 0 ? "higher" : "lower"} in calls with ${after} than with ${before}; nobody was randomized, so this need not be the version's doing.`;
}

function caveats(
	before: readonly string[],
	after: readonly string[],
	sharedUnits: number,
	metrics: readonly MetricDefinition[],
): string[] {
	const ofQuantiles = metrics.some(({ kind }) => kind === "quantile")
		? " That is in the intervals; not in those of quantiles, which are too wide where a unit's calls are alike."
		: " That is in the intervals.";
	const shared = before.filter((day) => after.includes(day)).length;
	return [
		"Nobody was assigned to a version at random: users, traffic, models, providers and time of day may differ too.",
		shared === 0
			? "The versions were used on different days, so any change in time is part of every difference."
			: `The versions were first used on ${shared} common day${shared === 1 ? "" : "s"}; who got which is not known to be chance.`,
		sharedUnits === 0
			? "No unit used both versions."
			: `${sharedUnits} units used both versions and are counted in each.${ofQuantiles}`,
	];
}
