import { sqlFile } from "../sql-file.ts";
import type { EvidenceKey } from "../store.ts";
import { closedParameter, type Query, untilRevisionParameter } from "./query.ts";

const SQL = sqlFile("queries", "calls-beyond-revision.sql");

export async function callsBeyondRevision(query: Query, key: EvidenceKey): Promise<number> {
	const [row] = await query<{ calls: string }>(SQL, {
		experiment: key.experiment,
		iteration: key.iteration,
		environment: key.environment ?? "",
		until_revision: untilRevisionParameter(key.untilRevision),
		closed_us: closedParameter(key.closedAt),
	});
	return Number(row?.calls ?? 0);
}
