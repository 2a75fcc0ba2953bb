/** Evidence that names no environment counts in each: ADR 0011. */
export const ENVIRONMENT = "({environment:String} = '' OR environment IN ('', {environment:String}))";

export const ITERATION = "experiment = {experiment:String} AND iteration = {iteration:UInt32}";

/** Rows of calls, exposures or events that are evidence, in whatever environment and at whatever revision. */
export const COUNTS = "enrolled AND NOT shadow AND unit_id != '' AND variant != ''";

/** Which rows are evidence of the iteration, in every table. */
export const EVIDENCE = `${ITERATION} AND ${ENVIRONMENT}
    AND ${COUNTS} AND routing_revision <= {until_revision:UInt64}`;

/** When a row happened, or NULL. */
export const ROW_US = {
	llm_calls: "toUnixTimestamp64Micro(started_at)",
	exposures: "toUnixTimestamp64Micro(exposed_at)",
	evaluations: "toUnixTimestamp64Micro(evaluated_at)",
} as const;
