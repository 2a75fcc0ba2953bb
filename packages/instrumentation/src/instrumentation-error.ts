/** What went wrong for one routed call, or when Armspan was started. */
export type InstrumentationErrorCode =
	| "NOT_STARTED"
	| "NO_BUNDLE"
	| "PROMPT_NAME_INVALID"
	| "PROMPT_UNKNOWN"
	| "PROMPT_UNREADABLE"
	| "RENDER_FAILED";

/** Never thrown into the application: it is found in `RoutedPrompt.error` and in `armspan.status()`. */
export class InstrumentationError extends Error {
	override readonly name = "InstrumentationError";
	readonly code: InstrumentationErrorCode;
	readonly details: Readonly<Record<string, string>>;

	constructor(
		code: InstrumentationErrorCode,
		message: string,
		options: { details?: Record<string, string>; cause?: unknown } = {},
	) {
		super(message, "cause" in options ? { cause: options.cause } : undefined);
		this.code = code;
		this.details = options.details ?? {};
	}
}
