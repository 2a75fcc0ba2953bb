/** What one OTLP request may contain; beyond it a record is refused (partial success), or the whole request. */
export const OTLP_LIMITS = {
	/** Attributes of one record, event, link, scope or resource. */
	attributes: 1_024,
	/** Events, and links, of one span. */
	eventsOrLinks: 1_024,
	/** Nesting of arrays and key-value lists in one value. */
	depth: 32,
	/** UTF-16 units of one string; longer ones are cut. */
	stringLength: 262_144,
	/** Bytes that resource and scope take in all rows of a request: each row repeats them, so few bytes could become very many. */
	repeatedBytes: 100_663_296,
	/** UTC days in one request: every day is a partition of the landing table. */
	days: 64,
} as const;
