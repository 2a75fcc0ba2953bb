/** What one OTLP request may contain; beyond it a record is refused (partial success), or the whole request. */
export const OTLP_LIMITS = {
	/** Records of one request; a Collector sends 8,192. */
	records: 262_144,
	/** Attributes of one record, event, link, scope or resource. */
	attributes: 1_024,
	/** Events, and links, of one span. */
	eventsOrLinks: 1_024,
	/** Events and links of one request: two bytes are enough for one, and make twenty in a block. */
	eventsAndLinksOfRequest: 1_048_576,
	/** Nesting of arrays and key-value lists in one value. */
	depth: 32,
	/** Nesting of a JSON body, and its objects and lists; in a body of a megabyte or less nobody counts. */
	jsonDepth: 256,
	jsonContainers: 2_000_000,
	/** UTF-16 units of one string; longer ones are cut. */
	stringLength: 262_144,
	/** Bytes that resource and scope take in all rows of a request: each row repeats them, so few bytes could become very many. */
	repeatedBytes: 33_554_432,
	/** UTC days in one request: every day is a partition of the landing table. */
	days: 64,
} as const;
