import { sqlFile } from "../sql-file.ts";
import type { ArrivalTimesKey } from "../store.ts";
import { closedParameter, type Query, untilRevisionParameter } from "./query.ts";

const SQL = sqlFile("queries", "arrival-times.sql");

export async function arrivalTimes(query: Query, key: ArrivalTimesKey): Promise<Date[]> {
	const [row] = await query<{ arrived_us: string[] }>(SQL, {
		experiment: key.experiment,
		iteration: key.iteration,
		environment: key.environment ?? "",
		until_revision: untilRevisionParameter(key.untilRevision),
		closed_us: closedParameter(key.closedAt),
		numbers: key.numbers.map(String),
		variants: key.variants ?? [],
	});
	// Up to the next millisecond, so that the unit itself has come by then.
	return (row?.arrived_us ?? []).map((micros) => new Date(Math.ceil(Number(micros) / 1000)));
}
