import { z } from "zod";
import { BUILT_IN_METRICS } from "./built-in-metrics.ts";
import { ModelParameters } from "./json-value.ts";
import { MetricDefinition, MetricKey } from "./metric.ts";
import { Name, PromptName, SemanticVersion } from "./names.ts";

/** What is randomized, hence what is analysed. `attribute`: an attribute of the call, such as its account. */
export const UnitType = z.enum(["user", "session", "request", "attribute"]);
export type UnitType = z.infer<typeof UnitType>;

/** Name of a call's attribute. `targetingKey` is the unit's id in flagd. */
export const AttributeName = z
	.string()
	.max(100)
	.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected letters, digits and '_'")
	.refine((name) => name !== "targetingKey", '"targetingKey" is the unit\'s id in flagd; rename it');

/** Adds to `context` when `unitAttribute` and `unit: attribute` do not stand together. */
export function checkUnitAttribute(
	given: { readonly unit: UnitType; readonly unitAttribute?: string | undefined },
	context: z.core.$RefinementCtx,
): void {
	if ((given.unit === "attribute") === (given.unitAttribute !== undefined)) return;
	const message =
		given.unit === "attribute"
			? "name the attribute that is randomized"
			: `only for unit "attribute", found unit "${given.unit}"; remove one of the two`;
	context.addIssue({ code: "custom", path: ["unitAttribute"], message });
}

export const ExperimentStatus = z.enum(["draft", "running", "halted", "stopped"]);
export type ExperimentStatus = z.infer<typeof ExperimentStatus>;

/** Engines disagree on halves of surrogate pairs. */
const Text = z
	.string()
	.max(500)
	.refine((text) => text.isWellFormed(), "expected well-formed Unicode");

const Affix = Text.refine((text) => text !== "", "expected at least one character");

/** Values of one type: a text and a number are compared differently from language to language. */
const Members = z
	.array(z.union([Text, z.number(), z.boolean()], "expected a text of at most 500 characters, a number, true or false"))
	.min(1)
	.max(1000)
	.superRefine((members, context) => {
		const types = new Set(members.map((member) => typeof member));
		if (types.size > 1) {
			const message = `expected values of one type, found ${[...types].join(" and ")}; let the application send one type`;
			context.addIssue({ code: "custom", message });
		} else if (types.has("boolean") && members.length > 1) {
			context.addIssue({ code: "custom", message: "expected one value, true or false; every boolean is one of both" });
		}
	});

const IDENTIFIER = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
const PART = "(?:0|[1-9][0-9]{0,14})";
const COMPARATOR = new RegExp(`^(?:>=|>|<=|<|=)${PART}\\.${PART}\\.${PART}(?:-${IDENTIFIER}(?:\\.${IDENTIFIER})*)?$`);

/** `>=1.2.0 <2.0.0`: comparators that all must hold, separated by single spaces; no `^`, `~`, which flagd reads its own way. */
const VersionRange = z
	.string()
	.max(200)
	.refine(
		(range) => range.split(" ").every((part) => COMPARATOR.test(part)),
		'expected comparators such as ">=1.2.0 <2.0.0": >=, >, <=, < or = and a full version, separated by single spaces',
	);

const AUDIENCE_OPERATORS = ["in", "notIn", "startsWith", "endsWith", "atLeast", "below", "version"] as const;

/**
 * A condition on an attribute of the call, with exactly one operator; all conditions of an audience must hold. An
 * attribute that is missing, or of another type than the operator asks for, meets none.
 */
export const AudienceCondition = z
	.strictObject({
		attribute: AttributeName,
		in: Members.optional(),
		/** Texts only. */
		notIn: z.array(Text).min(1).max(1000).optional(),
		startsWith: Affix.optional(),
		endsWith: Affix.optional(),
		/** Numbers from this one on. */
		atLeast: z.number().optional(),
		/** Numbers less than this one. */
		below: z.number().optional(),
		/** Texts that are a full semantic version `1.4.0` or `1.4.0-rc.1` within the range. */
		version: VersionRange.optional(),
	})
	.superRefine((condition, context) => {
		const given = AUDIENCE_OPERATORS.filter((operator) => condition[operator] !== undefined);
		if (given.length === 1) return;
		const message =
			given.length === 0
				? `expected one of ${AUDIENCE_OPERATORS.join(", ")}`
				: `expected one operator, found ${given.join(" and ")}; write a condition for each`;
		context.addIssue({ code: "custom", message });
	});
export type AudienceCondition = z.infer<typeof AudienceCondition>;

export const ExperimentVariant = z.strictObject({
	key: Name,
	/** Released version of the experiment's prompt. */
	version: SemanticVersion,
	/** Share inside the gate, relative to the other variants'; fixed for the iteration. */
	weight: z.int().min(1).max(10_000).default(1),
	/** Overrides the prompt's model. */
	model: z.string().min(1).max(200).optional(),
	/** Merged over the prompt's config. */
	config: ModelParameters.optional(),
});
export type ExperimentVariant = z.infer<typeof ExperimentVariant>;

/** A metric that may get worse only so far. */
export const Guardrail = z.strictObject({
	metric: MetricKey,
	/** Tolerated relative change for the worse: 0.5 lets an error rate of 2 % become 3 %. */
	nonInferiorityMargin: z.number().min(0).max(100),
	/** `halt` gives everybody control, unenrolled; `notify` records the decision and leaves routing alone. */
	onBreach: z.enum(["halt", "notify"]).default("halt"),
});
export type Guardrail = z.infer<typeof Guardrail>;

/** The gate: share of eligible units that is enrolled, in steps of 0.00001. */
const Gate = z.number().min(0).max(1).default(1);

/** Who gets what. */
export const Allocation = z.discriminatedUnion(
	"type",
	[
		z.strictObject({ type: z.literal("fixed").default("fixed"), enrolled: Gate }),
		/**
		 * Everybody gets the default version, unenrolled; for units inside the gate a treatment runs beside it, whose
		 * answer nobody sees.
		 */
		z.strictObject({
			type: z.literal("shadow"),
			enrolled: Gate,
			/** Shadow calls under way at once, per process. */
			maxConcurrent: z.int().min(1).max(1000).default(4),
			/** Shadow calls started, per process. */
			maxCallsPerMinute: z.int().min(1).max(1_000_000).default(60),
		}),
	],
	'expected type "fixed" or "shadow"',
);
export type Allocation = z.infer<typeof Allocation>;

/** Each name means one thing: own metrics have names of their own, and a guardrail stands once. */
function checkMetricNames(
	{ metrics, guardrails }: { readonly metrics: readonly MetricDefinition[]; readonly guardrails: readonly Guardrail[] },
	context: z.core.$RefinementCtx,
): void {
	const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
	metrics.forEach(({ key }, index) => {
		if (BUILT_IN_METRICS.has(key)) refuse(["metrics", index, "key"], `"${key}" is built in; choose another key`);
		if (metrics.findIndex((other) => other.key === key) < index) {
			refuse(["metrics", index, "key"], `duplicate metric "${key}"`);
		}
	});
	guardrails.forEach(({ metric }, index) => {
		if (guardrails.findIndex((other) => other.metric === metric) < index) {
			refuse(["guardrails", index, "metric"], `duplicate guardrail "${metric}"`);
		}
	});
}

const MAX_SEGMENTS = 5;

function checkSegments(
	{ segments, unitAttribute }: { readonly segments: readonly string[]; readonly unitAttribute?: string | undefined },
	context: z.core.$RefinementCtx,
): void {
	segments.forEach((name, index) => {
		const fault =
			name === unitAttribute
				? `"${name}" is the unit itself: every unit would be a segment, and its id would leave unhashed`
				: segments.indexOf(name) < index
					? `duplicate segment "${name}"`
					: undefined;
		if (fault !== undefined) context.addIssue({ code: "custom", path: ["segments", index], message: fault });
	});
}

/** `experiments/<key>.yaml` */
export const Experiment = z
	.strictObject({
		key: Name,
		hypothesis: z.string().min(1).max(2000),
		owner: z.string().min(1).max(200),
		prompt: PromptName,
		status: ExperimentStatus,
		/** Raised by a person whenever arms, weights, versions or metrics change: fresh salt, fresh evidence. */
		iteration: z.int().min(1).max(1_000_000).default(1),
		unit: UnitType.default("user"),
		/** Attribute of the call that is randomized, for `unit: attribute`. */
		unitAttribute: AttributeName.optional(),
		/** Control first. */
		variants: z.array(ExperimentVariant).min(2).max(20),
		audience: z.array(AudienceCondition).max(50).default([]),
		/** Experiments that must not overlap share a layer; the prompt's own layer if none is named. */
		layer: Name.optional(),
		allocation: Allocation.prefault({}),
		primaryMetric: z.strictObject({
			metric: MetricKey,
			/** Smallest relative change worth knowing of: 0.05 is 5 %. */
			minimumDetectableEffect: z.number().positive().max(100),
		}),
		secondaryMetrics: z.array(MetricKey).max(100).default([]),
		guardrails: z.array(Guardrail).max(10).default([]),
		/**
		 * Attributes of the call by which results are broken down, too: `[plan, country]`. A unit belongs to the value of
		 * its first exposure; exploratory, no verdict looks at it.
		 */
		segments: z.array(AttributeName).max(MAX_SEGMENTS).default([]),
		/** Definitions of metrics that are not built in; the registry adds those of the repository that are named here. */
		metrics: z.array(MetricDefinition).max(100).default([]),
		/** Two-sided error rate of the intervals; guardrails share it. */
		alpha: z.number().positive().lt(0.5).default(0.05),
		power: z.number().min(0.5).lt(1).default(0.8),
		/**
		 * When intervals hold. `always-valid`: at every look. `fixed`: once, when `plannedUnits` have come.
		 * `group-sequential`: at `plannedLooks` looks until then. `hybrid`: always, with half of alpha kept for the end.
		 * Guardrails always hold at every look.
		 */
		inference: z.enum(["always-valid", "fixed", "group-sequential", "hybrid"]).default("always-valid"),
		/** Looks of `group-sequential`, evenly spaced in units; the last at `plannedUnits`. */
		plannedLooks: z.int().min(2).max(20).default(5),
		/**
		 * Hours after a unit's first exposure within which its events count; units that have not been exposed for so long
		 * count not yet. Without, everything counts at once.
		 */
		maturationHours: z.number().positive().max(2160).optional(),
		/**
		 * Enrolled units expected in all; the intervals are narrowest around half of it. Once they have come, what is not
		 * shown is `inconclusive`. Fixed before launch.
		 */
		plannedUnits: z.int().min(100).max(1_000_000_000).default(10_000),
	})
	.superRefine((experiment, context) => {
		checkUnitAttribute(experiment, context);
		if (experiment.variants[0]?.key !== "control") {
			context.addIssue({
				code: "custom",
				path: ["variants", 0, "key"],
				message: `expected the first variant to be "control", found "${experiment.variants[0]?.key}"`,
			});
		}
		const seen = new Set<string>();
		experiment.variants.forEach((variant, index) => {
			if (seen.has(variant.key)) {
				context.addIssue({
					code: "custom",
					path: ["variants", index, "key"],
					message: `duplicate variant "${variant.key}"`,
				});
			}
			if (variant.key === "default") {
				context.addIssue({
					code: "custom",
					path: ["variants", index, "key"],
					message: `"default" is reserved for units that are not enrolled`,
				});
			}
			seen.add(variant.key);
		});
		checkMetricNames(experiment, context);
		checkSegments(experiment, context);
	});
export type Experiment = z.infer<typeof Experiment>;

/** What must not change within an iteration, since the meaning of its evidence would: what a start decision records. */
export const ITERATION_FIELDS = [
	"prompt",
	"unit",
	"variants",
	"audience",
	"layer",
	"primaryMetric",
	"secondaryMetrics",
	"guardrails",
	"segments",
	"alpha",
	"inference",
	"plannedUnits",
	"plannedLooks",
	"maturationHours",
	"metrics",
] as const satisfies readonly (keyof Experiment)[];
