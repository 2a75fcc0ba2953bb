import { LogColumns } from "../native/log-columns.ts";
import { TraceColumns } from "../native/trace-columns.ts";
import type { Decoded, EncodedRows, OtlpContentType } from "../rows.ts";
import { guarded, isJson } from "./decode.ts";
import { decodeJsonLogs } from "./json-logs.ts";
import { decodeJsonTraces } from "./json-traces.ts";
import { OTLP_LIMITS } from "./limits.ts";
import { walkRequest } from "./protobuf-envelope.ts";
import { decodeProtobufLogs } from "./protobuf-logs.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import { RequestBudget } from "./record-fields.ts";
import { RecordRefused } from "./record-refused.ts";
import { Refusals } from "./refusals.ts";
import { transcodeSpan } from "./transcode-spans.ts";

/** Filled by one request and emptied before the next: what they have allocated serves again. */
const traceColumns = new TraceColumns();
const logColumns = new LogColumns();

/**
 * Turns the body of an OTLP trace export into a block of rows as the engine takes it: the rows of `decodeTraces`.
 * @throws {StoreError} as decodeTraces
 */
export function transcodeTraces(body: Uint8Array, contentType: OtlpContentType): EncodedRows {
	return guarded(body, () => {
		const columns = emptied(traceColumns);
		if (isJson(contentType)) {
			return encoded("otel_traces", columns, decodeJsonTraces(body, adding(columns)));
		}
		const reader = new ProtobufReader(body);
		const refusals = new Refusals();
		const budget = new RequestBudget();
		walkRequest(reader, (end, envelope) => {
			refusals.attempt(() => {
				assertRoom(columns);
				transcodeSpan(reader, end, envelope, columns, budget);
			});
		});
		return encoded("otel_traces", columns, refusals.result());
	});
}

/** Turns the body of an OTLP log export into a block of rows; as transcodeTraces. */
export function transcodeLogs(body: Uint8Array, contentType: OtlpContentType): EncodedRows {
	return guarded(body, () => {
		const columns = emptied(logColumns);
		const decode = isJson(contentType) ? decodeJsonLogs : decodeProtobufLogs;
		return encoded("otel_logs", columns, decode(body, adding(columns)));
	});
}

function emptied<Columns extends TraceColumns | LogColumns>(columns: Columns): Columns {
	columns.clear();
	return columns;
}

interface RowColumns<Row> {
	readonly repeatedBytes: number;
	add(row: Row): void;
}

function adding<Row>(columns: RowColumns<Row>): (row: Row) => void {
	return (row) => {
		assertRoom(columns);
		columns.add(row);
	};
}

function assertRoom({ repeatedBytes }: { repeatedBytes: number }): void {
	if (repeatedBytes > OTLP_LIMITS.repeatedBytes) {
		throw new RecordRefused(`resource and scope take more than ${OTLP_LIMITS.repeatedBytes} bytes in the rows`);
	}
}

function encoded(
	table: EncodedRows["table"],
	columns: TraceColumns | LogColumns,
	{ rejected, rejectedReason }: Omit<Decoded<unknown>, "rows">,
): EncodedRows {
	const { rows } = columns;
	return {
		...{ table, rows, block: columns.takeBlock(), rejected },
		...(rejectedReason === undefined ? {} : { rejectedReason }),
	};
}
