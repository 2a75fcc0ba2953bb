import { PromptError } from "./errors.ts";
import type { Message, Prompt } from "./prompt.ts";
import type { RenderLimits } from "./template.ts";

const DEFAULT_LIMITS: RenderLimits = { maxOutputCharacters: 1_048_576, maxIterations: 10_000 };

export interface RenderOptions {
	/** Characters of all messages together. @default 1_048_576 */
	readonly maxOutputCharacters?: number | undefined;
	/** Rounds of all `#each` together. @default 10_000 */
	readonly maxIterations?: number | undefined;
}

/**
 * The messages of a call. A value stays text whatever it contains: roles are opened by a marker that carries
 * 128 random bits of this render. Text before the first marker is a `user` message; messages that are wholly
 * blank are left out. Undeclared variables are ignored.
 *
 * @throws {PromptError} VARIABLE_MISSING, VARIABLE_INVALID, OUTPUT_TOO_LARGE, LOOP_TOO_LONG, RENDER_FAILED
 */
export function renderPrompt(
	prompt: Prompt,
	variables: Readonly<Record<string, unknown>>,
	options: RenderOptions = {},
): { messages: Message[] } {
	const limits = {
		maxOutputCharacters: options.maxOutputCharacters ?? DEFAULT_LIMITS.maxOutputCharacters,
		maxIterations: options.maxIterations ?? DEFAULT_LIMITS.maxIterations,
	};
	try {
		return { messages: prompt.template.render(prompt.input.resolve(variables, prompt.name), limits) };
	} catch (error) {
		if (!(error instanceof PromptError) || prompt.name === undefined || error.details.prompt !== undefined) throw error;
		throw new PromptError(error.code, error.message, { ...error.details, prompt: prompt.name }, error.cause);
	}
}
