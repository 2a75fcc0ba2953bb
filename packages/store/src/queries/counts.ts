import { sqlFile } from "../sql-file.ts";
import type { StoreCounts } from "../store.ts";
import type { Query } from "./query.ts";

const SQL = sqlFile("queries", "counts.sql");

export async function counts(query: Query): Promise<StoreCounts> {
	const [row] = await query<Record<keyof StoreCounts, string>>(SQL, {});
	return {
		traces: Number(row?.traces),
		logs: Number(row?.logs),
		calls: Number(row?.calls),
		exposures: Number(row?.exposures),
		evaluations: Number(row?.evaluations),
	};
}
