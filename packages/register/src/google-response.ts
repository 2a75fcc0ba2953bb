import { type Fields, fieldsOf, type ResponseReader, type StatedUsage } from "./sdk-dialect.ts";

const MAX_CANDIDATES = 128;

/** Reads answers of the Gemini API, whole or in chunks, of which each states the usage so far. */
export function googleResponseReader(): ResponseReader {
	const finishReasons: (string | undefined)[] = [];
	return (body) => {
		const { responseId, modelVersion, candidates, usageMetadata, promptFeedback, embeddings } = fieldsOf(body);
		if (Array.isArray(candidates)) observeCandidates(candidates, finishReasons);
		const { blockReason } = fieldsOf(promptFeedback);
		// A prompt that is refused has no candidates to say so.
		if (typeof blockReason === "string" && finishReasons.length === 0) finishReasons[0] = blockReason;
		const observation = { responseId, responseModel: modelVersion, finishReasons };
		if (usageMetadata !== undefined) return { ...observation, usage: usageOf(fieldsOf(usageMetadata)) };
		return Array.isArray(embeddings) ? { ...observation, usage: embeddingUsage(embeddings) } : observation;
	};
}

function observeCandidates(candidates: readonly unknown[], finishReasons: (string | undefined)[]): void {
	for (const [position, candidate] of candidates.entries()) {
		const { finishReason, index } = fieldsOf(candidate);
		const place = typeof index === "number" && index >= 0 && index < MAX_CANDIDATES ? index : position;
		if (typeof finishReason === "string" && place < MAX_CANDIDATES) finishReasons[place] = finishReason;
	}
}

/** Google's prompt includes cached tokens but not results of its own tools; its candidates leave out the thoughts. */
function usageOf(usage: Fields): StatedUsage {
	const { promptTokenCount: prompt, toolUsePromptTokenCount: tools } = usage;
	const { candidatesTokenCount: candidates, thoughtsTokenCount: thoughts } = usage;
	return {
		inputTokens: sum(prompt, tools),
		outputTokens: sum(candidates, thoughts),
		cacheReadTokens: usage.cachedContentTokenCount,
		reasoningTokens: thoughts,
	};
}

/** Vertex AI's older endpoint counts each text by itself. */
function embeddingUsage(embeddings: readonly unknown[]): StatedUsage {
	return { inputTokens: sum(...embeddings.map((embedding) => fieldsOf(fieldsOf(embedding).statistics).tokenCount)) };
}

/** @returns `undefined` when none of them is known */
function sum(...counts: unknown[]): number | undefined {
	const known = counts.filter((count) => typeof count === "number");
	return known.length === 0 ? undefined : known.reduce((total, count) => total + count, 0);
}
