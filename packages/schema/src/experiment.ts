import { z } from "zod";
import { ModelParameters } from "./json-value.ts";
import { MetricKey } from "./metric.ts";
import { Name, PromptName, SemanticVersion } from "./names.ts";

/** What is randomized, hence what is analysed. */
export const UnitType = z.enum(["user", "session", "request"]);
export type UnitType = z.infer<typeof UnitType>;

export const ExperimentStatus = z.enum(["draft", "running", "halted", "stopped"]);
export type ExperimentStatus = z.infer<typeof ExperimentStatus>;

const Scalar = z.union([z.string().max(500), z.number(), z.boolean()]);

/** A condition on an attribute of the call; all conditions of an audience must hold. */
export const AudienceCondition = z.strictObject({
	attribute: z
		.string()
		.max(100)
		.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected letters, digits and '_'"),
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
		/** Control first. */
		variants: z.array(ExperimentVariant).min(2).max(20),
		audience: z.array(AudienceCondition).max(50).default([]),
		/** Experiments that must not overlap share a layer; the prompt's own layer if none is named. */
		layer: Name.optional(),
		allocation: z
			.strictObject({
				type: z.literal("fixed").default("fixed"),
				/** The gate: share of eligible units that is enrolled, in steps of 0.00001. */
				enrolled: z.number().min(0).max(1).default(1),
			})
			.prefault({}),
		primaryMetric: z.strictObject({
			metric: MetricKey,
			/** Smallest relative change worth knowing of: 0.05 is 5 %. */
			minimumDetectableEffect: z.number().positive().max(100),
		}),
		secondaryMetrics: z.array(MetricKey).default([]),
		guardrails: z.array(Guardrail).max(1).default([]),
		/** Two-sided error rate of the intervals; guardrails share it. */
		alpha: z.number().positive().max(0.5).default(0.05),
		power: z.number().min(0.5).lt(1).default(0.8),
		/** Always-valid: intervals and halts hold at every look. */
		inference: z.literal("always-valid").default("always-valid"),
		/** Enrolled units expected in all; the intervals are narrowest around half of it. Fixed before launch. */
		plannedUnits: z.int().min(100).max(1_000_000_000).default(10_000),
	})
	.superRefine((experiment, context) => {
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
