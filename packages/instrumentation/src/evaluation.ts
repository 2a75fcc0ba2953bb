import { createHash, randomUUID } from "node:crypto";
import {
	ARMSPAN_EVALUATION_KIND,
	ARMSPAN_EVENT_ID,
	ARMSPAN_EXPERIMENT,
	ARMSPAN_FALLBACK_REASON,
	ARMSPAN_ITERATION,
	ARMSPAN_UNIT_ID,
	GEN_AI_EVALUATION_EXPLANATION,
	GEN_AI_EVALUATION_NAME,
	GEN_AI_EVALUATION_SCORE_LABEL,
	GEN_AI_EVALUATION_SCORE_VALUE,
	GEN_AI_PROMPT_NAME,
} from "@armspan/schema/semconv";
import type { Attributes } from "@opentelemetry/api";

export type EvaluationKind = "feedback" | "score" | "conversion";

/** What a user said about an answer. */
export interface Feedback {
	/** 0 (bad) to 1 (good); thumbs are 0 and 1. */
	readonly score: number;
	readonly label?: string | undefined;
	/** Free text; it leaves the process, so it is for the application to decide whether it may. */
	readonly explanation?: string | undefined;
	/** Default `feedback`. */
	readonly name?: string | undefined;
	/** See `EvaluationOptions`. */
	readonly id?: string | undefined;
}

export interface EvaluationOptions {
	/**
	 * What makes this evaluation one and the same when it is reported again, such as an order number: it counts once for
	 * the unit, prompt, kind and name. Without it a call's own methods count every time, a reference counts once.
	 */
	readonly id?: string | undefined;
}

const MAX_NAME_LENGTH = 100;
const MAX_LABEL_LENGTH = 200;
const MAX_EXPLANATION_LENGTH = 4000;
const MAX_ID_LENGTH = 500;

/** What an application said; anything may be in it. */
export interface GivenEvaluation {
	readonly name: unknown;
	readonly score: unknown;
	readonly label?: unknown;
	readonly explanation?: unknown;
	readonly id?: unknown;
}

/**
 * @param identity what the event's id is derived from when the application gives none; at random without it
 * @returns attributes of the event, or in words why there can be none
 */
export function evaluationAttributes(
	kind: EvaluationKind,
	evaluation: GivenEvaluation,
	assignment: Attributes,
	identity?: string,
): Attributes | string {
	const { name, score, label, explanation, id } = evaluation;
	if (typeof name !== "string" || name === "" || name.length > MAX_NAME_LENGTH) {
		return `evaluation name: expected 1 to ${MAX_NAME_LENGTH} characters`;
	}
	if (typeof score !== "number" || !Number.isFinite(score)) return `${kind} "${name}": expected a finite number`;
	if (kind === "feedback" && (score < 0 || score > 1)) {
		return `feedback "${name}": expected a score between 0 and 1, found ${score}`;
	}
	if (id !== undefined && (typeof id !== "string" || id === "" || id.length > MAX_ID_LENGTH)) {
		return `${kind} "${name}": expected an id of 1 to ${MAX_ID_LENGTH} characters`;
	}
	// What was delivered is the calls' to say; feedback may come by a prompt fetched for nothing but it.
	const { [ARMSPAN_FALLBACK_REASON]: _, ...of } = assignment;
	const attributes: Attributes = {
		...of,
		[GEN_AI_EVALUATION_NAME]: name,
		[GEN_AI_EVALUATION_SCORE_VALUE]: score,
		[ARMSPAN_EVALUATION_KIND]: kind,
		[ARMSPAN_EVENT_ID]: eventId(kind, name, id === undefined ? identity : `id:${id}`, assignment),
	};
	if (typeof label === "string") attributes[GEN_AI_EVALUATION_SCORE_LABEL] = label.slice(0, MAX_LABEL_LENGTH);
	if (typeof explanation === "string") {
		attributes[GEN_AI_EVALUATION_EXPLANATION] = explanation.slice(0, MAX_EXPLANATION_LENGTH);
	}
	return attributes;
}

/** The score is no part of it: who changes their mind replaces what they said. */
function eventId(kind: EvaluationKind, name: string, identity: string | undefined, assignment: Attributes): string {
	if (identity === undefined) return randomUUID();
	const of = [GEN_AI_PROMPT_NAME, ARMSPAN_EXPERIMENT, ARMSPAN_ITERATION, ARMSPAN_UNIT_ID].map((key) => assignment[key]);
	return createHash("sha256")
		.update(JSON.stringify([...of, kind, name, identity]))
		.digest("hex");
}
