/**
 * Attributes that hold prompts, answers, tool traffic or what was retrieved, under the names of the semantic
 * conventions (present and past), AI SDK, OpenInference, OpenLLMetry, Langfuse and MLflow. Checked against their sources
 * of November 2026.
 */
const KEYS: ReadonlySet<string> = new Set([
	"gen_ai.input.messages",
	"gen_ai.output.messages",
	"gen_ai.system_instructions",
	"gen_ai.tool.definitions",
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
	"exception.message",
	"error.message",
]);

const PREFIXES = [
	"gen_ai.prompt.variable.",
	"gen_ai.content.",
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
] as const;

/** OpenLLMetry: `gen_ai.prompt.0.content`. The prompt's name and version are not content. */
const INDEXED = /^gen_ai\.(?:prompt|completion)\.\d/;

/** Whether the attribute is there for what was said to or by a model, or may quote it. */
export function isContentAttribute(key: string): boolean {
	return KEYS.has(key) || INDEXED.test(key) || PREFIXES.some((prefix) => key.startsWith(prefix));
}
