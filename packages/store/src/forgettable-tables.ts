/** Tables whose rows belong to a unit, named in `unit_id`. */
export const EVIDENCE_TABLES = ["calls", "exposures", "evaluations"] as const;

/** Those that name the trace; the traces of calls are looked up where they landed. */
export const TABLES_WITH_TRACES = ["exposures", "evaluations"] as const;

/** Tables of what was delivered, as it was. */
export const LANDING_TABLES = ["otel_traces", "otel_logs"] as const;
export type LandingTable = (typeof LANDING_TABLES)[number];

/** The unit to which a landing row belongs; '' when it names none. */
export const UNIT_OF_ROW: Readonly<Record<LandingTable, string>> = {
	otel_traces: "SpanAttributes['armspan.unit.id']",
	// flag evaluations of other SDKs have only the second
	otel_logs:
		"if(LogAttributes['armspan.unit.id'] != '', LogAttributes['armspan.unit.id'], LogAttributes['feature_flag.context.id'])",
};

/** What a landing row is recognized by: hashes can stand in a statement that is kept, contents cannot. */
export function landingRowHash(table: LandingTable): string {
	return table === "otel_traces"
		? "lower(hex(sipHash128(Timestamp, TraceId, SpanId)))"
		: "lower(hex(sipHash128(Timestamp, TraceId, SpanId, ServiceName, EventName, Body, mapKeys(LogAttributes), mapValues(LogAttributes), mapKeys(ResourceAttributes), mapValues(ResourceAttributes))))";
}
