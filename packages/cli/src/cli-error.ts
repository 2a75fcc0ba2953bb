export type CliErrorCode =
	| "INVALID_OPTION"
	| "DEMO_UNAVAILABLE"
	| "DEMO_CHILD_FAILED"
	| "NOT_A_DEMO_FOLDER"
	| "LOOP_NOT_CLOSED";

/** What the command line refuses. `hint` is the next command to try. */
export class CliError extends Error {
	override readonly name = "CliError";
	readonly code: CliErrorCode;
	readonly hint: string | undefined;

	constructor(code: CliErrorCode, message: string, hint?: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
		this.hint = hint;
	}
}

/** The lines that a failed command prints: code and cause, then what to try. Errors that nobody foresaw keep their stack. */
export function describeError(error: unknown): string {
	if (!(error instanceof Error)) {
		return `error: ${String(error)}`;
	}
	const { code } = error as { code?: unknown };
	if (typeof code !== "string") {
		return `error: ${error.stack ?? error.message}`;
	}
	const { hint } = error as { hint?: unknown };
	return `${code}: ${error.message}${typeof hint === "string" ? `\n  try: ${hint}` : ""}`;
}
