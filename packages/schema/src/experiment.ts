import { z } from "zod";
import { ModelParameters } from "./json-value.ts";
import { MetricKey } from "./metric.ts";
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

const Scalar = z.union([z.string().max(500), z.number(), z.boolean()]);

/** A condition on an attribute of the call; all conditions of an audience must hold. */
export const AudienceCondition = z.strictObject({
	attribute: AttributeName,
	in: z.array(Scalar).min(1).max(1000),
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
	metric: z.literal("error-rate"),
	/** Tolerated relative increase: 0.5 lets a rate of 2 % become 3 %. */
	nonInferiorityMargin: z.number().min(0).max(100),
	/** `halt` gives everybody control, unenrolled; `notify` records the decision and leaves routing alone. */
	onBreach: z.enum(["halt", "notify"]).default("halt"),
});
export type Guardrail = z.infer<typeof Guardrail>;

/** The gate: share of eligible units that is enrolled, in steps of 0.00001. */
const Gate = z.number().min(0).max(1).default(1);

/** Who gets what. */
export const Allocation = z.union([
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
]);
export type Allocation = z.infer<typeof Allocation>;

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
		secondaryMetrics: z.array(MetricKey).default([]),
		guardrails: z.array(Guardrail).max(1).default([]),
		/** Two-sided error rate of the intervals; guardrails share it. */
		alpha: z.number().positive().lt(0.5).default(0.05),
		power: z.number().min(0.5).lt(1).default(0.8),
		/** Always-valid: intervals and halts hold at every look. */
		inference: z.literal("always-valid").default("always-valid"),
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
	});
export type Experiment = z.infer<typeof Experiment>;
