import type { RouterErrorCode, RouterProblem } from "./errors.ts";
import type { SourceFile } from "./routing-bundle.ts";

/** Keys from a document's root to a value. */
export type Path = readonly (string | number)[];

/** Collects what is wrong with the files of a repository. */
export class Problems {
	readonly list: RouterProblem[] = [];

	add(code: RouterErrorCode, source: SourceFile, path: Path, value: unknown, fix: string): void {
		const line = source.lineOf?.(path);
		const field = fieldOf(path);
		this.list.push({ code, file: source.file, ...(line === undefined ? {} : { line }), field, value, fix });
	}
}

/** `variants[1].version` */
function fieldOf(path: Path): string {
	return path.map((key, index) => (typeof key === "number" ? `[${key}]` : index === 0 ? key : `.${key}`)).join("");
}
