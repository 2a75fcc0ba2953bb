import { ByteBuffer } from "./byte-buffer.ts";
import type { Column } from "./column.ts";

/** One block in ClickHouse's format Native: `rows` rows of the columns. */
export function nativeBlock(columns: Readonly<Record<string, Column>>, rows: number): Uint8Array<ArrayBuffer> {
	const out = new ByteBuffer();
	const entries = Object.entries(columns);
	out.varint(entries.length);
	out.varint(rows);
	for (const [name, column] of entries) {
		out.text(name);
		out.text(column.type);
		column.writePrefix(out);
		column.writeData(out);
	}
	// of its own memory and size: it waits for the others of its INSERT, or goes to another thread
	return new Uint8Array(out.bytes.subarray(0, out.length));
}
