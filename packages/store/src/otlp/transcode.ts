import { LogColumns } from "../native/log-columns.ts";
import { TraceColumns } from "../native/trace-columns.ts";
import type { Decoded, EncodedRows, OtlpContentType } from "../rows.ts";
import { decodeLogs, decodeTraces, guarded, isJson } from "./decode.ts";
import { OTLP_LIMITS } from "./limits.ts";
import { walkRequest } from "./protobuf-envelope.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import { DayBudget } from "./record-fields.ts";
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
			return encoded("otel_traces", columns, addRows(decodeTraces(body, contentType), columns));
		}
		const reader = new ProtobufReader(body);
		const refusals = new Refusals();
		const days = new DayBudget();
		walkRequest(reader, (end, envelope) => {
			refusals.attempt(() => {
				assertRoom(columns);
				transcodeSpan(reader, end, envelope, columns, days);
			});
		});
		return encoded("otel_traces", columns, refusals.result());
	});
}

/** Turns the body of an OTLP log export into a block of rows; as transcodeTraces. */
export function transcodeLogs(body: Uint8Array, contentType: OtlpContentType): EncodedRows {
	return guarded(body, () => {
		const columns = emptied(logColumns);
		return encoded("otel_logs", columns, addRows(decodeLogs(body, contentType), columns));
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

/** @returns what was refused: in the decoding, and because there is no room */
function addRows<Row>({ rows, ...decoding }: Decoded<Row>, columns: RowColumns<Row>): Omit<Decoded<Row>, "rows"> {
	const refusals = new Refusals();
	for (const row of rows) {
		refusals.attempt(() => {
			assertRoom(columns);
			columns.add(row);
		});
	}
	const adding = refusals.result();
	return { ...adding, ...decoding, rejected: adding.rejected + decoding.rejected };
}

function assertRoom({ repeatedBytes }: { repeatedBytes: number }): void {
	if (repeatedBytes > OTLP_LIMITS.repeatedBytes) {
		throw new RecordRefused(`resource and scope take more than ${OTLP_LIMITS.repeatedBytes} bytes in the rows`);
	}
}

function encoded(
	table: EncodedRows["table"],
	columns: TraceColumns | LogColumns,
	refused: Omit<Decoded<never>, "rows">,
): EncodedRows {
	const { rows } = columns;
	return { table, rows, block: columns.takeBlock(), ...refused };
}
