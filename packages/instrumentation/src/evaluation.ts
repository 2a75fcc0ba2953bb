import { randomUUID } from "node:crypto";
import {
	ARMSPAN_EVALUATION_KIND,
	ARMSPAN_EVENT_ID,
	GEN_AI_EVALUATION_EXPLANATION,
	GEN_AI_EVALUATION_NAME,
	GEN_AI_EVALUATION_SCORE_LABEL,
	GEN_AI_EVALUATION_SCORE_VALUE,
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
}

const MAX_NAME_LENGTH = 100;
const MAX_LABEL_LENGTH = 200;
const MAX_EXPLANATION_LENGTH = 4000;

/** @returns attributes of the event, or in words why there can be none */
export function evaluationAttributes(
	kind: EvaluationKind,
	evaluation: { name: unknown; score: unknown; label?: unknown; explanation?: unknown },
	assignment: Attributes,
): Attributes | string {
	const { name, score, label, explanation } = evaluation;
	if (typeof name !== "string" || name === "" || name.length > MAX_NAME_LENGTH) {
		return `evaluation name: expected 1 to ${MAX_NAME_LENGTH} characters`;
	}
	if (typeof score !== "number" || !Number.isFinite(score)) return `${kind} "${name}": expected a finite number`;
	if (kind === "feedback" && (score < 0 || score > 1)) {
		return `feedback "${name}": expected a score between 0 and 1, found ${score}`;
	}
	const attributes: Attributes = {
		...assignment,
		[GEN_AI_EVALUATION_NAME]: name,
		[GEN_AI_EVALUATION_SCORE_VALUE]: score,
		[ARMSPAN_EVALUATION_KIND]: kind,
		[ARMSPAN_EVENT_ID]: randomUUID(),
	};
	if (typeof label === "string") attributes[GEN_AI_EVALUATION_SCORE_LABEL] = label.slice(0, MAX_LABEL_LENGTH);
	if (typeof explanation === "string") {
		attributes[GEN_AI_EVALUATION_EXPLANATION] = explanation.slice(0, MAX_EXPLANATION_LENGTH);
	}
	return attributes;
}
