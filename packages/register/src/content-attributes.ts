/**
 * Attributes that hold prompts, answers, tool traffic or what was retrieved, under the names of the semantic
 * conventions (present and past), AI SDK, OpenInference, OpenLLMetry, Langfuse, MLflow, Google ADK, LiveKit, Logfire,
 * Pydantic AI, LangWatch, LangSmith, Braintrust, Weave and CrewAI. Checked against their sources of November 2026 down
 * to MLflow, others seen in their spans or documentation.
 */
export const CONTENT_KEYS: ReadonlySet<string> = new Set([
	"gen_ai.input.messages",
	"gen_ai.output.messages",
	"gen_ai.system_instructions",
	"gen_ai.tool.definitions",
	"gen_ai.tool.description",
	"gen_ai.agent.description",
	"gen_ai.request.stop_sequences",
	"gen_ai.tool.call.arguments",
	"gen_ai.tool.call.result",
	"gen_ai.retrieval.query.text",
	"gen_ai.retrieval.documents",
	"gen_ai.prompt",
	"gen_ai.completion",
	"gen_ai.event.content",
	"input.value",
	"output.value",
	"llm.prompts",
	"llm.completions",
	"llm.invocation_parameters",
	"llm.prompt_template.template",
	"llm.prompt_template.variables",
	"llm.function_call",
	"tool.parameters",
	"tool_call.function.arguments",
	"embedding.text",
	"ai.response.text",
	"ai.response.object",
	"ai.response.toolCalls",
	"ai.response.reasoning",
	"ai.response.files",
	"ai.result.text",
	"ai.result.object",
	"ai.result.toolCalls",
	"ai.toolCall.args",
	"ai.toolCall.result",
	"ai.value",
	"ai.values",
	"ai.embedding",
	"ai.embeddings",
	"traceloop.entity.input",
	"traceloop.entity.output",
	"langfuse.observation.input",
	"langfuse.observation.output",
	"langfuse.trace.input",
	"langfuse.trace.output",
	"mlflow.spanInputs",
	"mlflow.spanOutputs",
	"lk.user_input",
	"lk.user_transcript",
	"lk.input_text",
	"lk.instructions",
	"lk.chat_ctx",
	"lk.response.text",
	"lk.response.function_calls",
	"lk.function_tool.arguments",
	"lk.function_tool.output",
	"logfire.msg",
	"gen_ai.system_instruction",
	"gen_ai.input",
	"gen_ai.output",
	"gen_ai.request.messages",
	"gen_ai.request.prompt",
	"gen_ai.response.text",
	"gen_ai.reasoning",
	"llm.input_messages",
	"llm.output_messages",
	"llm_prompt_template",
	"retrieval.documents",
	"pydantic_ai.all_messages",
	"pydantic_ai.new_messages",
	"all_messages_events",
	"final_result",
	"model_request_parameters",
	"tool_arguments",
	"tool_response",
	"events",
	"langwatch.input",
	"langwatch.output",
	"langsmith.inputs",
	"langsmith.outputs",
	"braintrust.input",
	"braintrust.input_json",
	"braintrust.output",
	"braintrust.output_json",
	"weave.inputs",
	"weave.output",
	"traceloop.prompt.template",
	"langfuse.observation.status_message",
	"ai.toolCall.input",
	"ai.toolCall.output",
	"ai.input",
	"ai.response.content",
	"input",
	"output",
	"prompt",
	"completion",
	"messages",
	"gen_ai.prompt_template",
	"gen_ai.tool.message",
	"genai.prompt",
	"llm.prompt_template",
	"cohere.rerank_query",
	"watsonx.input",
	"ai.document",
	"ai.documents",
	"ai.ranking",
	"user_query",
	"http.request.body",
	"http.response.body",
	"message",
	"log.message",
	"error.stack",
	"otel.status_description",
	"exception.message",
	"error.message",
]);

export const CONTENT_PREFIXES = [
	"gen_ai.prompt.variable.",
	"gen_ai.content.",
	"gcp.vertex.agent.llm_",
	"gcp.vertex.agent.tool_",
	"gcp.vertex.agent.data",
	"ai.prompt",
	"llm.input_messages.",
	"llm.output_messages.",
	"llm.prompts.",
	"llm.completions.",
	"llm.choices.",
	"llm.tools.",
	"embedding.embeddings.",
	"retrieval.documents.",
	"reranker.",
	"message.",
	"traceloop.prompt.template_variables.",
	"crewai.",
	"openai.request.",
	"mcp.request.argument",
] as const;

/** OpenLLMetry: `gen_ai.prompt.0.content`. The prompt's name and version are not content. */
const INDEXED = /^gen_ai\.(?:prompt|completion)\.\d/;

/** Whether the attribute is there for what was said to or by a model, or may quote it. */
export function isContentAttribute(key: string): boolean {
	return CONTENT_KEYS.has(key) || INDEXED.test(key) || CONTENT_PREFIXES.some((prefix) => key.startsWith(prefix));
}

/** Events that have a message, or a part of one, whatever they call it: `gen_ai.user.message`, `gen_ai.choice`, … */
const MESSAGE_EVENT = /^(?:gen_ai|ai|llm)\./;
/** What such an event says besides: who, of what model, how it ended. */
const OF_MESSAGE_EVENT =
	/^(?:gen_ai\.(?:system|(?:provider|operation|request|response|usage|conversation|agent|token|prompt)\..+)|armspan\..+|feature_flag\..+|event\.name|role|id|index|finish_reason|exception\.type|error\.type|server\.address)$/;

/** @param name of an event, or of a log record that is one */
export function isMessageEvent(name: unknown): boolean {
	return typeof name === "string" && MESSAGE_EVENT.test(name);
}

/** Whether a text of an event that has a message may be the message. */
export function mayBeMessage(key: string): boolean {
	return !OF_MESSAGE_EVENT.test(key);
}

/** Marks spans of LLM libraries, and all that were started inside a routed or recognised call. */
const LLM_ATTRIBUTE =
	/^(?:gen_ai|llm|ai|openinference|traceloop|langfuse|mlflow|gcp\.vertex\.agent|lk|logfire|pydantic_ai|armspan)\./;
const LONG_AND_HARMLESS = /^(?:armspan|feature_flag|code)\./;
const LONG_CHARACTERS = 1000;

export function isOfLlm(attributes: Readonly<Record<string, unknown>>): boolean {
	for (const key in attributes) if (LLM_ATTRIBUTE.test(key)) return true;
	return false;
}

/** Whether a text that nobody knows is too long to be a name, an id or a parameter. */
export function isLongText(key: string, value: unknown): boolean {
	return !LONG_AND_HARMLESS.test(key) && lengthOf(value) > LONG_CHARACTERS;
}

function lengthOf(value: unknown): number {
	if (typeof value === "string") return value.length;
	if (typeof value !== "object" || value === null) return 0;
	if (Array.isArray(value) && value.every((one) => typeof one === "number")) return 0;
	try {
		return JSON.stringify(value).length;
	} catch {
		// It holds itself: not what an exporter could write, either.
		return Number.POSITIVE_INFINITY;
	}
}
