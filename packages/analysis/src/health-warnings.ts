import { type Experiment, findMetric, type HealthWarning } from "@armspan/schema";
import { fixedComparison, ratioContrast } from "@armspan/stats";
import type { MetricTotals } from "@armspan/store";
import { type Evidence, ratioSums } from "./evidence.ts";
import { treatmentPairs } from "./pair.ts";

/** Level of the alarm, over all treatments: one look, since nothing is decided by it. */
const CACHE_ALARM = 0.001;
/** Relative difference of cache-hit rates below which no alarm is raised, however sure it is. */
const CACHE_DIFFERENCE = 0.02;
const EXCLUDED_SHARE = 0.01;
const QUARANTINED_SHARE = 0.01;
const OLD_AFTER_MS = 24 * 3_600_000;

export interface HealthInputs {
	readonly experiment: Experiment;
	readonly isRunning: boolean;
	readonly totals: MetricTotals;
	readonly evidence: Evidence;
	readonly now: Date;
}

type Rule = (inputs: HealthInputs) => HealthWarning[];

/** What a reader of the numbers has to know about the data behind them. */
export function healthWarnings(inputs: HealthInputs): HealthWarning[] {
	return [cacheHitRates, excludedUnits, immatureUnits, quarantinedCalls, oldEvidence].flatMap((rule: Rule) =>
		rule(inputs),
	);
}

/**
 * The arms' caches are warmed by the arms' own traffic: the larger one, or the one with the longer shared beginning, is
 * served cheaper and faster. A difference may be the prompt's merit or only its share of the traffic.
 */
function cacheHitRates({ experiment, evidence }: HealthInputs): HealthWarning[] {
	const metric = findMetric([], "cache-hit-rate");
	if (metric === undefined) throw new TypeError("cache-hit-rate is built in");
	const pairs = treatmentPairs(experiment);
	return pairs.flatMap(({ against, variant }): HealthWarning[] => {
		const [control, treatment] = [ratioSums(evidence, against, metric), ratioSums(evidence, variant, metric)];
		const contrast = ratioContrast(control, treatment);
		if (contrast.kind === "not-estimable") return [];
		const compared = fixedComparison(contrast, { alpha: CACHE_ALARM / pairs.length });
		const { value: rate } = contrast.baseline;
		const isSmall = Math.abs(contrast.difference) < CACHE_DIFFERENCE * Math.max(rate, rate + contrast.difference);
		if (compared.kind === "not-estimable" || compared.pValue >= CACHE_ALARM / pairs.length || isSmall) return [];
		return [
			{
				code: "cache-hit-rates-differ",
				variant,
				metric: "cache-hit-rate",
				message: `The provider's cache served ${percent(rate + contrast.difference)} of the input tokens of ${variant} and ${percent(rate)} of ${against}: effects on cost and latency hold what the cache did. Compare input-tokens and output-tokens, which no cache changes; with unequal weights the larger arm warms its cache more.`,
			},
		];
	});
}

function excludedUnits({ totals, evidence }: HealthInputs): HealthWarning[] {
	const counted = [...evidence.values()].reduce((sum, { units }) => sum + units, 0);
	const share = totals.excludedUnits / Math.max(1, counted + totals.excludedUnits);
	return share <= EXCLUDED_SHARE
		? []
		: [
				{
					...{ code: "units-excluded", variant: null, metric: null },
					message: `${totals.excludedUnits} units (${percent(share)}) were seen in two variants and are left out: ids are shared or not stable.`,
				},
			];
}

function immatureUnits({ totals, experiment }: HealthInputs): HealthWarning[] {
	return totals.immatureUnits === 0
		? []
		: [
				{
					...{ code: "units-immature", variant: null, metric: null },
					message: `${totals.immatureUnits} units were first exposed less than ${experiment.maturationHours ?? 0} hours ago and count later.`,
				},
			];
}

function quarantinedCalls({ evidence }: HealthInputs): HealthWarning[] {
	return [...evidence.values()].flatMap(({ variant, calls, quarantinedCalls: found }): HealthWarning[] =>
		found <= calls * QUARANTINED_SHARE
			? []
			: [
					{
						...{ code: "calls-quarantined", variant, metric: null },
						message: `${found} of ${calls} calls of ${variant} state a quantity that cannot be (negative, not a number, too large, in the future); it is left out.`,
					},
				],
	);
}

function oldEvidence({ isRunning, totals: { newestCallAt }, now }: HealthInputs): HealthWarning[] {
	if (!isRunning || newestCallAt === null || now.getTime() - newestCallAt.getTime() <= OLD_AFTER_MS) return [];
	return [
		{
			...{ code: "evidence-old", variant: null, metric: null },
			message: `The newest call is of ${newestCallAt.toISOString()}: either nobody calls, or spans do not arrive.`,
		},
	];
}

function percent(share: number): string {
	return `${(share * 100).toFixed(1)} %`;
}
