/** JSON with sorted keys, indented by tabs and ended by a line feed: equal values give equal bytes. */
export function canonicalJson(value: unknown): string {
	return `${JSON.stringify(sorted(value), null, "\t")}\n`;
}

function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (value === null || typeof value !== "object") return value;
	const keys = Object.keys(value).sort();
	return Object.fromEntries(keys.map((key) => [key, sorted((value as Record<string, unknown>)[key])]));
}
