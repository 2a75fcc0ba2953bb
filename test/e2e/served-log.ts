import { readFileSync } from "node:fs";

/** One response that the simulated provider says it served. */
export interface Served {
	id: string;
	status: number;
	user: string;
	turn: number;
	promptKind: string;
	completed: boolean;
	startedAt: string;
}

/** Reads the provider's own record, one JSON object per line. */
export function readServedLog(file: string): Served[] {
	return readFileSync(file, "utf8")
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Served);
}
