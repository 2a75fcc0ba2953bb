import type { Assignment } from "@armspan/router";
import {
	ARMSPAN_ENROLLED,
	ARMSPAN_EXPERIMENT,
	ARMSPAN_ITERATION,
	ARMSPAN_PROMPT_DIGEST,
	ARMSPAN_ROUTING_REVISION,
	ARMSPAN_SHADOW,
	ARMSPAN_UNIT_TYPE,
	FEATURE_FLAG_KEY,
	FEATURE_FLAG_RESULT_VARIANT,
	GEN_AI_PROMPT_NAME,
	GEN_AI_PROMPT_VERSION,
} from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";

/** What all calls of one assignment have in common on their spans and events; the unit id is added per call. */
export function assignmentAttributes(assignment: Assignment, revision: number): Readonly<Attributes> {
	const attributes: Attributes = {
		[GEN_AI_PROMPT_NAME]: assignment.promptName,
		[GEN_AI_PROMPT_VERSION]: assignment.version,
		[FEATURE_FLAG_KEY]: assignment.promptName,
		[FEATURE_FLAG_RESULT_VARIANT]: assignment.flagVariant,
		[ARMSPAN_ENROLLED]: assignment.enrolled,
		[ARMSPAN_UNIT_TYPE]: assignment.unitType,
		[ARMSPAN_PROMPT_DIGEST]: assignment.digest,
		[ARMSPAN_ROUTING_REVISION]: revision,
	};
	if (assignment.enrolled && assignment.experiment !== null) {
		attributes[ARMSPAN_EXPERIMENT] = assignment.experiment;
		attributes[ARMSPAN_ITERATION] = assignment.iteration;
	}
	return Object.freeze(attributes);
}

/** What spans of a shadow say: which arm ran, of which experiment, and that it never counts as a call of a comparison. */
export function shadowAttributes(shadow: Assignment, revision: number): Readonly<Attributes> {
	const attributes: Attributes = { ...assignmentAttributes(shadow, revision), [ARMSPAN_SHADOW]: true };
	if (shadow.experiment !== null) {
		attributes[ARMSPAN_EXPERIMENT] = shadow.experiment;
		attributes[ARMSPAN_ITERATION] = shadow.iteration;
	}
	return Object.freeze(attributes);
}

/** A call that could not be routed: which prompt was asked for, and that nobody is enrolled. */
export function unroutedAttributes(promptName: string | undefined): Readonly<Attributes> {
	const attributes: Attributes = { [ARMSPAN_ENROLLED]: false };
	if (promptName !== undefined) attributes[GEN_AI_PROMPT_NAME] = promptName;
	return Object.freeze(attributes);
}
