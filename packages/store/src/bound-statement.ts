import type { QueryParameters } from "./connection.ts";

/** What is no place for a parameter (texts, quoted names, comments), or one. */
const TOKEN =
	/'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"|--[^\n]*|\/\*.*?\*\/|\{([A-Za-z_]\w*) *: *([A-Za-z]\w*(?:\([A-Za-z]\w*\))?) *\}/gs;

/**
 * A statement with its parameters written into it, as the engine itself would: a text is a literal, anything else is a
 * literal that is cast.
 *
 * For chDB alone: it binds parameters for the whole process, so its client runs statements with parameters one at a
 * time, whatever the connection. A look at the guardrails would wait for every analysis and every user's SELECT.
 *
 * A parameter without a value stays as it is: the engine refuses it, as does the check of a user's statement.
 */
export function boundStatement(sql: string, parameters: QueryParameters): string {
	return sql.replaceAll(TOKEN, (token: string, name: string | undefined, type: string) => {
		if (name === undefined) return token;
		const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
		if (value === undefined) return token;
		if (type === "String") return literal(String(value));
		if (type === "Identifier") return quoted(String(value), "`");
		return `_CAST(${typeof value === "object" ? `[${value.map(literal).join(", ")}]` : literal(String(value))}, '${type}')`;
	});
}

function literal(text: string): string {
	return quoted(text, "'");
}

/** The backslash and the quote could end it; a control character is written out so that nothing on the way minds it. */
function quoted(text: string, quote: "'" | "`"): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	const escaped = text.replaceAll(/[\\'`\u0000-\u001f]/g, (character) => {
		const code = character.charCodeAt(0);
		return code < 32 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\${character}`;
	});
	return `${quote}${escaped}${quote}`;
}
