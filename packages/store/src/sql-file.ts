import { readFileSync } from "node:fs";

/** Text of a `.sql` file of this package. The path is the same from src/ and from dist/. */
export function sqlFile(folder: "migrations" | "queries", name: string): string {
	return readFileSync(new URL(`../${folder}/${name}`, import.meta.url), "utf8");
}

/** Statements of a migration file: each ends with a semicolon at the end of a line. */
export function statements(sql: string): string[] {
	return sql
		.split(/;\s*$/m)
		.map((statement) => statement.replace(/^\s*--.*$/gm, "").trim())
		.filter((statement) => statement !== "");
}
