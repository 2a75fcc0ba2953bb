/**
 * Calls that match a condition and began within the panel's range, each once, with their start as `started`. The second
 * condition on the time is the expression of the index `by_time`: whole parts of other days are not read.
 */
export const callsInRange = (condition: string): string =>
	`FROM (SELECT *, assumeNotNull(started_at) AS started FROM calls FINAL WHERE ${condition} AND $__timeFilter(started_at) AND ${BY_TIME})`;

/** In microseconds; a second more than the range at its end, as the range is cut to seconds. */
const BY_TIME =
	"ifNull(toUnixTimestamp64Micro(started_at), 9223372036854775807) BETWEEN toUnixTimestamp($__fromTime) * 1000000 AND toUnixTimestamp($__toTime) * 1000000 + 999999";
