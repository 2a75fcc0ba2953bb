import { z } from "zod";
import { Decision } from "./decision.ts";
import { AttributeName, ExperimentStatus, UnitType } from "./experiment.ts";
import { Direction, MetricKey } from "./metric.ts";
import { Name, PromptName } from "./names.ts";

/** A number that could not be estimated, and why. Never 0, never NaN. */
export const NotEstimable = z.strictObject({
	kind: z.literal("not-estimable"),
	reason: z.string(),
	message: z.string(),
});

export const VariantEstimate = z.discriminatedUnion("kind", [
	z.strictObject({
		kind: z.literal("estimated"),
		value: z.number(),
		standardError: z.number(),
	}),
	NotEstimable,
]);

/** An effect with an interval; a bound of `null` is unbounded. */
export const Effect = z.discriminatedUnion("kind", [
	z.strictObject({
		kind: z.literal("estimated"),
		value: z.number(),
		lower: z.number().nullable(),
		upper: z.number().nullable(),
	}),
	NotEstimable,
]);
export type Effect = z.infer<typeof Effect>;

/** One of the looks that were planned: the evidence up to the moment at which its units had come. */
export const PlannedLook = z.strictObject({
	number: z.int(),
	of: z.int(),
	/** Units that count in it, of all arms: fewer than there are by now, and than the arms' estimates are of. */
	units: z.int(),
	/** Evidence from after it is left out. */
	evidenceUntil: z.iso.datetime(),
	final: z.boolean(),
});
export type PlannedLook = z.infer<typeof PlannedLook>;

/** One planned look of a group-sequential comparison: what it was held against, or why it could not be tested. */
export const TestedLook = z.discriminatedUnion("kind", [
	z.strictObject({
		kind: z.literal("tested"),
		...PlannedLook.shape,
		/** Share of the plan by which alpha was spent, fixed before the start: `number` / `of`. */
		spendingTime: z.number(),
		/** Information 1/V of this look, as a multiple of that of the first look tested. */
		informationRatio: z.number(),
		/** Effect over its standard error, on the scale of the test: of a quantile that of its logarithm. */
		zScore: z.number(),
		/** An absolute z-score of at least this rejects. */
		bound: z.number(),
		/**
		 * `union`: no more information than at an earlier look, or values of units have grown since, so tested alone at its
		 * share of alpha; `joint`: by the joint distribution with the looks before.
		 */
		basis: z.enum(["joint", "union"]),
	}),
	z.strictObject({ kind: z.literal("not-tested"), ...PlannedLook.shape, reason: z.string(), message: z.string() }),
]);
export type TestedLook = z.infer<typeof TestedLook>;

export const MetricComparison = z.strictObject({
	variant: Name,
	/** What it is compared with: control, in pairs of treatments the other one. */
	against: Name,
	absoluteEffect: Effect,
	relativeEffect: Effect,
	/**
	 * Error rate of this comparison alone, for which interval and conclusion hold: the experiment's, shared among treatments
	 * (against control) or, in `pairwise`, among the pairs of treatments; not among metrics, and not between these two.
	 */
	alpha: z.number(),
	/** p-value that both are equal, valid as `basis` says, of `group-sequential` the repeated p-value of `look`; not adjusted for other comparisons. */
	pValue: z.number().nullable(),
	/** When the interval holds: at every look (`always-valid`, `hybrid` before its end), or at the planned `look` only. */
	basis: z.enum(["always-valid", "fixed", "group-sequential", "hybrid"]),
	/** The planned look that this is; `null` when every look is allowed, or none was reached yet. */
	look: PlannedLook.nullable(),
	/** Of `group-sequential`: every planned look up to `look`, tested or not, oldest first; else empty. */
	looks: z.array(TestedLook),
	/**
	 * What may be concluded now: `better` and `worse` only when the interval excludes zero; `waiting`: the planned look
	 * has not come.
	 */
	conclusion: z.enum(["better", "worse", "undecided", "too-few", "waiting"]),
	/** Difference and interval are adjusted for what units did before (CUPED). */
	adjustment: z.strictObject({ varianceReduction: z.number(), unadjustedDifference: z.number() }).nullable(),
});

export type MetricComparison = z.infer<typeof MetricComparison>;

export const MetricDesignEffect = z.discriminatedUnion("kind", [
	z.strictObject({ kind: z.literal("estimated"), value: z.number(), observationsPerUnit: z.number() }),
	NotEstimable,
]);

/** One metric among the units that were first exposed on one day. */
export const MetricDay = z.strictObject({
	/** `2026-11-20`, UTC. */
	day: z.iso.date(),
	units: z.record(Name, z.int()),
	estimates: z.record(Name, VariantEstimate),
	/** Treatment minus control, with its standard error. */
	differences: z.record(Name, VariantEstimate),
});
export type MetricDay = z.infer<typeof MetricDay>;

/**
 * A treatment against control as if both had the same share of cache hits. A hit comes after assignment, so it is an
 * effect of the prompt only where the variant does not decide which calls are hits; no verdict looks at it.
 */
export const CacheAdjustedComparison = z.strictObject({
	variant: Name,
	against: Name,
	/** Share of the observations that the provider's cache served; `null` when it could not be adjusted. */
	hitShares: z.record(Name, z.number()).nullable(),
	/** That of both together, to which both are set. */
	pooledHitShare: z.number().nullable(),
	unadjustedDifference: z.number().nullable(),
	/** With always-valid intervals, whatever the experiment's inference. */
	absoluteEffect: Effect,
	relativeEffect: Effect,
});
export type CacheAdjustedComparison = z.infer<typeof CacheAdjustedComparison>;

export const MetricResult = z.strictObject({
	metric: MetricKey,
	role: z.enum(["primary", "secondary", "guardrail"]),
	direction: Direction,
	/** `share`, `ms`, `usd`, `score`, `tokens`, `count`, or what the definition says. */
	unit: z.string(),
	description: z.string(),
	kind: z.enum(["mean", "proportion", "ratio", "quantile"]),
	per: z.enum(["call", "unit"]),
	estimates: z.record(Name, VariantEstimate),
	/** Observations per variant: calls, events, or units; of a ratio the sum of its denominator. */
	observations: z.record(Name, z.int()),
	/** Units with an observation. */
	units: z.record(Name, z.int()),
	/** How many times a test of single observations would understate the variance. Of metrics per call only. */
	designEffects: z.record(Name, MetricDesignEffect),
	/** What the cap hides; `null` without a cap. */
	winsorized: z
		.strictObject({
			cap: z.number(),
			cappedShares: z.record(Name, z.number()),
			/** Mean without the cap. */
			uncappedValues: z.record(Name, z.number()),
		})
		.nullable(),
	/** Each treatment against control. */
	comparisons: z.array(MetricComparison),
	/** Each treatment against each one before it; empty unless asked for. Each interval is alone at alpha over pairs. */
	pairwise: z.array(MetricComparison),
	/** Of means per call of cost, latency and time to first chunk, each treatment at one share of cache hits; else empty. */
	cacheAdjusted: z.array(CacheAdjustedComparison),
	/** By UTC day of a unit's first exposure, oldest first. To look for novelty; nothing is to be concluded from it. */
	trend: z.array(MetricDay),
	/** What to mind when reading it. */
	caveats: z.array(z.string()),
});
export type MetricResult = z.infer<typeof MetricResult>;

/** In a part of the units, at every look; `conclusion` goes by the adjusted p-value. */
export const SegmentComparison = MetricComparison.extend({
	/** Holm over all comparisons of the metric in all segments: below alpha is wrong anywhere with probability alpha. */
	adjustedPValue: z.number().nullable(),
});
export type SegmentComparison = z.infer<typeof SegmentComparison>;

/** Units that reported one value of a segment at their first exposure. Exploratory: no verdict looks at it. */
export const SegmentResult = z.strictObject({
	segment: AttributeName,
	/** `other`: values that few units have, together. `none`: nothing was reported. */
	kind: z.enum(["value", "other", "none"]),
	/** `null` unless `kind` is `value`. */
	value: z.string().nullable(),
	units: z.record(Name, z.int()),
	/** Whether these units follow the weights; adjusted for the number of parts of all segments (Holm). */
	sampleRatioMismatch: z.discriminatedUnion("kind", [
		z.strictObject({
			kind: z.literal("estimated"),
			pValue: z.number(),
			adjustedPValue: z.number(),
			mismatch: z.boolean(),
		}),
		NotEstimable,
	]),
	metrics: z.array(
		z.strictObject({
			metric: MetricKey,
			estimates: z.record(Name, VariantEstimate),
			observations: z.record(Name, z.int()),
			/** Each treatment against control, and in pairs when asked for. */
			comparisons: z.array(SegmentComparison),
		}),
	),
});
export type SegmentResult = z.infer<typeof SegmentResult>;

export const GuardrailResult = z.strictObject({
	metric: MetricKey,
	variant: Name,
	/** `unmeasured` is not good news. */
	status: z.enum(["passing", "breached", "inconclusive", "unmeasured"]),
	nonInferiorityMargin: z.number(),
	/** Whether a breach halts, or is only recorded. */
	onBreach: z.enum(["halt", "notify"]),
	/**
	 * Always-valid p-value of "not worse than the margin tolerates", adjusted for the number of treatments: below the
	 * experiment's alpha the guardrail passes. `null` when it cannot be estimated.
	 */
	nonInferiorityPValue: z.number().nullable(),
	/** Largest e-value over the starts that are watched, as natural logarithm, and what it must exceed. */
	logEValue: z.number().nullable(),
	logThreshold: z.number().nullable(),
	message: z.string(),
});
export type GuardrailResult = z.infer<typeof GuardrailResult>;

/** Something about the data that a reader of the numbers has to know. */
export const HealthWarning = z.strictObject({
	code: z.enum([
		"cache-hit-rates-differ",
		"abort-rates-differ",
		"units-excluded",
		"unknown-variants",
		"units-immature",
		"calls-quarantined",
		"evidence-old",
		"segment-sample-ratio-mismatch",
		"metric-source-failed",
		"metric-rows-quarantined",
	]),
	variant: Name.nullable(),
	metric: MetricKey.nullable(),
	/** One sentence for people. */
	message: z.string(),
});
export type HealthWarning = z.infer<typeof HealthWarning>;

/** One thing that a rule of the verdict found. */
export const VerdictReason = z.strictObject({
	/** Name of the rule: the first ten are those of `@armspan/stats`, the others see what statistics cannot. */
	rule: z.enum([
		"guardrail-breached",
		"guardrail-inconclusive",
		"guardrail-unmeasured",
		"sample-ratio-mismatch",
		"sample-ratio-unmeasured",
		"units-in-two-arms",
		"primary-worse",
		"primary-undecided",
		"primary-unmeasured",
		"all-requirements-shown",
		"prompt-undelivered",
		"planned-units-reached",
		"halted",
		"halt-ignored",
		"no-data",
	]),
	/** The variant that it is about; `null` when it is about the whole experiment. */
	variant: Name.nullable(),
	/** The metric that it is about, if any. */
	metric: MetricKey.nullable(),
	/** One sentence for people. */
	message: z.string(),
});
export type VerdictReason = z.infer<typeof VerdictReason>;

/**
 * What may be done with a treatment.
 *
 * | kind | says |
 * |---|---|
 * | `ship` | the primary metric is shown to be better and every guardrail not inferior |
 * | `halt` | harm is shown |
 * | `keep-running` | neither, and data may still tell |
 * | `inconclusive` | neither, and no more units will come |
 * | `invalid` | the arms cannot be compared, whatever they show |
 */
const TreatmentVerdictKind = z.enum(["ship", "halt", "keep-running", "inconclusive", "invalid"]);

export const TreatmentVerdict = z.strictObject({
	variant: Name,
	kind: TreatmentVerdictKind,
	/** Why, most important first; never empty. */
	reasons: z.array(VerdictReason).min(1),
});
export type TreatmentVerdict = z.infer<typeof TreatmentVerdict>;

/** The verdict on the experiment: what was done (`halted`), what is missing (`no-data`), or that of its treatments. */
export const Verdict = z.strictObject({
	kind: z.enum(["halted", "no-data", ...TreatmentVerdictKind.options]),
	/** One sentence a person can act on. */
	sentence: z.string(),
	/** Why, most important first; never empty. */
	reasons: z.array(VerdictReason).min(1),
	/** One for each treatment. What is shown of a treatment stays here after a halt, too. */
	treatments: z.array(TreatmentVerdict),
});
export type Verdict = z.infer<typeof Verdict>;

/** `GET /api/v1/experiments/:key/results` */
export const ExperimentResults = z.strictObject({
	schemaVersion: z.literal(1),
	experiment: Name,
	iteration: z.int(),
	status: ExperimentStatus,
	unit: UnitType,
	alpha: z.number(),
	inference: z.enum(["always-valid", "fixed", "group-sequential", "hybrid"]),
	plannedUnits: z.int(),
	maturationHours: z.number().nullable(),
	computedAt: z.iso.datetime(),
	/** Start time of the newest call that was counted. */
	newestCallAt: z.iso.datetime().nullable(),
	/** Time of the newest evaluation, feedback or conversion that was counted. */
	newestEvaluationAt: z.iso.datetime().nullable(),
	/** Evidence up to this routing revision counts; `null` while the iteration runs, or as long as no service recorded its end. */
	closedAtRevision: z.int().nullable(),
	/** Evidence up to this time counts: that of the halt, or at which a bundle was deployed in which the iteration no longer runs. */
	closedAt: z.iso.datetime().nullable(),
	variants: z.array(
		z.strictObject({
			key: Name,
			version: z.string(),
			weight: z.int(),
			units: z.int(),
			calls: z.int(),
			/** Calls to which another text was sent, because the variant's prompt could not be rendered or read. */
			undeliveredCalls: z.int(),
			/** Calls with a quantity that cannot be; it is left out, the rest of the call counts. */
			quarantinedCalls: z.int(),
			/** Failed calls by `error.type`, most first; `""` where none was given. A list, as applications choose the names. */
			errorTypes: z.array(z.strictObject({ type: z.string(), calls: z.int() })),
		}),
	),
	/** Units seen in two arms of this iteration: left out, and counted here. */
	excludedUnits: z.int(),
	/**
	 * Variants that evidence of this iteration names and the experiment has not, those with the most units first, at most 20.
	 * No arm counts their units; `unitsInKnown` of them were in a variant of the experiment as well, hence excluded.
	 */
	unknownVariants: z.array(z.strictObject({ variant: z.string(), units: z.int(), unitsInKnown: z.int() })),
	/** Units whose maturation window has not passed: they count later. */
	immatureUnits: z.int(),
	sampleRatioMismatch: z.discriminatedUnion("kind", [
		z.strictObject({ kind: z.literal("estimated"), pValue: z.number(), mismatch: z.boolean() }),
		NotEstimable,
	]),
	/** Units by UTC day of their first exposure, with the chi-square p-value that they follow the weights, for display. */
	days: z.array(
		z.strictObject({
			day: z.iso.date(),
			units: z.record(Name, z.int()),
			sampleRatioPValue: z.number().nullable(),
		}),
	),
	metrics: z.array(MetricResult),
	/** Parts of the units by the experiment's segments, each unit once in every segment. */
	segments: z.array(SegmentResult),
	guardrails: z.array(GuardrailResult),
	warnings: z.array(HealthWarning),
	verdict: Verdict,
	decisions: z.array(Decision),
});
export type ExperimentResults = z.infer<typeof ExperimentResults>;

/** Versions of a prompt beside each other as they were used. Nobody was assigned to them at random. */
export const VersionComparison = z.strictObject({
	schemaVersion: z.literal(1),
	prompt: PromptName,
	/** Differences may come from anything that differed between the calls: time, users, traffic, models. */
	design: z.literal("not-randomized"),
	computedAt: z.iso.datetime(),
	since: z.iso.datetime(),
	until: z.iso.datetime(),
	/** Level of the intervals: sampling error alone, at one look. */
	confidence: z.number(),
	/** The earlier one first: differences are the later one minus it. */
	versions: z.array(
		z.strictObject({ version: z.string(), units: z.int(), calls: z.int(), days: z.array(z.iso.date()) }),
	),
	/** Units that used both, and count in each; intervals of all but quantiles know that they are the same. */
	sharedUnits: z.int(),
	metrics: z.array(
		z.strictObject({
			metric: MetricKey,
			direction: Direction,
			unit: z.string(),
			description: z.string(),
			estimates: z.record(z.string(), VariantEstimate),
			observations: z.record(z.string(), z.int()),
			absoluteDifference: Effect,
			relativeDifference: Effect,
			/** What was seen, in words that say no more. */
			sentence: z.string(),
		}),
	),
	caveats: z.array(z.string()).min(1),
	/** What to do to know. */
	recommendation: z.string(),
});
export type VersionComparison = z.infer<typeof VersionComparison>;
