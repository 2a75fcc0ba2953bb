/** A prompt that was found in code: what its spans say. */
export interface PromptIdentity {
	readonly name: string;
	/** A released version, or `sha256-` and 12 hex digits. */
	readonly version: string;
	/** Fingerprint of the static parts, 64 hex digits. */
	readonly digest: string;
}

/** A prompt that `` prompt`…` `` rendered. */
export interface CodePromptIdentity extends PromptIdentity {
	/** Characters of static text; the longer one counts when a request has two prompts. */
	readonly staticLength: number;
}

/** Longer texts are neither remembered nor looked at. */
export const MAX_TEXT_CHARACTERS = 262_144;

const CAPACITY = 10_000;

/** Which template rendered a text, of the last texts rendered; by digest, so that no text is kept. */
export class CodePromptMemory {
	readonly #byDigest = new Map<string, CodePromptIdentity>();
	readonly #capacity: number;

	constructor(capacity = CAPACITY) {
		this.#capacity = capacity;
	}

	get size(): number {
		return this.#byDigest.size;
	}

	/** @param digest of the canonical text */
	remember(digest: string, identity: CodePromptIdentity): void {
		this.#byDigest.delete(digest);
		this.#byDigest.set(digest, identity);
		if (this.#byDigest.size <= this.#capacity) return;
		const [oldest] = this.#byDigest.keys();
		if (oldest !== undefined) this.#byDigest.delete(oldest);
	}

	/** @param digest of the canonical text */
	find(digest: string): CodePromptIdentity | undefined {
		return this.#byDigest.get(digest);
	}
}

/** What became of the requests in which prompts in code were looked for. */
export interface RecognitionCounters {
	recognised: number;
	unrecognised: number;
	/** Recognised, and another prompt or version matched as well. */
	ambiguous: number;
	/** Too long to be looked at as a whole. */
	curtailed: number;
}

const COUNTERS = Symbol.for("armspan.code-prompts.counters");

/** The process's counters, shared by every copy of this package. */
export function recognitionCounters(): RecognitionCounters {
	const globals = globalThis as { [COUNTERS]?: RecognitionCounters };
	globals[COUNTERS] ??= { recognised: 0, unrecognised: 0, ambiguous: 0, curtailed: 0 };
	return globals[COUNTERS];
}

const SHARED = Symbol.for("armspan.code-prompts");

/** The process's memory, shared by every copy of this package. */
export function codePrompts(): Pick<CodePromptMemory, "find" | "remember" | "size"> {
	const globals = globalThis as { [SHARED]?: CodePromptMemory };
	globals[SHARED] ??= new CodePromptMemory();
	return globals[SHARED];
}
