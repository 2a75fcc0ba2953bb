import { LogColumns } from "./native/log-columns.ts";
import { TraceColumns } from "./native/trace-columns.ts";
import type { LogRow, TraceRow } from "./rows.ts";

const traceColumns = new TraceColumns();
const logColumns = new LogColumns();

/** Columns of the landing tables that are inserted, in the order of the blocks. */
export const LANDING_COLUMNS = {
	otel_traces: Object.keys(traceColumns.columns),
	otel_logs: Object.keys(logColumns.columns),
} as const;

/** Rows as a block in ClickHouse's format Native. */
export function encodeTraceRows(rows: readonly TraceRow[]): Uint8Array<ArrayBuffer> {
	traceColumns.clear();
	for (const row of rows) {
		traceColumns.add(row);
	}
	return traceColumns.takeBlock();
}

/** Rows as a block in ClickHouse's format Native. */
export function encodeLogRows(rows: readonly LogRow[]): Uint8Array<ArrayBuffer> {
	logColumns.clear();
	for (const row of rows) {
		logColumns.add(row);
	}
	return logColumns.takeBlock();
}
