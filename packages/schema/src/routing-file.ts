import { z } from "zod";
import { AttributeName, ExperimentStatus, UnitType } from "./experiment.ts";
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

const Delivery = {
	version: PromptVersion,
	/** The prompt file `prompts/<digest>.prompt` beside the routing file. */
	digest: PromptDigest,
	model: z.string().min(1),
	parameters: ModelParameters,
};

/** What runs beside the answer and is shown to nobody. */
export const RoutingShadow = z.strictObject({
	...Delivery,
	/** Key of the arm inside the experiment. */
	variant: Name,
	/** Per process. */
	maxConcurrent: z.int().min(1),
	/** Per process. */
	maxCallsPerMinute: z.int().min(1),
});
export type RoutingShadow = z.infer<typeof RoutingShadow>;

/** What a variant of a flag delivers. */
export const RoutingVariant = z.strictObject({
	prompt: PromptName,
	...Delivery,
	/** Also set for an override and for a shadow, which are not enrolled. */
	experiment: Name.nullable(),
	iteration: z.int().min(0),
	/** Key of the arm that is delivered; `default` when the default version is. */
	variant: Name,
	enrolled: z.boolean(),
	/** Runs beside it; then it delivers the default version, unenrolled. */
	shadow: RoutingShadow.optional(),
});
export type RoutingVariant = z.infer<typeof RoutingVariant>;

const RoutedStatus = z.enum(ExperimentStatus.options).exclude(["draft"]);
export type RoutedStatus = z.infer<typeof RoutedStatus>;

/** An experiment that a flag speaks of. */
export interface RoutedExperiment {
	readonly key: string;
	readonly iteration: number;
	readonly status: RoutedStatus;
}

const ROUTED_EXPERIMENT = /^([a-z0-9][a-z0-9_-]*)#([1-9][0-9]{0,6}):(running|halted|stopped)$/;

const ATTRIBUTE = "[A-Za-z_][A-Za-z0-9_]{0,99}";
const ROUTED_SEGMENTS = new RegExp(`^([a-z0-9][a-z0-9_-]*):(${ATTRIBUTE}(?:,${ATTRIBUTE}){0,4})$`);

/** Metadata of a flag; scalars only, as flagd demands. */
export const RoutingFlagMetadata = z.strictObject({
	/** Which unit is hashed; callers of other flagd providers pass its id as targeting key. */
	unit: UnitType,
	unitAttribute: AttributeName.optional(),
	layer: Name.optional(),
	/** `<key>#<iteration>:<status>`, separated by spaces: `polite#2:running brief#1:halted`. */
	experiments: z
		.string()
		.refine(
			(text) => text.split(" ").every((part) => ROUTED_EXPERIMENT.test(part)),
			'expected "<key>#<iteration>:<running|halted|stopped>", separated by single spaces',
		)
		.optional(),
	/** Attributes that exposures of running experiments report: `polite:plan,country brief:plan`. */
	segments: z
		.string()
		.refine(
			(text) => text.split(" ").every((part) => ROUTED_SEGMENTS.test(part)),
			'expected "<key>:<attribute>,…" with at most five attributes, separated by single spaces',
		)
		.optional(),
});
export type RoutingFlagMetadata = z.infer<typeof RoutingFlagMetadata>;

/** The experiments that a flag's metadata names. */
export function routedExperiments(metadata: RoutingFlagMetadata): RoutedExperiment[] {
	return (metadata.experiments?.split(" ") ?? []).map((part) => {
		const [, key = "", iteration, status] = ROUTED_EXPERIMENT.exec(part) ?? [];
		return { key, iteration: Number(iteration), status: status as RoutedStatus };
	});
}

/** By experiment, the attributes that its exposures report. */
export function routedSegments(metadata: RoutingFlagMetadata): Map<string, readonly string[]> {
	return new Map(
		(metadata.segments?.split(" ") ?? []).map((part) => {
			const [, key = "", names = ""] = ROUTED_SEGMENTS.exec(part) ?? [];
			return [key, names.split(",")];
		}),
	);
}

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

/**
 * `rollback.json` beside `routing.json`: a person's word that readers may go back to an older revision. Without it they
 * refuse whatever is not newer than what they have.
 */
export const RollbackRecord = z
	.strictObject({
		/** Readers that hold a revision up to this one may go back. */
		fromRevision: z.int().min(1),
		toRevision: z.int().min(1),
		/** sha256 of the bytes of the `routing.json` that is gone back to. */
		routingDigest: z.string().regex(/^[0-9a-f]{64}$/, "expected a sha256 in hex"),
		reason: z.string().min(1).max(500),
		/** Who says so. */
		by: z.string().min(1).max(200),
	})
	.refine(({ fromRevision, toRevision }) => toRevision < fromRevision, {
		path: ["toRevision"],
		message: "expected a revision below fromRevision",
	});
export type RollbackRecord = z.infer<typeof RollbackRecord>;
