import type { AttributeMap, TraceEvent, TraceLink, TraceRow } from "../rows.ts";
import { nativeBlock } from "./block.ts";
import { ArrayColumn, PlainColumn } from "./column.ts";
import { LowCardinalityColumn } from "./low-cardinality-column.ts";
import { MapColumn } from "./map-column.ts";

/** Rows of `otel_traces` column by column; types are those of the table. */
export class TraceColumns {
	readonly columns = {
		Timestamp: new PlainColumn("DateTime64(9)"),
		TraceId: new PlainColumn("String"),
		SpanId: new PlainColumn("String"),
		ParentSpanId: new PlainColumn("String"),
		TraceState: new PlainColumn("String"),
		SpanName: new LowCardinalityColumn(),
		SpanKind: new LowCardinalityColumn(),
		ServiceName: new LowCardinalityColumn(),
		ResourceAttributes: new MapColumn(),
		ScopeName: new PlainColumn("String"),
		ScopeVersion: new PlainColumn("String"),
		SpanAttributes: new MapColumn(),
		Duration: new PlainColumn("UInt64"),
		StatusCode: new LowCardinalityColumn(),
		StatusMessage: new PlainColumn("String"),
		"Events.Timestamp": new ArrayColumn(new PlainColumn("DateTime64(9)")),
		"Events.Name": new ArrayColumn(new LowCardinalityColumn()),
		"Events.Attributes": new ArrayColumn(new MapColumn()),
		"Links.TraceId": new ArrayColumn(new PlainColumn("String")),
		"Links.SpanId": new ArrayColumn(new PlainColumn("String")),
		"Links.TraceState": new ArrayColumn(new PlainColumn("String")),
		"Links.Attributes": new ArrayColumn(new MapColumn()),
	};
	rows = 0;

	add(row: TraceRow): void {
		const { columns } = this;
		columns.Timestamp.integer(row.Timestamp);
		columns.TraceId.text(row.TraceId);
		columns.SpanId.text(row.SpanId);
		columns.ParentSpanId.text(row.ParentSpanId);
		columns.TraceState.text(row.TraceState);
		columns.SpanName.add(row.SpanName);
		columns.SpanKind.add(row.SpanKind);
		this.addShared(row.ServiceName, row.ResourceAttributes, row.ScopeName, row.ScopeVersion);
		columns.SpanAttributes.add(row.SpanAttributes);
		columns.Duration.integer(row.Duration);
		columns.StatusCode.add(row.StatusCode);
		columns.StatusMessage.text(row.StatusMessage);
		this.addEvents(row.Events);
		this.addLinks(row.Links);
		this.rows += 1;
	}

	/** What all spans of a scope have in common. */
	addShared(service: string, resource: AttributeMap, scopeName: string, scopeVersion: string): void {
		const { columns } = this;
		columns.ServiceName.add(service);
		columns.ResourceAttributes.addShared(resource);
		columns.ScopeName.text(scopeName);
		columns.ScopeVersion.text(scopeVersion);
	}

	addEvents(events: readonly TraceEvent[]): void {
		const { columns } = this;
		for (const event of events) {
			columns["Events.Timestamp"].items.integer(event.Timestamp);
			columns["Events.Name"].items.add(event.Name);
			columns["Events.Attributes"].items.add(event.Attributes);
		}
		columns["Events.Timestamp"].endRow(events.length);
		columns["Events.Name"].endRow(events.length);
		columns["Events.Attributes"].endRow(events.length);
	}

	addLinks(links: readonly TraceLink[]): void {
		const { columns } = this;
		for (const link of links) {
			columns["Links.TraceId"].items.text(link.TraceId);
			columns["Links.SpanId"].items.text(link.SpanId);
			columns["Links.TraceState"].items.text(link.TraceState);
			columns["Links.Attributes"].items.add(link.Attributes);
		}
		columns["Links.TraceId"].endRow(links.length);
		columns["Links.SpanId"].endRow(links.length);
		columns["Links.TraceState"].endRow(links.length);
		columns["Links.Attributes"].endRow(links.length);
	}

	/** Bytes of what all records of a resource and scope repeat. */
	get repeatedBytes(): number {
		const { columns } = this;
		return columns.ResourceAttributes.byteLength + columns.ScopeName.length + columns.ScopeVersion.length;
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
