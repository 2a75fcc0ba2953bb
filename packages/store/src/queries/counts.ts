import { sqlFile } from "../sql-file.ts";
import type { StoreCounts } from "../store.ts";
import type { Query } from "./query.ts";

const SQL = sqlFile("queries", "counts.sql");

/** Rows, and those of them that are quarantined. */
type Evidence = [rows: string, quarantined: string];

interface Row {
	traces: string;
	logs: string;
	calls: Evidence;
	exposures: Evidence;
	evaluations: Evidence;
}

export async function counts(query: Query): Promise<StoreCounts> {
	const [row] = await query<Row>(SQL, {});
	if (row === undefined) {
		throw new TypeError("a query without GROUP BY has one row");
	}
	const { traces, logs, calls, exposures, evaluations } = row;
	return {
		traces: Number(traces),
		logs: Number(logs),
		calls: Number(calls[0]),
		exposures: Number(exposures[0]),
		evaluations: Number(evaluations[0]),
		quarantined: Number(calls[1]) + Number(exposures[1]) + Number(evaluations[1]),
	};
}
