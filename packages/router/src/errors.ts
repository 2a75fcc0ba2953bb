/** Every way in which experiments, an environment or a bundle can be refused. */
export type RouterErrorCode =
	// what git intends
	| "PROMPT_UNKNOWN"
	| "VERSION_UNKNOWN"
	| "DIGEST_MISMATCH"
	| "CONTROL_VERSION_DIFFERS"
	| "LAYER_OVERLAP"
	| "PROMPT_OVERLAP"
	| "SLOT_MISSING"
	| "SLOTS_EXCEED_LAYER"
	| "SHARE_TOO_FINE"
	| "UNIT_TYPE_MIXED"
	| "DUPLICATE_KEY"
	| "OVERRIDE_UNKNOWN"
	| "OVERRIDE_TWICE"
	| "ITERATION_CHANGED"
	| "SLOT_MOVED"
	| "REVISION_INVALID"
	// the routing file
	| "SCHEMA_INVALID"
	| "FLAGS_EMPTY"
	| "HASH_VERSION_UNKNOWN"
	| "SELF_TEST_FAILED"
	| "VARIANT_INVALID"
	| "VARIANT_UNKNOWN"
	| "TARGETING_INVALID"
	| "OPERATOR_UNKNOWN"
	| "REFERENCE_DANGLING"
	| "SALT_INVALID"
	| "SALT_REUSED"
	| "WEIGHT_INVALID"
	// the bundle on disk
	| "BUNDLE_MISSING"
	| "BUNDLE_UNREADABLE"
	| "BUNDLE_TORN"
	| "BUNDLE_LOCKED"
	| "PROMPT_MISSING"
	| "PROMPT_CORRUPT"
	| "BUNDLE_TOO_LARGE"
	| "REVISION_NOT_HIGHER"
	| "REVISION_ROLLED_BACK"
	| "ROLLBACK_INVALID"
	| "ENVIRONMENT_DIFFERS"
	// who signed it
	| "SIGNATURE_MISSING"
	| "SIGNATURE_INVALID"
	| "KEY_INVALID"
	// where it comes from
	| "SOURCE_INVALID"
	| "SOURCE_UNREACHABLE"
	| "SOURCE_REFUSED";

/** One thing that is wrong, where it stands and what to do. */
export interface RouterProblem {
	readonly code: RouterErrorCode;
	/** File in which a person must change something. */
	readonly file: string;
	/** Line in the file, from 1, where it is known. */
	readonly line?: number;
	/** Path inside the file: `variants[1].version`. */
	readonly field: string;
	readonly value: unknown;
	readonly fix: string;
}

/** All that is wrong at once: `problems` is never empty, and `code`, `file`, `field`, `value`, `fix` are its first. */
export class RouterError extends Error {
	override readonly name = "RouterError";
	readonly code: RouterErrorCode;
	readonly file: string;
	readonly field: string;
	readonly value: unknown;
	readonly fix: string;
	readonly problems: readonly RouterProblem[];

	constructor(problems: readonly [RouterProblem, ...RouterProblem[]], cause?: unknown) {
		super(problems.map(describe).join("\n"), cause === undefined ? undefined : { cause });
		const [first] = problems;
		this.code = first.code;
		this.file = first.file;
		this.field = first.field;
		this.value = first.value;
		this.fix = first.fix;
		this.problems = problems;
	}
}

/** `file:line: field: value; fix` in one line; a field that is the file itself is not said twice. */
function describe({ file, line, field, value, fix }: RouterProblem): string {
	const at = `${file}${line === undefined ? "" : `:${line}`}`;
	if (value !== undefined) return `${at}: ${field}: ${shorten(value)}; ${fix}`;
	return field === "" || file.endsWith(field) || file.endsWith(`${field}.sig`)
		? `${at}: ${fix}`
		: `${at}: ${field}; ${fix}`;
}

function shorten(value: unknown): string {
	let text: string | undefined;
	try {
		text = JSON.stringify(value);
	} catch {
		// A cycle, a bigint, or nesting that ends the stack.
		text = typeof value === "object" ? "(an object that is no JSON)" : undefined;
	}
	text ??= String(value);
	return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Throws if anything was found. */
export function throwProblems(problems: readonly RouterProblem[], cause?: unknown): void {
	const [first, ...rest] = problems;
	if (first !== undefined) throw new RouterError([first, ...rest], cause);
}
