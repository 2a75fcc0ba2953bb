import { GEN_AI_OPERATION_NAME, LEAF_OPERATIONS } from "@armspan/schema/semconv";
import type { Span } from "@opentelemetry/api";
import { fieldsOf } from "./sdk-dialect.ts";

const LEAVES: ReadonlySet<unknown> = new Set(LEAF_OPERATIONS);
/** Other names for a leaf inference operation: OpenLLMetry's and OpenInference's. */
const LLM_REQUEST_TYPES: ReadonlySet<unknown> = new Set([...LEAF_OPERATIONS, "completion", "embedding"]);
const OPENINFERENCE_KINDS: ReadonlySet<unknown> = new Set(["LLM", "EMBEDDING"]);

/** Whether the evidence store counts such a span as an LLM call, whoever made it. */
export function isLeafSpan(span: Span | undefined): boolean {
	const { attributes, span: inner } = fieldsOf(span);
	// OpenInference hands on a wrapper of the span, which holds the attributes in the span inside.
	const fields = fieldsOf(attributes ?? fieldsOf(inner).attributes);
	return (
		LEAVES.has(fields[GEN_AI_OPERATION_NAME]) ||
		LLM_REQUEST_TYPES.has(fields["llm.request.type"]) ||
		OPENINFERENCE_KINDS.has(fields["openinference.span.kind"])
	);
}
