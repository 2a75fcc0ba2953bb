/** Attributes as the Collector's exporter stores them: values as text. A Map, so that a key such as `__proto__` is inert. */
export type AttributeMap = ReadonlyMap<string, string>;

/** One row of `otel_traces`; names are the table's columns. Times are nanoseconds since 1970 in decimal digits. */
export interface TraceRow {
	Timestamp: string;
	/** 32 lower-case hex digits. */
	TraceId: string;
	/** 16 lower-case hex digits. */
	SpanId: string;
	ParentSpanId: string;
	TraceState: string;
	SpanName: string;
	SpanKind: string;
	ServiceName: string;
	ResourceAttributes: AttributeMap;
	ScopeName: string;
	ScopeVersion: string;
	SpanAttributes: AttributeMap;
	/** Nanoseconds, unsigned 64 bit; an end before the start wraps around, as in the Collector. */
	Duration: string;
	StatusCode: string;
	StatusMessage: string;
	Events: readonly TraceEvent[];
	Links: readonly TraceLink[];
}

export interface TraceEvent {
	Timestamp: string;
	Name: string;
	Attributes: AttributeMap;
}

export interface TraceLink {
	TraceId: string;
	SpanId: string;
	TraceState: string;
	Attributes: AttributeMap;
}

/** One row of `otel_logs`; names are the table's columns. */
export interface LogRow {
	Timestamp: string;
	TraceId: string;
	SpanId: string;
	TraceFlags: number;
	SeverityText: string;
	SeverityNumber: number;
	ServiceName: string;
	Body: string;
	ResourceSchemaUrl: string;
	ResourceAttributes: AttributeMap;
	ScopeSchemaUrl: string;
	ScopeName: string;
	ScopeVersion: string;
	ScopeAttributes: AttributeMap;
	LogAttributes: AttributeMap;
	EventName: string;
}

/** Rows of one request, and how many of its records were refused one by one (OTLP partial success). */
export interface Decoded<Row> {
	rows: Row[];
	rejected: number;
	/** Why the first of them was refused. */
	rejectedReason?: string;
}

export type DecodedTraces = Decoded<TraceRow>;
export type DecodedLogs = Decoded<LogRow>;

export type OtlpContentType = "application/x-protobuf" | "application/json";

/** Rows of one request as the engine takes them. */
export interface EncodedRows {
	table: "otel_traces" | "otel_logs";
	rows: number;
	/** A block in ClickHouse's format Native; several may follow each other in one INSERT. */
	block: Uint8Array<ArrayBuffer>;
	/** Records of the request that were refused one by one (OTLP partial success), and why the first of them was. */
	rejected: number;
	rejectedReason?: string;
}
