import { sqlFile } from "../sql-file.ts";
import type { Query } from "./query.ts";

const SQL = sqlFile("queries", "newest-arrival.sql");

export async function newestArrival(query: Query): Promise<Date | null> {
	const [row] = await query<{ seconds: string }>(SQL, {});
	const seconds = Number(row?.seconds ?? 0);
	return seconds === 0 ? null : new Date(seconds * 1000);
}
