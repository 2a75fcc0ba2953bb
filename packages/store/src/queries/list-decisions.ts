import { Decision } from "@armspan/schema";
import { sqlFile } from "../sql-file.ts";
import type { IterationKey } from "../store.ts";
import { StoreError } from "../store-error.ts";
import type { Query } from "./query.ts";

const SQL = sqlFile("queries", "list-decisions.sql");

export async function listDecisions(query: Query, filter: Partial<IterationKey>): Promise<Decision[]> {
	const rows = await query<{ decision: string }>(SQL, {
		experiment: filter.experiment ?? "",
		iteration: filter.iteration ?? 0,
		environment: filter.environment ?? "",
	});
	return rows.map(({ decision }) => {
		const { data, error } = Decision.safeParse(JSON.parse(decision));
		if (!data) {
			throw new StoreError("DECISION_INVALID", `stored decision is not valid: ${error.message}`, {}, { cause: error });
		}
		return data;
	});
}
