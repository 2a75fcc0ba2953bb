import { sqlFile } from "../sql-file.ts";
import type { IterationKey } from "../store.ts";
import { dateOfMicros, microsOfDate, type Query } from "./query.ts";

const SQL = sqlFile("queries", "last-call-start.sql");

export async function lastCallStart(
	query: Query,
	key: IterationKey & { variant: string; since?: Date },
): Promise<Date | null> {
	const { experiment, iteration, variant, since, environment = "" } = key;
	const [row] = await query<{ newest_us: string | null }>(SQL, {
		...{ experiment, iteration, variant, environment },
		since_us: since === undefined ? "-1" : microsOfDate(since),
	});
	return dateOfMicros(row?.newest_us);
}
