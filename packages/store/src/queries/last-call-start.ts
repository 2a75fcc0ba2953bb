import { sqlFile } from "../sql-file.ts";
import type { IterationKey } from "../store.ts";
import { dateOfMicros, type Query } from "./query.ts";

const SQL = sqlFile("queries", "last-call-start.sql");

export async function lastCallStart(query: Query, key: IterationKey & { variant: string }): Promise<Date | null> {
	const { experiment, iteration, variant, environment = "" } = key;
	const [row] = await query<{ newest_us: string | null }>(SQL, {
		...{ experiment, iteration, variant, environment },
	});
	return dateOfMicros(row?.newest_us);
}
