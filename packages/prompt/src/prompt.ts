import type { ModelParameters, PromptFrontMatter } from "@armspan/schema";
import type { InputSchema } from "./input-schema.ts";
import type { CompiledTemplate } from "./template.ts";

/** A parsed prompt file: checked, compiled, frozen. The same bytes always give the same prompt. */
export interface Prompt {
	/** The name the caller gave; the file does not hold it. */
	readonly name: string | undefined;
	/** sha256 of the exact bytes. */
	readonly digest: string;
	readonly frontMatter: PromptFrontMatter;
	readonly model: string;
	/** Model parameters, as written in `config`. */
	readonly config: ModelParameters;
	/** Handlebars source below the front matter. */
	readonly body: string;
	/** Compiled once here, so that a render neither parses nor compiles. */
	readonly input: InputSchema;
	readonly template: CompiledTemplate;
}

export type Role = "system" | "user" | "assistant";

export interface Message {
	readonly role: Role;
	readonly content: string;
}
