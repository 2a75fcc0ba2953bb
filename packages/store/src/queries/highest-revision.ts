import { sqlFile } from "../sql-file.ts";
import type { Query } from "./query.ts";

const SQL = sqlFile("queries", "highest-revision.sql");

export async function highestRevision(query: Query, { environment = "" }: { environment?: string }): Promise<number> {
	const [row] = await query<{ revision: string }>(SQL, { environment });
	return Number(row?.revision ?? 0);
}
