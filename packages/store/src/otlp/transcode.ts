import { encodeLogRows, encodeTraceRows } from "../encode-rows.ts";
import { TraceColumns } from "../native/trace-columns.ts";
import type { EncodedRows, OtlpContentType } from "../rows.ts";
import { decodeLogs, decodeTraces, guarded, isJson } from "./decode.ts";
import { walkRequest } from "./protobuf-envelope.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import { DayBudget } from "./record-fields.ts";
import { Refusals } from "./refusals.ts";
import { transcodeSpan } from "./transcode-spans.ts";

/** Filled by one request and emptied before the next: what it has allocated serves again. */
const columns = new TraceColumns();

/**
 * Turns the body of an OTLP trace export into a block of rows as the engine takes it: the rows of `decodeTraces`.
 * @throws {StoreError} as decodeTraces
 */
export function transcodeTraces(body: Uint8Array, contentType: OtlpContentType): EncodedRows {
	return guarded(body, () => {
		if (isJson(contentType)) {
			const { rows, ...refused } = decodeTraces(body, contentType);
			return { table: "otel_traces", rows: rows.length, block: encodeTraceRows(rows), ...refused };
		}
		columns.clear();
		const reader = new ProtobufReader(body);
		const refusals = new Refusals();
		const days = new DayBudget();
		walkRequest(reader, (end, envelope) => {
			refusals.attempt(() => transcodeSpan(reader, end, envelope, columns, days));
		});
		const { rows } = columns;
		return { table: "otel_traces", rows, block: columns.takeBlock(), ...refusals.result() };
	});
}

/** Turns the body of an OTLP log export into a block of rows; as transcodeTraces. */
export function transcodeLogs(body: Uint8Array, contentType: OtlpContentType): EncodedRows {
	return guarded(body, () => {
		const { rows, ...refused } = decodeLogs(body, contentType);
		return { table: "otel_logs", rows: rows.length, block: encodeLogRows(rows), ...refused };
	});
}
