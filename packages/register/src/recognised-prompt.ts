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
	/** With a variable in them. */
	readonly #templates: readonly MappingEntry[];
	/** Without: a text is such a prompt when its digest is. */
	readonly #byText = new Map<string, MappingEntry[]>();
	readonly #byDigest = new Map<string, MappingEntry[]>();
	readonly #memory: Pick<ReturnType<typeof codePrompts>, "find" | "size">;

	constructor(entries: readonly MappingEntry[], memory: Pick<ReturnType<typeof codePrompts>, "find" | "size">) {
		this.#templates = entries.filter(({ staticParts = [] }) => staticParts.length > 1);
		this.#memory = memory;
		for (const entry of entries) {
			addTo(this.#byDigest, entry);
			if ((entry.staticParts ?? []).length < 2) addTo(this.#byText, entry);
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
			this.#compare({ role, text: canonicalText(text) }, request.model, budget, candidates);
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

	#compare(said: PromptText, model: unknown, budget: { characters: number }, candidates: Candidate[]): void {
		const { text } = said;
		for (const entry of this.#templates) {
			if (entry.staticParts === undefined || !matchesParts(entry.staticParts, text, budget)) continue;
			if (applies(entry, said, model)) candidates.push(candidate(entry, 0, entry.staticLength));
		}
		// A digest costs more than many comparisons.
		if (this.#byText.size === 0 && this.#memory.size === 0) return;
		const digest = textDigest(text);
		for (const entry of this.#byText.get(digest) ?? []) {
			if (applies(entry, said, model)) candidates.push(candidate(entry, 1, text.length));
		}
		const rendered = this.#memory.find(digest);
		if (rendered === undefined) return;
		// The mapping file names it, if it knows it.
		const named = this.#byDigest.get(rendered.digest)?.find((entry) => applies(entry, said, model));
		candidates.push({ identity: named?.identity ?? rendered, rank: [2 satisfies Certainty, rendered.staticLength] });
	}
}

function addTo(entries: Map<string, MappingEntry[]>, entry: MappingEntry): void {
	const { digest } = entry.identity;
	const known = entries.get(digest);
	if (known === undefined) entries.set(digest, [entry]);
	else known.push(entry);
}

function applies(entry: MappingEntry, { role }: PromptText, model: unknown): boolean {
	return (entry.role === "any" || entry.role === role) && (entry.model === undefined || entry.model === model);
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
