/** Every way in which a prompt file or its variables can be refused. */
export type PromptErrorCode =
	| "FILE_TOO_LARGE"
	| "NOT_UTF8"
	| "FRONT_MATTER_MISSING"
	| "FRONT_MATTER_INVALID"
	| "INPUT_SCHEMA_INVALID"
	| "TEMPLATE_SYNTAX"
	| "TEMPLATE_FORBIDDEN"
	| "VARIABLE_UNDECLARED"
	| "VARIABLE_MISSING"
	| "VARIABLE_INVALID"
	| "LOOP_TOO_LONG"
	| "OUTPUT_TOO_LARGE"
	| "RENDER_FAILED";

export interface PromptErrorDetails {
	/** Name of the prompt, when the caller gave one. */
	readonly prompt?: string;
	/** Line in the file, from 1. */
	readonly line?: number;
	/** Field of the front matter, such as `config.temperature`. */
	readonly field?: string;
	/** Variables concerned. */
	readonly variables?: readonly string[];
}

/** The prompt file or a variable is refused; the message names the place and the fix. */
export class PromptError extends Error {
	override readonly name = "PromptError";
	readonly code: PromptErrorCode;
	readonly details: PromptErrorDetails;

	constructor(code: PromptErrorCode, message: string, details: PromptErrorDetails = {}, cause?: unknown) {
		const place = [details.prompt, details.line === undefined ? undefined : `line ${details.line}`]
			.filter((part) => part !== undefined)
			.join(", ");
		super(place === "" ? message : `${place}: ${message}`, cause === undefined ? undefined : { cause });
		this.code = code;
		this.details = details;
	}
}
