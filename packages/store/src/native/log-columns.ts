import type { LogRow } from "../rows.ts";
import { nativeBlock } from "./block.ts";
import { PlainColumn } from "./column.ts";
import { LowCardinalityColumn } from "./low-cardinality-column.ts";
import { MapColumn } from "./map-column.ts";

/** Rows of `otel_logs` column by column; types are those of the table. */
export class LogColumns {
	readonly columns = {
		Timestamp: new PlainColumn("DateTime64(9)"),
		TraceId: new PlainColumn("String"),
		SpanId: new PlainColumn("String"),
		TraceFlags: new PlainColumn("UInt8"),
		SeverityText: new LowCardinalityColumn(),
		SeverityNumber: new PlainColumn("UInt8"),
		ServiceName: new LowCardinalityColumn(),
		Body: new PlainColumn("String"),
		ResourceSchemaUrl: new LowCardinalityColumn(),
		ResourceAttributes: new MapColumn(),
		ScopeSchemaUrl: new LowCardinalityColumn(),
		ScopeName: new PlainColumn("String"),
		ScopeVersion: new LowCardinalityColumn(),
		ScopeAttributes: new MapColumn(),
		LogAttributes: new MapColumn(),
		EventName: new PlainColumn("String"),
	};
	rows = 0;

	add(row: LogRow): void {
		const { columns } = this;
		columns.Timestamp.integer(row.Timestamp);
		columns.TraceId.text(row.TraceId);
		columns.SpanId.text(row.SpanId);
		columns.TraceFlags.byte(row.TraceFlags);
		columns.SeverityText.add(row.SeverityText);
		columns.SeverityNumber.byte(row.SeverityNumber);
		columns.ServiceName.add(row.ServiceName);
		columns.Body.text(row.Body);
		columns.ResourceSchemaUrl.add(row.ResourceSchemaUrl);
		columns.ResourceAttributes.addShared(row.ResourceAttributes);
		columns.ScopeSchemaUrl.add(row.ScopeSchemaUrl);
		columns.ScopeName.text(row.ScopeName);
		columns.ScopeVersion.add(row.ScopeVersion);
		columns.ScopeAttributes.addShared(row.ScopeAttributes);
		columns.LogAttributes.add(row.LogAttributes);
		columns.EventName.text(row.EventName);
		this.rows += 1;
	}

	/** Bytes of what all records of a resource and scope repeat. */
	get repeatedBytes(): number {
		const { columns } = this;
		return columns.ResourceAttributes.byteLength + columns.ScopeAttributes.byteLength + columns.ScopeName.length;
	}

	/** The rows as one block, after which it is empty. */
	takeBlock(): Uint8Array<ArrayBuffer> {
		const block = nativeBlock(this.columns, this.rows);
		this.clear();
		return block;
	}

	clear(): void {
		this.rows = 0;
		for (const column of Object.values(this.columns)) {
			column.clear();
		}
	}
}
