import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Rows on their way into an embedded engine; beside its own files, which have other names. */
export const INSERT_FILE_PREFIX = "armspan-insert-";

/** Removes what a process that was killed has left; only whoever has the folder's lock may. */
export function removeInsertFiles(folder: string): void {
	for (const name of readdirSync(folder)) {
		if (name.startsWith(INSERT_FILE_PREFIX)) {
			rmSync(join(folder, name), { force: true });
		}
	}
}
