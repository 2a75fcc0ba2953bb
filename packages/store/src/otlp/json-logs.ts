import type { DecodedLogs, LogRow } from "../rows.ts";
import { Decoding } from "./decoding.ts";
import type { Envelope } from "./envelope.ts";
import { walkJsonRequest } from "./json-envelope.ts";
import {
	asObject,
	attributesField,
	hexField,
	intField,
	type JsonObject,
	own,
	textField,
	timeField,
	valueText,
} from "./json-fields.ts";
import { logRow } from "./log-row.ts";

/** Decodes an ExportLogsServiceRequest in OTLP/JSON. */
export function decodeJsonLogs(body: Uint8Array, keep?: (row: LogRow) => void): DecodedLogs {
	const decoding = new Decoding<LogRow>(keep);
	walkJsonRequest(body, { resources: "resourceLogs", scopes: "scopeLogs", records: "logRecords" }, (record, envelope) =>
		decoding.record(() => jsonLogRow(asObject(record, "logRecords"), envelope)),
	);
	return decoding.result();
}

function jsonLogRow(record: JsonObject, envelope: Envelope): LogRow {
	return logRow(
		{
			time: timeField(record, "timeUnixNano"),
			observedTime: timeField(record, "observedTimeUnixNano"),
			severityNumber: intField(record, "severityNumber"),
			severityText: textField(record, "severityText"),
			body: valueText(own(record, "body"), "text", 1),
			flags: intField(record, "flags"),
			traceId: hexField(record, "traceId"),
			spanId: hexField(record, "spanId"),
			eventName: textField(record, "eventName"),
			attributes: attributesField(record),
		},
		envelope,
	);
}
