import type { DecodedLogs, LogRow } from "../rows.ts";
import { Decoding } from "./decoding.ts";
import type { Envelope } from "./envelope.ts";
import { logRow } from "./log-row.ts";
import { readAttribute, readValue } from "./protobuf-attributes.ts";
import { walkRequest } from "./protobuf-envelope.ts";
import { ProtobufReader, WireType } from "./protobuf-reader.ts";

/** Decodes an ExportLogsServiceRequest. Field numbers: opentelemetry-proto, logs/v1/logs.proto. */
export function decodeProtobufLogs(body: Uint8Array, keep?: (row: LogRow) => void): DecodedLogs {
	const reader = new ProtobufReader(body);
	const decoding = new Decoding<LogRow>(keep);
	walkRequest(reader, (end, envelope) => decoding.record(() => readLogRecord(reader, end, envelope)));
	return decoding.result();
}

function readLogRecord(reader: ProtobufReader, end: number, envelope: Envelope): LogRow {
	let time = 0n;
	let observedTime = 0n;
	let severityNumber = 0;
	let severityText = "";
	let body = "";
	let flags = 0;
	let traceId = "";
	let spanId = "";
	let eventName = "";
	const attributes = new Map<string, string>();
	reader.fields(end, (field, wireType) => {
		if (wireType === WireType.LengthDelimited) {
			switch (field) {
				case 3:
					severityText = reader.text();
					return true;
				case 5:
					body = readValue(reader, reader.nestedEnd(end), "text", 1);
					return true;
				case 6:
					readAttribute(reader, reader.nestedEnd(end), attributes);
					return true;
				case 9:
					traceId = reader.hex();
					return true;
				case 10:
					spanId = reader.hex();
					return true;
				case 12:
					eventName = reader.text();
					return true;
			}
		} else if (wireType === WireType.Bit64 && field === 1) {
			time = reader.time();
			return true;
		} else if (wireType === WireType.Bit64 && field === 11) {
			observedTime = reader.time();
			return true;
		} else if (wireType === WireType.Bit32 && field === 8) {
			flags = reader.fixed32();
			return true;
		} else if (wireType === WireType.Varint && field === 2) {
			severityNumber = reader.int32();
			return true;
		}
		return false;
	});
	return logRow(
		{ time, observedTime, severityNumber, severityText, body, flags, traceId, spanId, eventName, attributes },
		envelope,
	);
}
