import type { AttributeMap, LogRow } from "../rows.ts";
import type { Envelope } from "./envelope.ts";
import { optionalId, timeText } from "./record-fields.ts";

/** What a log record says, whichever encoding it came in. */
export interface LogRecord {
	time: bigint;
	observedTime: bigint;
	severityNumber: number;
	severityText: string;
	body: string;
	flags: number;
	traceId: string;
	spanId: string;
	eventName: string;
	attributes: AttributeMap;
}

export function logRow(record: LogRecord, { resource, resourceSchemaUrl, scope, scopeSchemaUrl }: Envelope): LogRow {
	const { severityNumber } = record;
	return {
		Timestamp: timeText(record.time === 0n ? record.observedTime : record.time),
		TraceId: optionalId("trace", record.traceId),
		SpanId: optionalId("span", record.spanId),
		TraceFlags: record.flags & 0xff,
		SeverityText: record.severityText,
		SeverityNumber: severityNumber >= 0 && severityNumber <= 24 ? severityNumber : 0,
		ServiceName: resource.get("service.name") ?? "",
		Body: record.body,
		ResourceSchemaUrl: resourceSchemaUrl,
		ResourceAttributes: resource,
		ScopeSchemaUrl: scopeSchemaUrl,
		ScopeName: scope.name,
		ScopeVersion: scope.version,
		ScopeAttributes: scope.attributes,
		LogAttributes: record.attributes,
		EventName: record.eventName,
	};
}
