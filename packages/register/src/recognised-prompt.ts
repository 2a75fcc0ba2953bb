import {
	canonicalText,
	type codePrompts,
	MAX_TEXT_CHARACTERS,
	type PromptIdentity,
	textDigest,
} from "@armspan/instrumentation/recognition";
import { type MappingEntry, matchesParts } from "./mapping-entry.ts";
import type { PromptRequest, PromptText } from "./recognised-texts.ts";

/** Characters of a request that are searched for static parts, all entries together. */
const SEARCH_BUDGET = 1_048_576;

/** What a request was found to be. */
export interface Recognition {
	readonly identity: PromptIdentity | undefined;
	/** Another prompt or version that the request matched as well. */
	readonly alternative: PromptIdentity | undefined;
	/** Not everything was looked at: too long. */
	readonly curtailed: boolean;
}

/** How sure we are: rendered by a template in code, the very same text, a text between static parts. */
type Certainty = 2 | 1 | 0;

interface Candidate {
	readonly identity: PromptIdentity;
	/** Compared one after another; the greater wins. */
	readonly rank: readonly number[];
}

/** Compares requests with a mapping file's entries and with the templates in code. Linear in the request's text. */
export class PromptRecogniser {
	readonly #templates: readonly MappingEntry[];
	readonly #byDigest = new Map<string, MappingEntry[]>();
	readonly #memory: Pick<ReturnType<typeof codePrompts>, "find" | "size">;

	constructor(entries: readonly MappingEntry[], memory: Pick<ReturnType<typeof codePrompts>, "find" | "size">) {
		this.#templates = entries.filter(({ staticParts }) => staticParts !== undefined);
		this.#memory = memory;
		for (const entry of entries) {
			const { digest } = entry.identity;
			this.#byDigest.set(digest, [...(this.#byDigest.get(digest) ?? []), entry]);
		}
	}

	/** Nothing can be recognised: requests need not be read. */
	get idle(): boolean {
		return this.#byDigest.size === 0 && this.#memory.size === 0;
	}

	recognise(request: PromptRequest): Recognition {
		const budget = { characters: SEARCH_BUDGET };
		let remaining = MAX_TEXT_CHARACTERS;
		let curtailed = false;
		const candidates: Candidate[] = [];
		for (const { role, text } of request.texts) {
			if (text.length > remaining) {
				curtailed = true;
				continue;
			}
			remaining -= text.length;
			candidates.push(...this.#candidates({ role, text: canonicalText(text) }, request.model, budget));
		}
		candidates.sort((a, b) => compareRanks(b.rank, a.rank));
		const [best] = candidates;
		const other = candidates.find(({ identity }) => best !== undefined && !isSame(identity, best.identity));
		return {
			identity: best?.identity,
			alternative: other?.identity,
			curtailed: curtailed || budget.characters < 0,
		};
	}

	*#candidates(text: PromptText, model: unknown, budget: { characters: number }): Generator<Candidate> {
		const applies = (entry: MappingEntry) =>
			(entry.role === "any" || entry.role === text.role) && (entry.model === undefined || entry.model === model);
		const digest = textDigest(text.text);
		const rendered = this.#memory.find(digest);
		if (rendered !== undefined) {
			// The mapping file names it, if it knows it.
			const named = this.#byDigest.get(rendered.digest)?.find(applies);
			yield { identity: named?.identity ?? rendered, rank: [2 satisfies Certainty, rendered.staticLength] };
		}
		for (const entry of this.#byDigest.get(digest) ?? []) {
			if (applies(entry)) yield candidate(entry, 1, text.text.length);
		}
		for (const entry of this.#templates) {
			if (!applies(entry) || entry.staticParts === undefined || entry.staticParts.length === 1) continue;
			if (matchesParts(entry.staticParts, text.text, budget)) yield candidate(entry, 0, entry.staticLength);
		}
	}
}

function candidate(entry: MappingEntry, certainty: Certainty, staticLength: number): Candidate {
	const variables = (entry.staticParts?.length ?? 1) - 1;
	const specific = [Number(entry.role !== "any"), Number(entry.model !== undefined)];
	return { identity: entry.identity, rank: [certainty, staticLength, -variables, ...specific, -entry.index] };
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
	for (const [index, value] of a.entries()) {
		const difference = value - (b[index] ?? 0);
		if (difference !== 0) return difference;
	}
	return 0;
}

function isSame(a: PromptIdentity, b: PromptIdentity): boolean {
	return a.name === b.name && a.version === b.version && a.digest === b.digest;
}
