import { EVENT_GEN_AI_EVALUATION_RESULT } from "@armspan/schema/semconv";
import { ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import type { CallRecorder } from "./call-recorder.ts";
import { type EvaluationKind, evaluationAttributes, type GivenEvaluation } from "./evaluation.ts";
import type { ReferencedCall, ReferenceRefusal } from "./reference.ts";

const REFUSALS: Readonly<Record<ReferenceRefusal, string>> = {
	"no-key": "no reference key is set; set ARMSPAN_REFERENCE_KEY to the 32 characters or more that the sender has",
	malformed: "it is no reference, or was cut short",
	"signature-wrong": "its signature is wrong: it was changed, or signed under another key",
	expired: "it has expired",
};

/**
 * Reports an evaluation of a call that was made elsewhere or earlier. Never throws.
 * @returns whether the reference was genuine and the evaluation could be reported; it says nothing of its delivery
 */
export function recordReferenced(
	recorder: CallRecorder,
	kind: EvaluationKind,
	reference: unknown,
	read: () => GivenEvaluation,
): boolean {
	const recorded = recorder.guard(() => {
		const call = recorder.references.verify("ar1", reference);
		if (typeof call === "string") {
			recorder.counters.referencesRefused++;
			// Not the reference itself: it comes from anybody.
			recorder.warnOnce(`${kind} refused: ${REFUSALS[call]}`);
			return false;
		}
		const attributes = evaluationAttributes(kind, read(), call.attributes, `reference:${String(reference)}`);
		if (typeof attributes === "string") {
			recorder.rejectEvaluation(attributes);
			return false;
		}
		recorder.emitEvaluation(EVENT_GEN_AI_EVALUATION_RESULT, attributes, contextOf(call));
		return true;
	});
	return recorded === true;
}

/** The evaluated span stays the parent, wherever the evaluation comes from; not what happens to be active here. */
function contextOf({ span }: ReferencedCall) {
	return span === undefined
		? ROOT_CONTEXT
		: trace.setSpanContext(ROOT_CONTEXT, { ...span, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}
