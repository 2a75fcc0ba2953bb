import { type Experiment, findMetric, type HealthWarning, type SegmentResult } from "@armspan/schema";
import { fixedComparison, ratioContrast } from "@armspan/stats";
import type { EvidenceHealth, MetricTotals, StrayUnits } from "@armspan/store";
import { type Evidence, ratioSums } from "./evidence.ts";
import { treatmentPairs } from "./pair.ts";

/** Level of an alarm, over all treatments: one look, since nothing is decided by it. */
const ALARM = 0.001;
/** Relative difference of cache-hit rates below which no alarm is raised, however sure it is. */
const CACHE_DIFFERENCE = 0.02;
const NAMED_VARIANTS = 10;
const EXCLUDED_SHARE = 0.01;
const QUARANTINED_SHARE = 0.01;
const OLD_AFTER_MS = 24 * 3_600_000;

export interface HealthInputs {
	readonly experiment: Experiment;
	readonly isRunning: boolean;
	readonly totals: MetricTotals;
	/** Units with evidence of variants that the experiment has not. */
	readonly stray: StrayUnits;
	readonly evidence: Evidence;
	readonly now: Date;
	/** Of exposures, and of evaluations, feedback and conversions. */
	readonly events: readonly EvidenceHealth[];
	readonly segments: readonly SegmentResult[];
}

type Rule = (inputs: HealthInputs) => HealthWarning[];

/** What a reader of the numbers has to know about the data behind them. */
export function healthWarnings(inputs: HealthInputs): HealthWarning[] {
	const rules: Rule[] = [
		...[cacheHitRates, abortRates, excludedUnits, unknownVariants, immatureUnits, quarantinedCalls, oldEvidence],
		segmentSampleRatios,
		sqlSources,
		quarantinedEvents,
	];
	return rules.flatMap((rule) => rule(inputs));
}

/**
 * The arms' caches are warmed by the arms' own traffic: the larger one, or the one with the longer shared beginning, is
 * served cheaper and faster. A difference may be the prompt's merit or only its share of the traffic.
 */
function cacheHitRates(inputs: HealthInputs): HealthWarning[] {
	return differingRates(inputs, "cache-hit-rate", CACHE_DIFFERENCE).map(
		({ against, variant, rates: [rate, other] }) => ({
			code: "cache-hit-rates-differ",
			variant,
			metric: "cache-hit-rate",
			message: `The provider's cache served ${percent(other)} of the input tokens of ${variant} and ${percent(rate)} of ${against}: effects on cost and latency hold what the cache did. cacheAdjusted sets both to one share of hits, which is no effect of the prompt where the prompt decides what hits. Compare input-tokens and output-tokens, which no cache changes; with unequal weights the larger arm warms its cache more.`,
		}),
	);
}

/** Whoever does not wait for slow answers makes the rest look fast: latency is that of those who waited. */
function abortRates(inputs: HealthInputs): HealthWarning[] {
	return differingRates(inputs, "abort-rate", 0).map(({ against, variant, rates: [rate, other] }) => ({
		code: "abort-rates-differ",
		variant,
		metric: "abort-rate",
		message: `${percent(other)} of the calls of ${variant} broke off, and ${percent(rate)} of those of ${against}: latency and output tokens are known of the others only, and hold who waited for them.`,
	}));
}

interface DifferingRates {
	readonly against: string;
	readonly variant: string;
	readonly rates: readonly [against: number, variant: number];
}

/** @param relativeDifference below which no alarm is raised, however sure it is */
function differingRates(
	{ experiment, evidence }: HealthInputs,
	key: "cache-hit-rate" | "abort-rate",
	relativeDifference: number,
): DifferingRates[] {
	const metric = findMetric([], key);
	if (metric === undefined) throw new TypeError(`${key} is built in`);
	const pairs = treatmentPairs(experiment);
	const alpha = ALARM / pairs.length;
	return pairs.flatMap(({ against, variant }): DifferingRates[] => {
		const contrast = ratioContrast(ratioSums(evidence, against, metric), ratioSums(evidence, variant, metric));
		if (contrast.kind === "not-estimable") return [];
		const compared = fixedComparison(contrast, { alpha });
		const { value: rate } = contrast.baseline;
		const other = rate + contrast.difference;
		const isSmall = Math.abs(contrast.difference) < relativeDifference * Math.max(rate, other);
		if (compared.kind === "not-estimable" || compared.pValue >= alpha || isSmall) return [];
		return [{ against, variant, rates: [rate, other] }];
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

/** A sender whose variants nobody knows is otherwise seen nowhere: its units are missing from every count. */
function unknownVariants({ stray, experiment }: HealthInputs): HealthWarning[] {
	if (stray.units === 0) return [];
	const known = experiment.variants.map(({ key }) => key).join(", ");
	const named = stray.variants
		.slice(0, NAMED_VARIANTS)
		.map(({ variant, units }) => `${JSON.stringify(variant.slice(0, 100))} (${units})`);
	const others = stray.variants.length - named.length;
	return [
		{
			...{ code: "unknown-variants", variant: null, metric: null },
			message: `${stray.units} units have calls or exposures of variants that the experiment has not: ${named.join(", ")}${others > 0 ? ` and ${others} more` : ""}. No arm counts them; who was in one of ${known} as well is left out as seen in two variants. Whoever sends them names the variant wrongly, or routes by another bundle.`,
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

/** Where a part of the units is missing, the whole may look as allocated. */
function segmentSampleRatios({ segments }: HealthInputs): HealthWarning[] {
	return segments.flatMap(({ segment, kind, value, units, sampleRatioMismatch: found }): HealthWarning[] =>
		found.kind === "not-estimable" || !found.mismatch
			? []
			: [
					{
						...{ code: "segment-sample-ratio-mismatch", variant: null, metric: null },
						message: `Units with ${segment} ${kind === "value" ? JSON.stringify(value) : kind} do not follow the weights (${Object.entries(
							units,
						)
							.map(([variant, count]) => `${variant} ${count}`)
							.join(
								", ",
							)}; p ${found.adjustedPValue.toPrecision(2)}, adjusted): they are lost, or reported, in one arm more than in another. Compare nothing among them before you know why.`,
					},
				],
	);
}

/** Metrics from SQL of one's own that say nothing, or not all. */
function sqlSources({ totals }: HealthInputs): HealthWarning[] {
	return (totals.sqlSources ?? []).flatMap(({ metric, failure, badRows }): HealthWarning[] => [
		...(failure === null
			? []
			: [
					{
						...{ code: "metric-source-failed" as const, variant: null, metric },
						message: `${metric} has no value, since its query gave none: ${failure.slice(0, 500)}`,
					},
				]),
		...(badRows === 0
			? []
			: [
					{
						...{ code: "metric-rows-quarantined" as const, variant: null, metric },
						message: `${badRows} rows of ${metric} have a time or a number that cannot be; they are left out.`,
					},
				]),
	]);
}

/** Named from the first one on: one score of a million moves a mean, and nothing else in the result would say that it came. */
function quarantinedEvents({ events }: HealthInputs): HealthWarning[] {
	return (["exposures", "evaluations"] as const).flatMap((source): HealthWarning[] => {
		const own = events.filter((part) => part.source === source);
		const rows = own.reduce((sum, part) => sum + part.rows, 0);
		const quarantined = own.reduce((sum, part) => sum + part.quarantined, 0);
		const what =
			source === "exposures"
				? "exposures name no unit or have a time that cannot be"
				: "evaluations, feedback and conversions have a score or a time that cannot be (feedback is between 0 and 1, a conversion not negative)";
		return quarantined === 0
			? []
			: [
					{
						...{ code: "metric-rows-quarantined", variant: null, metric: null },
						message: `${quarantined} of ${rows} ${what}: what cannot be counts in no metric.`,
					},
				];
	});
}

function percent(share: number): string {
	return `${(share * 100).toFixed(1)} %`;
}
