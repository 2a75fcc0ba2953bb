import { withSqlPlaceholders } from "@armspan/schema";
import { boundStatement } from "../bound-statement.ts";
import type { MetricTotalsRequest } from "./metric-totals.ts";

/**
 * The SELECT of a metric about what is analysed. Values are written into it as literals before it is checked, since the
 * check, and what it wrote anew, are of one whole statement.
 */
export function sourceQuery(
	query: string,
	{
		experiment,
		iteration,
		startedAt,
		environment,
	}: Pick<MetricTotalsRequest, "experiment" | "iteration" | "startedAt" | "environment">,
): string {
	const startedMs = startedAt?.getTime() ?? 0;
	return withSqlPlaceholders(query, {
		experiment: text(experiment),
		iteration: `toUInt32(${text(String(iteration))})`,
		started_at: `fromUnixTimestamp64Milli(toInt64(${startedMs}), 'UTC')`,
		environment: text(environment ?? ""),
	});
}

function text(value: string): string {
	return boundStatement("{value:String}", { value });
}
