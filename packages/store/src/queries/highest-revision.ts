import { sqlFile } from "../sql-file.ts";
import type { Query } from "./query.ts";

const SQL = sqlFile("queries", "highest-revision.sql");

export async function highestRevision(query: Query): Promise<number> {
	const [row] = await query<{ revision: string }>(SQL, {});
	// A forged span may claim any revision; one beyond what a routing file can say is nobody's.
	const revision = Number(row?.revision ?? 0);
	return Number.isSafeInteger(revision) ? revision : 0;
}
