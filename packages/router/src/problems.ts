import type { RouterErrorCode, RouterProblem } from "./errors.ts";

/** Collects what is wrong with the files of a repository. */
export class Problems {
	readonly list: RouterProblem[] = [];

	add(code: RouterErrorCode, file: string, field: string, value: unknown, fix: string): void {
		this.list.push({ code, file, field, value, fix });
	}
}
