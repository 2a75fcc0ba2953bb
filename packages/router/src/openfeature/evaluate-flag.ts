import type { JsonValue, RoutingFile } from "@armspan/schema";
import {
	ARMSPAN_ENROLLED,
	ARMSPAN_EXPERIMENT,
	ARMSPAN_ITERATION,
	ARMSPAN_PROMPT_DIGEST,
	ARMSPAN_ROUTING_REVISION,
	ARMSPAN_UNIT_TYPE,
	GEN_AI_PROMPT_VERSION,
} from "@armspan/schema/semconv";
import type { Assignment, AssignmentReason, Attributes, Units } from "../assignment.ts";
import type { RoutingTable } from "../routing-table.ts";

/** A routing file and the table made of it; every `LoadedBundle` is one. */
export interface EvaluableBundle {
	readonly table: RoutingTable;
	readonly file: RoutingFile;
}

/** An OpenFeature evaluation context. */
export type FlagContext = Readonly<Record<string, unknown>>;

/**
 * Whose id `targetingKey` is. `flag`: of the unit that the flag hashes, as flagd reads it. `user`: of a user, always;
 * then flags of other units need the unit's own attribute.
 */
export type TargetingKeyUnit = "flag" | "user";

/** Words of OpenFeature's specification. */
export type FlagReason = "SPLIT" | "DEFAULT" | "TARGETING_MATCH" | "DISABLED";

/** What OpenFeature and OFREP say of a flag. */
export interface FlagEvaluation {
	/** The variant as it stands in the routing file; a copy that the caller may change. */
	readonly value: { [key: string]: JsonValue };
	/** `default` or `<experiment>.<variant>`. */
	readonly variant: string;
	readonly reason: FlagReason;
	readonly flagMetadata: Record<string, string | number | boolean>;
	readonly assignment: Assignment;
	/** Id of the unit that the flag hashes; `undefined` when the context names none. */
	readonly unitId: string | undefined;
}

/** Flag metadata: why this unit got what it got, in Armspan's words (`AssignmentReason`). */
export const ARMSPAN_REASON = "armspan.reason";

const REASONS: Partial<Record<AssignmentReason | "override", FlagReason>> = {
	override: "TARGETING_MATCH",
	halted: "DISABLED",
	stopped: "DISABLED",
};

/**
 * What a unit gets of a flag (one flag per prompt), by the same table as `RoutingTable.assign`.
 *
 * Ids are read from the context's `user`, `session`, `request`, or the attribute that the flag's unit names, whichever
 * the flag hashes: a text or a whole number. Where it is absent, `targetingKey` stands for it as `targetingKeyUnit`
 * says. No id: the default variant, reason `DEFAULT`. Of the attributes only texts, numbers and booleans are seen.
 * @returns `undefined` if there is no such flag
 */
export function evaluateFlag(
	{ table, file }: EvaluableBundle,
	flagKey: string,
	context: FlagContext,
	targetingKeyUnit: TargetingKeyUnit = "flag",
): FlagEvaluation | undefined {
	if (!Object.hasOwn(file.flags, flagKey)) return undefined;
	const { unitAttribute } = file.flags[flagKey]!.metadata;
	const units = unitsOf(context, targetingKeyUnit);
	const attributes = attributesOf(context, targetingKeyUnit === "flag" ? unitAttribute : undefined);
	const assignment = table.assign(flagKey, units, attributes);
	const variant = assignment && file.flags[flagKey]!.variants[assignment.flagVariant];
	if (assignment === undefined || variant === undefined) return undefined;
	const { flagSetId, version, revision } = file.metadata;
	const flagMetadata: FlagEvaluation["flagMetadata"] = {
		flagSetId,
		version,
		[ARMSPAN_ROUTING_REVISION]: revision,
		[ARMSPAN_UNIT_TYPE]: assignment.unitType,
		[ARMSPAN_ENROLLED]: assignment.enrolled,
		[ARMSPAN_REASON]: assignment.reason,
		[GEN_AI_PROMPT_VERSION]: assignment.version,
		[ARMSPAN_PROMPT_DIGEST]: assignment.digest,
	};
	if (assignment.experiment !== null) {
		flagMetadata[ARMSPAN_EXPERIMENT] = assignment.experiment;
		flagMetadata[ARMSPAN_ITERATION] = assignment.iteration;
	}
	const unitId = table.unitId(flagKey, units, attributes);
	// Telemetry takes the targeting key for the unit's id unless it is told otherwise.
	if (unitId !== undefined && unitId !== context.targetingKey) flagMetadata.contextId = unitId;
	return {
		value: copy(variant) as FlagEvaluation["value"],
		variant: assignment.flagVariant,
		reason: reasonOf(assignment),
		flagMetadata,
		assignment,
		unitId,
	};
}

/** An arm or a shadow is chosen by hash; what is not chosen is the default. */
function reasonOf({ reason, flagVariant }: Assignment): FlagReason {
	return REASONS[reason] ?? (flagVariant === "default" ? "DEFAULT" : "SPLIT");
}

/** The table judges what is an id; here only what stands in whose place. */
function unitsOf(context: FlagContext, targetingKeyUnit: TargetingKeyUnit): Units {
	const key = given(context.targetingKey);
	const other = targetingKeyUnit === "flag" ? key : undefined;
	return {
		user: given(context.user) ?? key,
		session: given(context.session) ?? other,
		request: given(context.request) ?? other,
	};
}

function given(value: unknown): string | undefined {
	if (typeof value === "string") return value;
	return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** @param unitAttribute attribute for which the targeting key stands where it is absent */
function attributesOf(context: FlagContext, unitAttribute: string | undefined): Attributes {
	// Contexts come from outside: no key of theirs may reach a prototype.
	const attributes: Record<string, string | number | boolean> = Object.create(null);
	for (const key of Object.keys(context)) {
		const value = context[key];
		if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
			attributes[key] = value as string | number | boolean;
		}
	}
	if (unitAttribute !== undefined && given(attributes[unitAttribute]) === undefined) {
		const key = given(context.targetingKey);
		if (key !== undefined) attributes[unitAttribute] = key;
	}
	return attributes;
}

/** Assignments are shared and frozen; what is handed out is neither. */
function copy(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(copy);
	if (value === null || typeof value !== "object") return value;
	return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
}
