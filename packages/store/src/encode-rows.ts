import type { AttributeMap, LogRow, TraceRow } from "./rows.ts";

export const TRACE_COLUMNS = [
	"Timestamp",
	"TraceId",
	"SpanId",
	"ParentSpanId",
	"TraceState",
	"SpanName",
	"SpanKind",
	"ServiceName",
	"ResourceAttributes",
	"ScopeName",
	"ScopeVersion",
	"SpanAttributes",
	"Duration",
	"StatusCode",
	"StatusMessage",
	"Events.Timestamp",
	"Events.Name",
	"Events.Attributes",
	"Links.TraceId",
	"Links.SpanId",
	"Links.TraceState",
	"Links.Attributes",
] as const;

export const LOG_COLUMNS = [
	"Timestamp",
	"TraceId",
	"SpanId",
	"TraceFlags",
	"SeverityText",
	"SeverityNumber",
	"ServiceName",
	"Body",
	"ResourceSchemaUrl",
	"ResourceAttributes",
	"ScopeSchemaUrl",
	"ScopeName",
	"ScopeVersion",
	"ScopeAttributes",
	"LogAttributes",
	"EventName",
] as const;

/** Rows as JSONCompactEachRow in the order of TRACE_COLUMNS. */
export function encodeTraceRows(rows: readonly TraceRow[]): Buffer {
	const resource = lastMapEncoder();
	let text = "";
	for (const row of rows) {
		// raw nanoseconds are DateTime64(9) ticks; ids are hex and kinds are ours, so they need no escaping
		text += `[${row.Timestamp},"${row.TraceId}","${row.SpanId}","${row.ParentSpanId}",${json(row.TraceState)},${json(row.SpanName)},"${row.SpanKind}",${json(row.ServiceName)},${resource(row.ResourceAttributes)},${json(row.ScopeName)},${json(row.ScopeVersion)},${encodeMap(row.SpanAttributes)},${row.Duration},"${row.StatusCode}",${json(row.StatusMessage)}`;
		if (row.Events.length === 0) {
			text += ",[],[],[]";
		} else {
			text += `,[${row.Events.map((event) => event.Timestamp)}],[${row.Events.map((event) => json(event.Name))}],[${row.Events.map((event) => encodeMap(event.Attributes))}]`;
		}
		if (row.Links.length === 0) {
			text += ",[],[],[],[]]\n";
		} else {
			text += `,[${row.Links.map((link) => json(link.TraceId))}],[${row.Links.map((link) => json(link.SpanId))}],[${row.Links.map((link) => json(link.TraceState))}],[${row.Links.map((link) => encodeMap(link.Attributes))}]]\n`;
		}
	}
	return Buffer.from(text);
}

/** Rows as JSONCompactEachRow in the order of LOG_COLUMNS. */
export function encodeLogRows(rows: readonly LogRow[]): Buffer {
	const resource = lastMapEncoder();
	const scope = lastMapEncoder();
	let text = "";
	for (const row of rows) {
		text += `[${row.Timestamp},"${row.TraceId}","${row.SpanId}",${row.TraceFlags},${json(row.SeverityText)},${row.SeverityNumber},${json(row.ServiceName)},${json(row.Body)},${json(row.ResourceSchemaUrl)},${resource(row.ResourceAttributes)},${json(row.ScopeSchemaUrl)},${json(row.ScopeName)},${json(row.ScopeVersion)},${scope(row.ScopeAttributes)},${encodeMap(row.LogAttributes)},${json(row.EventName)}]\n`;
	}
	return Buffer.from(text);
}

const json = JSON.stringify as (text: string) => string;

function encodeMap(map: AttributeMap): string {
	let text = "{";
	for (const [key, value] of map) {
		text += `${text.length === 1 ? "" : ","}${json(key)}:${json(value)}`;
	}
	return `${text}}`;
}

/** Rows of one request share the map of their resource: encoded once while it repeats. */
function lastMapEncoder(): (map: AttributeMap) => string {
	let lastMap: AttributeMap | undefined;
	let lastText = "{}";
	return (map) => {
		if (map !== lastMap) {
			lastMap = map;
			lastText = encodeMap(map);
		}
		return lastText;
	};
}
