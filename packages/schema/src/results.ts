import { z } from "zod";
import { Decision } from "./decision.ts";
import { ExperimentStatus, UnitType } from "./experiment.ts";
import { Direction, MetricKey } from "./metric.ts";
import { Name } from "./names.ts";

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

export const MetricComparison = z.strictObject({
	variant: Name,
	absoluteEffect: Effect,
	relativeEffect: Effect,
	/** Always-valid p-value that the variant equals control. */
	pValue: z.number().nullable(),
	/** What may be concluded now: `better` and `worse` only when the interval excludes zero. */
	conclusion: z.enum(["better", "worse", "undecided", "too-few"]),
});

export type MetricComparison = z.infer<typeof MetricComparison>;

export const MetricResult = z.strictObject({
	metric: MetricKey,
	role: z.enum(["primary", "secondary", "guardrail"]),
	direction: Direction,
	unit: z.enum(["share", "ms", "usd", "score"]),
	estimates: z.record(Name, VariantEstimate),
	/** Observations per variant: calls, feedback events or units. */
	observations: z.record(Name, z.int()),
	comparisons: z.array(MetricComparison),
});
export type MetricResult = z.infer<typeof MetricResult>;

export const GuardrailResult = z.strictObject({
	metric: MetricKey,
	variant: Name,
	/** `unmeasured` is not good news. */
	status: z.enum(["passing", "breached", "inconclusive", "unmeasured"]),
	nonInferiorityMargin: z.number(),
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
	computedAt: z.iso.datetime(),
	/** Start time of the newest call that was counted. */
	newestCallAt: z.iso.datetime().nullable(),
	/** Evidence up to this routing revision counts; `null` while the experiment runs. */
	closedAtRevision: z.int().nullable(),
	variants: z.array(
		z.strictObject({
			key: Name,
			version: z.string(),
			weight: z.int(),
			units: z.int(),
			calls: z.int(),
			/** Calls to which another text was sent, because the variant's prompt could not be rendered or read. */
			undeliveredCalls: z.int(),
		}),
	),
	/** Units seen in two arms of this iteration: left out, and counted here. */
	excludedUnits: z.int(),
	sampleRatioMismatch: z.discriminatedUnion("kind", [
		z.strictObject({ kind: z.literal("estimated"), pValue: z.number(), mismatch: z.boolean() }),
		NotEstimable,
	]),
	metrics: z.array(MetricResult),
	guardrails: z.array(GuardrailResult),
	verdict: Verdict,
	decisions: z.array(Decision),
});
export type ExperimentResults = z.infer<typeof ExperimentResults>;
