import {
	canonicalParts,
	digestVersion,
	type PromptIdentity,
	promptFingerprint,
} from "@armspan/instrumentation/recognition";
import type { MappedPrompt } from "@armspan/schema";

/** Shorter ones, such as `{{question}}`, would take every text for the prompt. */
const MIN_STATIC_CHARACTERS = 4;

/** An entry of the mapping file, ready to be compared with texts. */
export interface MappingEntry {
	readonly identity: PromptIdentity;
	/** Canonical; absent when only the fingerprint is known. */
	readonly staticParts: readonly string[] | undefined;
	/** Of all static parts together. */
	readonly staticLength: number;
	readonly role: "system" | "user" | "any";
	readonly model: string | undefined;
	/** Place in the file, from 0. */
	readonly index: number;
}

/** @returns the entry, or what is wrong with the field of `match` that is named */
export function mappingEntry(
	{ prompt, version, match }: MappedPrompt,
	index: number,
): MappingEntry | { readonly field: "template" | "staticParts"; readonly message: string } {
	const field = match.template === undefined ? "staticParts" : "template";
	const given = match.template === undefined ? match.staticParts : partsOfTemplate(match.template);
	if (typeof given === "string") return { field, message: given };
	const staticParts = given === undefined ? undefined : canonicalParts(given);
	const text = staticParts?.join("");
	if (staticParts !== undefined && text !== undefined) {
		const written = text.replace(/\s/g, "").length;
		if (written === 0 || (staticParts.length > 1 && written < MIN_STATIC_CHARACTERS)) {
			const message = `has ${written} characters of static text besides blanks; expected ${MIN_STATIC_CHARACTERS} or more, since other texts would match too`;
			return { field, message };
		}
	}
	const digest = given === undefined ? (match.fingerprint ?? "") : promptFingerprint(given);
	return {
		identity: Object.freeze({ name: prompt, version: version ?? digestVersion(digest), digest }),
		staticParts,
		staticLength: text?.length ?? 0,
		role: match.role,
		model: match.model,
		index,
	};
}

/**
 * Whether a text is the static parts with anything in between. The leftmost place of each part is as good as any, so
 * the text is read once.
 * @param text canonical
 * @param budget characters that may be searched; what was searched is taken off it, and nothing matches below 0
 */
export function matchesParts(parts: readonly string[], text: string, budget: { characters: number }): boolean {
	const [first = "", ...between] = parts;
	const last = between.pop();
	if (last === undefined) return text === first;
	let at = first.length;
	const end = text.length - last.length;
	if (at > end || !text.startsWith(first) || !text.endsWith(last)) return false;
	for (const part of between) {
		if (budget.characters < 0) return false;
		const found = text.indexOf(part, at);
		budget.characters -= (found === -1 ? text.length : found + part.length) - at;
		if (found === -1 || found + part.length > end) return false;
		at = found + part.length;
	}
	return budget.characters >= 0;
}

/** The static parts of a text with `{{name}}` in it, or what is wrong with it. */
function partsOfTemplate(template: string): readonly string[] | string {
	const parts = template.split(/\{\{[ \t]*[A-Za-z_][\w.-]{0,99}[ \t]*\}\}/);
	const odd = parts.find((part) => part.includes("{{"));
	if (odd === undefined) return parts;
	const at = odd.indexOf("{{");
	return `${JSON.stringify(odd.slice(at, at + 20))} is no variable; expected {{name}}, or staticParts for braces that are text`;
}
