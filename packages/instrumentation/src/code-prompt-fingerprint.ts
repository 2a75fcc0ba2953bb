import { hash } from "node:crypto";

/** Joins static parts; it stands in no prompt, so the parts can be told apart. */
const SEPARATOR = "\u0000";

/** What is left of a text when nothing but layout is taken away: line ends are `\n`, the ends are trimmed. Linear. */
export function canonicalText(text: string): string {
	return (text.includes("\r") ? text.replaceAll("\r\n", "\n") : text).trim();
}

/** What stands before, between and after the variables, with the layout at both ends taken away. */
export function canonicalParts(staticParts: readonly string[]): string[] {
	const parts = staticParts.map((part) => part.replaceAll("\r\n", "\n"));
	const last = parts.length - 1;
	return parts.map((part, index) => {
		const started = index === 0 ? part.trimStart() : part;
		return index === last ? started.trimEnd() : started;
	});
}

/**
 * Identity of a prompt in code: sha256, 64 hex digits, of its canonical static parts joined with U+0000. Of a text
 * without variables it is the sha256 of the text.
 */
export function promptFingerprint(staticParts: readonly string[]): string {
	return textDigest(canonicalParts(staticParts).join(SEPARATOR));
}

/** sha256 of a canonical text, 64 hex digits. */
export function textDigest(text: string): string {
	return hash("sha256", text, "hex");
}

/** What stands in `gen_ai.prompt.version` where nobody gave the version a label. */
export function digestVersion(digest: string): string {
	return `sha256-${digest.slice(0, 12)}`;
}
