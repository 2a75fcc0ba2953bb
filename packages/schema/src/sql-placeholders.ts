/** What the SELECT of a metric may name in place of a value, as `{experiment:String}`, and the type that it is bound as. */
export const SQL_PLACEHOLDERS = {
	/** Key of the experiment that is analysed. */
	experiment: "String",
	iteration: "UInt32",
	/** When a service began the iteration; 1970 where none recorded it. */
	started_at: "DateTime64",
	/** Whose evidence counts; empty when that of all does. */
	environment: "String",
} as const;
export type SqlPlaceholder = keyof typeof SQL_PLACEHOLDERS;

/** What is no place for one (texts, quoted names, comments), or one. */
const TOKEN =
	/'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"|--[^\n]*|\/\*.*?\*\/|\{\s*([A-Za-z_]\w*)\s*:\s*([^{}]*?)\s*\}/gs;

/** Placeholders of a SELECT as they are written, known or not, each once. */
export function sqlPlaceholders(query: string): { text: string; name: string; type: string }[] {
	const found = new Map<string, { text: string; name: string; type: string }>();
	for (const [text, name, type] of query.matchAll(TOKEN)) {
		if (name !== undefined && type !== undefined) found.set(text, { text, name, type });
	}
	return [...found.values()];
}

/** The SELECT with the literals of SQL in place of its placeholders; what is not known stays. */
export function withSqlPlaceholders(query: string, literals: Readonly<Record<SqlPlaceholder, string>>): string {
	return query.replaceAll(TOKEN, (text, name: string | undefined, type: string | undefined) =>
		isSqlPlaceholder(name, type) ? literals[name] : text,
	);
}

export function isSqlPlaceholder(name: string | undefined, type: string | undefined): name is SqlPlaceholder {
	return (
		name !== undefined && Object.hasOwn(SQL_PLACEHOLDERS, name) && SQL_PLACEHOLDERS[name as SqlPlaceholder] === type
	);
}
