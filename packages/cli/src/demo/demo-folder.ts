import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../cli-error.ts";

const MARKER = "armspan-demo";

export interface DemoFolder {
	root: string;
	repository: string;
	routing: string;
	clickhouse: string;
	/** Logs of service and children. */
	logs: string;
}

/**
 * An empty folder for a demo run. What an earlier run left is removed, so that the same seed gives the same
 * assignment again; a folder that no demo made is left alone.
 *
 * @param isFree says whether the evidence of an earlier run may be removed, or throws
 */
export async function prepareDemoFolder(
	root: string,
	isFree: (clickhouse: string) => Promise<void>,
): Promise<DemoFolder> {
	const folder: DemoFolder = {
		root,
		repository: join(root, "repository"),
		routing: join(root, "routing"),
		clickhouse: join(root, "clickhouse"),
		logs: join(root, "logs"),
	};
	if (existsSync(root) && readdirSync(root).length > 0) {
		if (!existsSync(join(root, MARKER))) {
			throw new CliError(
				"NOT_A_DEMO_FOLDER",
				`${root} is not empty and was not made by a demo`,
				"armspan up --demo --data ANOTHER_FOLDER",
			);
		}
		if (existsSync(folder.clickhouse)) {
			await isFree(folder.clickhouse);
		}
		for (const part of [folder.repository, folder.routing, folder.clickhouse, folder.logs]) {
			rmSync(part, { recursive: true, force: true });
		}
	}
	mkdirSync(folder.logs, { recursive: true });
	writeFileSync(join(root, MARKER), "Made by `armspan up --demo`, which empties this folder at every start.\n");
	return folder;
}
