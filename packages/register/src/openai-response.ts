import { knownOpenAiError, OTHER_ERROR } from "./error-type.ts";
import { type Fields, fieldsOf, type Observation, type ResponseReader, type StatedUsage } from "./sdk-dialect.ts";

/** Of a response of the Responses API; the others say that it is under way. */
const FINAL_STATUSES: ReadonlySet<unknown> = new Set(["completed", "failed", "incomplete", "cancelled"]);

const MAX_CHOICES = 128;

/** Reads answers of OpenAI's endpoints, whole, in chunks, or in the typed events of the Responses API. */
export function openAiResponseReader(): ResponseReader {
	const finishReasons: (string | undefined)[] = [];
	return (body) => {
		const fields = fieldsOf(body);
		if (typeof fields.type !== "string") return observe(fields, finishReasons);
		// Some of the events carry the response as it stands.
		const response = fieldsOf(fields.response);
		const observation = observe(response, finishReasons);
		if (fields.type !== "response.failed" && fields.type !== "error") return observation;
		const { code } = fieldsOf(response.error ?? fields);
		return { ...observation, failure: knownOpenAiError(code) ?? OTHER_ERROR };
	};
}

function observe(fields: Fields, finishReasons: (string | undefined)[]): Observation {
	if (Array.isArray(fields.choices)) observeChoices(fields.choices, finishReasons);
	else if (fields.object === "response" && FINAL_STATUSES.has(fields.status)) finishReasons[0] = String(fields.status);
	const observation = { responseId: fields.id, responseModel: fields.model, finishReasons };
	const { usage } = fields;
	return usage === undefined || usage === null ? observation : { ...observation, usage: usageOf(fieldsOf(usage)) };
}

function observeChoices(choices: readonly unknown[], finishReasons: (string | undefined)[]): void {
	for (const [position, choice] of choices.entries()) {
		const { finish_reason: reason, index } = fieldsOf(choice);
		const place = typeof index === "number" && index >= 0 && index < MAX_CHOICES ? index : position;
		if (typeof reason === "string" && place < MAX_CHOICES) finishReasons[place] = reason;
	}
}

/** OpenAI's input includes cached tokens, its output includes reasoning: as the convention has it. */
function usageOf(usage: Fields): StatedUsage {
	const input = fieldsOf(usage.prompt_tokens_details ?? usage.input_tokens_details);
	const output = fieldsOf(usage.completion_tokens_details ?? usage.output_tokens_details);
	return {
		inputTokens: usage.prompt_tokens ?? usage.input_tokens,
		outputTokens: usage.completion_tokens ?? usage.output_tokens,
		cacheReadTokens: input.cached_tokens,
		reasoningTokens: output.reasoning_tokens,
	};
}
