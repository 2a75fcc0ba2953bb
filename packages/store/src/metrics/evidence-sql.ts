/** Evidence that names no environment counts in each: ADR 0011. */
export const ENVIRONMENT = "({environment:String} = '' OR environment IN ('', {environment:String}))";

export const ITERATION = "experiment = {experiment:String} AND iteration = {iteration:UInt32}";

/** Rows of calls, exposures or events that are evidence, in whatever environment and at whatever revision. */
export const COUNTS = "enrolled AND NOT shadow AND unit_id != '' AND variant != ''";

/** When a row happened, or NULL. */
export const ROW_US = {
	calls: "toUnixTimestamp64Micro(started_at)",
	exposures: "toUnixTimestamp64Micro(exposed_at)",
	evaluations: "toUnixTimestamp64Micro(evaluated_at)",
} as const;

/** When a row happened; later than everything where that is unknown. The text is that of the index `by_time`. */
export const timeOf = (table: keyof typeof ROW_US) => `ifNull(${ROW_US[table]}, 9223372036854775807)`;

/** What tells calls apart, beside their experiment and iteration: ADR 0018. */
export const CALL_IDENTITY = `unit_id, ${timeOf("calls")}, call_hash, environment`;

/** `trace_hash` of calls without a unit, from the id of their trace. */
export const traceHash = (traceId: string) => `bitAnd(sipHash64(${traceId}), 0xFFFFFFFFFFFF)`;

/** `{closed_us}` of evidence that is open. */
export const OPEN_US = "9223372036854775807";

const evidenceOf = (table: keyof typeof ROW_US) => `${ITERATION} AND ${ENVIRONMENT}
    AND ${COUNTS} AND routing_revision <= {until_revision:UInt64} AND ({closed_us:Int64} = ${OPEN_US} OR ${timeOf(table)} <= {closed_us:Int64})`;

/**
 * Which rows of a table are evidence of the iteration. Once it is closed, by revision and by time: an application that
 * ignores a halt goes on calling at the old revision. Of a row without a believable time nothing shows that it was before.
 */
export const EVIDENCE = {
	calls: evidenceOf("calls"),
	exposures: evidenceOf("exposures"),
	evaluations: evidenceOf("evaluations"),
} as const;
