import { z } from "zod";
import { UnitType } from "./experiment.ts";
import { JsonValue, ModelParameters } from "./json-value.ts";
import { Name, PromptDigest, PromptName, PromptVersion } from "./names.ts";

/** The one bucketing rule this version of Armspan knows: `(murmur3_32(utf8) × Σweights) >> 32`. */
export const HASH_VERSION = "flagd-fractional-v2";

/** Name of the variant that a unit gets when it is not enrolled. */
export const DEFAULT_VARIANT = "default";

const Ascii = z
	.string()
	.max(500)
	.regex(/^[\x21-\x7e]+$/, "expected printable ASCII without spaces");

/** What a variant of a flag delivers. */
export const RoutingVariant = z.strictObject({
	prompt: PromptName,
	version: PromptVersion,
	/** The prompt file `prompts/<digest>.prompt` beside the routing file. */
	digest: PromptDigest,
	model: z.string().min(1),
	parameters: ModelParameters,
	experiment: Name.nullable(),
	iteration: z.int().min(0),
	/** Key of the arm inside the experiment; `default` when not enrolled. */
	variant: Name,
	enrolled: z.boolean(),
});
export type RoutingVariant = z.infer<typeof RoutingVariant>;

/** Metadata of a flag; scalars only, as flagd demands. */
export const RoutingFlagMetadata = z.strictObject({
	/** Which unit the layer hashes; callers of other flagd providers pass its id as targeting key. */
	unit: UnitType,
	experiment: Name.optional(),
	iteration: z.int().min(1).optional(),
	status: z.enum(["running", "halted", "stopped"]).optional(),
	layer: Name.optional(),
	/** Seeds in front of the unit id, each ending before the colon. */
	gateSalt: Ascii.optional(),
	armSalt: Ascii.optional(),
});
export type RoutingFlagMetadata = z.infer<typeof RoutingFlagMetadata>;

export const RoutingFlag = z.strictObject({
	state: z.literal("ENABLED"),
	defaultVariant: z.literal(DEFAULT_VARIANT),
	variants: z.record(Ascii, RoutingVariant),
	/** JsonLogic of flagd's strict profile; absent when everybody gets the default. */
	targeting: JsonValue.optional(),
	metadata: RoutingFlagMetadata,
});
export type RoutingFlag = z.infer<typeof RoutingFlag>;

/**
 * `routing.json`: a flagd flag definition in Armspan's strict profile (docs/decisions/0003-routing-bundle.md).
 * It holds no time of day on purpose: the same input compiles to the same bytes.
 */
export const RoutingFile = z.strictObject({
	$schema: z.literal("https://flagd.dev/schema/v0/flags.json"),
	metadata: z.strictObject({
		/** `armspan/<environment>` */
		flagSetId: Ascii,
		/** The revision as text, for OpenFeature's telemetry. */
		version: z.string(),
		/** Strictly increasing. */
		revision: z.int().min(1),
		hash: z.literal(HASH_VERSION),
		/** Vector that a reader recomputes before it trusts its own hash: `<input>=<uint32>`. */
		selfTest: z.string(),
		/** Commit of the repository that was compiled. */
		sourceCommit: z.string(),
	}),
	$evaluators: z.record(Name, JsonValue).optional(),
	flags: z.record(PromptName, RoutingFlag),
});
export type RoutingFile = z.infer<typeof RoutingFile>;
