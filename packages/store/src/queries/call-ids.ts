import { sqlFile } from "../sql-file.ts";
import type { CallIdentity } from "../store.ts";
import { microsOfDate, type Query } from "./query.ts";

const SQL = sqlFile("queries", "call-ids.sql");

interface Row {
	trace_id: string;
	span_id: string;
	response_id: string;
	variant: string;
	prompt_version: string;
	unit_id: string;
	is_error: boolean;
	shadow: boolean;
}

export async function callIds(
	query: Query,
	{ since, environment = "" }: { since?: Date; environment?: string },
): Promise<CallIdentity[]> {
	const rows = await query<Row>(SQL, { since_us: since ? microsOfDate(since) : "-1", environment });
	return rows.map((row) => ({
		traceId: row.trace_id,
		spanId: row.span_id,
		responseId: row.response_id,
		variant: row.variant,
		promptVersion: row.prompt_version,
		unitId: row.unit_id,
		isError: row.is_error,
		isShadow: row.shadow,
	}));
}
