/** Characters that move a terminal's cursor, or change what it shows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text as one line that a terminal shows as it is. */
export function printable(text: string): string {
	return text.replaceAll(UNPRINTABLE, (character) => {
		const code = character.codePointAt(0) ?? 0;
		return character === "\n" ? "\\n" : character === "\t" ? "\\t" : `\\u${code.toString(16).padStart(4, "0")}`;
	});
}

/** Rows in columns that are as wide as they need, the first row being the heading; numbers to the right. */
export function textTable(rows: readonly (readonly string[])[], numeric: readonly boolean[] = []): string[] {
	const shown = rows.map((row) => row.map(printable));
	const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map((row) => (row[column] ?? "").length)));
	return shown.map((row) =>
		row
			.map((cell, column) => (numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
			.join("  ")
			.trimEnd(),
	);
}

/** Rows as RFC 4180 has them, with line feeds. */
export function csv(rows: readonly (readonly (string | number | boolean | null)[])[]): string {
	return rows.map((row) => `${row.map(csvCell).join(",")}\n`).join("");
}

function csvCell(value: string | number | boolean | null): string {
	const text = value === null ? "" : String(value);
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
