export type CliErrorCode =
	| "DEMO_UNAVAILABLE"
	| "DEMO_CHILD_FAILED"
	| "NOT_A_DEMO_FOLDER"
	| "LOOP_NOT_CLOSED"
	| "UNKNOWN_ENVIRONMENT"
	| "UNKNOWN_PROMPT"
	| "UNITS_UNREADABLE"
	| "SERVICE_UNREACHABLE"
	| "UNITS_MOVE"
	| "KEY_FILE_UNUSABLE"
	| "NOTHING_TO_ROLL_BACK"
	| "APPLICATION_NOT_STARTED"
	| "NO_EVIDENCE"
	| "REQUEST_REFUSED"
	| "UNKNOWN_EXPERIMENT"
	| "UNKNOWN_SEGMENT"
	| "INVALID_PLAN"
	| "UNIT_REMAINS"
	| "CHECKS_FAILED";

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

/** What to try, for errors of packages that know no command line. */
const HINTS: Readonly<Record<string, string>> = {
	STORE_LOCKED: "armspan up --data ANOTHER_FOLDER, or stop the other instance",
	STORE_UNAVAILABLE: "armspan up --data A_FOLDER_OF_YOURS, or check --clickhouse-url",
	PORT_IN_USE: "armspan up --otlp-port 0 --api-port 0 takes free ports",
	INVALID_REPOSITORY: "mend the file, git commit -a, and run the same command again",
	UNKNOWN_ENVIRONMENT: "armspan up --environment NAME",
	NO_REPOSITORY: "armspan init DIRECTORY",
	UNKNOWN_REF: "git branch --all and git tag list what there is",
	BUNDLE_MISSING: "name the folder that armspan up writes: DATA/routing",
	NO_COMMIT: "git add . && git commit",
	TOKEN_EMPTY: "ARMSPAN_TOKEN=$(openssl rand -hex 32) armspan up …",
	ROUTING_LOCKED: "armspan up --data ANOTHER_FOLDER, or stop the other instance",
	TOKEN_REQUIRED: "ARMSPAN_TOKEN=$(openssl rand -hex 32) armspan up --host …",
};

/** The lines that a failed command prints: code and cause, then what to try. Errors that nobody foresaw keep their stack. */
export function describeError(error: unknown): string {
	if (!(error instanceof Error)) {
		return `error: ${String(error)}`;
	}
	const { code } = error as { code?: unknown };
	if (typeof code !== "string") {
		return `error: ${error.stack ?? error.message}`;
	}
	const hint = (error as { hint?: unknown }).hint ?? HINTS[code];
	// Errors of the operating system begin with their code: "ENOENT: no such file or directory, …".
	const message = error.message.startsWith(`${code}: `) ? error.message : `${code}: ${error.message}`;
	return `${message}${typeof hint === "string" ? `\n  try: ${hint}` : ""}`;
}
