import { type Prompt, parsePrompt } from "@armspan/prompt";

/**
 * The prompts of a bundle. They are parsed ahead of the calls, as time allows, since a thousand of them take seconds; a
 * call that comes before parses its own.
 */
export class ParsedPrompts {
	readonly #bytes: ReadonlyMap<string, Uint8Array>;
	readonly #parsed = new Map<string, Prompt | Error>();

	/** @param previous whose parsed prompts are reused: a digest names the same bytes for ever */
	constructor(bytes: ReadonlyMap<string, Uint8Array>, previous?: ParsedPrompts) {
		this.#bytes = bytes;
		if (previous === undefined) return;
		for (const digest of bytes.keys()) {
			const known = previous.#parsed.get(digest);
			if (known !== undefined) this.#parsed.set(digest, known);
		}
	}

	/** A prompt, or why it cannot be parsed; `undefined` if the bundle has none of this digest. */
	get(digest: string): Prompt | Error | undefined {
		const known = this.#parsed.get(digest);
		if (known !== undefined) return known;
		const bytes = this.#bytes.get(digest);
		if (bytes === undefined) return undefined;
		const parsed = parse(bytes);
		this.#parsed.set(digest, parsed);
		return parsed;
	}

	/** Parses at least one, and more until the time is over. @returns whether all are parsed */
	parseFor(limitMs: number): boolean {
		const end = performance.now() + limitMs;
		let isFirst = true;
		for (const digest of this.#bytes.keys()) {
			if (this.#parsed.has(digest)) continue;
			if (!isFirst && performance.now() >= end) return false;
			this.get(digest);
			isFirst = false;
		}
		return true;
	}
}

function parse(bytes: Uint8Array): Prompt | Error {
	try {
		return parsePrompt(bytes);
	} catch (error) {
		return error instanceof Error ? error : new Error(String(error));
	}
}
