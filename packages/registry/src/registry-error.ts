/** What went wrong, for programs. */
export type RegistryErrorCode =
	| "GIT_MISSING"
	| "GIT_FAILED"
	| "NO_REPOSITORY"
	| "NO_COMMIT"
	| "UNKNOWN_REF"
	| "INVALID_REPOSITORY"
	| "INVALID_ARGUMENT"
	| "INVALID_EDIT"
	| "NOT_FOUND"
	| "VERSION_EXISTS"
	| "UNCOMMITTED_FILE"
	| "CONCURRENT_COMMITS"
	| "DIRECTORY_NOT_EMPTY";

/** One fault of one committed file. Lines and columns count from 1. */
export interface RepositoryIssue {
	readonly file: string;
	readonly line: number;
	readonly column: number;
	/** Keys from the document's root to the value; empty when the fault is not a value's. */
	readonly path: readonly (string | number)[];
	readonly message: string;
}

export interface RegistryErrorDetails {
	readonly directory?: string;
	/** Only with `INVALID_REPOSITORY` and `INVALID_EDIT`. */
	readonly issues?: readonly RepositoryIssue[];
	readonly gitArguments?: readonly string[];
	readonly exitCode?: number | null;
	readonly stderr?: string;
}

/** Everything this package throws on purpose. */
export class RegistryError extends Error {
	override readonly name = "RegistryError";
	readonly code: RegistryErrorCode;
	readonly details: RegistryErrorDetails;

	constructor(code: RegistryErrorCode, message: string, details: RegistryErrorDetails = {}, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
		this.details = details;
	}
}

/** A file full of rubbish has an issue per line. */
const MAX_ISSUES_IN_MESSAGE = 500;

/** All issues, one `file:line: message` per line, in the order of the files. */
export function invalidRepository(
	directory: string,
	commit: string,
	issues: readonly RepositoryIssue[],
): RegistryError {
	const sorted = [...issues].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
	const lines = sorted.slice(0, MAX_ISSUES_IN_MESSAGE).map((issue) => `${issue.file}:${issue.line}: ${issue.message}`);
	const head = `${sorted.length === 1 ? "1 error" : `${sorted.length} errors`} in ${directory} at commit ${commit.slice(0, 12)}:`;
	if (sorted.length > lines.length) lines.push(`… and ${sorted.length - lines.length} more`);
	return new RegistryError("INVALID_REPOSITORY", [head, ...lines].join("\n"), { directory, issues: sorted });
}
