import { ByteBuffer } from "./byte-buffer.ts";

/** A column of a block in ClickHouse's format Native. */
export interface Column {
	readonly type: string;
	/** What stands before the data, also before the offsets of arrays around it. */
	writePrefix(out: ByteBuffer): void;
	writeData(out: ByteBuffer): void;
	clear(): void;
}

/** What a column may keep allocated between two blocks. */
export const KEPT_BYTES = 4_194_304;

/** Values of fixed width, or strings with their lengths: bytes as they stand in the block. */
export class PlainColumn extends ByteBuffer implements Column {
	readonly type: string;

	constructor(type: string) {
		super();
		this.type = type;
	}

	writePrefix(_out: ByteBuffer): void {}

	writeData(out: ByteBuffer): void {
		out.raw(this.bytes.subarray(0, this.length));
	}

	override clear(): void {
		super.clear(KEPT_BYTES);
	}
}

/** Arrays of any length over the values of another column, which is filled beside it. */
export class ArrayColumn<Items extends Column> implements Column {
	readonly type: string;
	readonly items: Items;
	readonly #ends = new ByteBuffer();
	#end = 0;

	constructor(items: Items) {
		this.type = `Array(${items.type})`;
		this.items = items;
	}

	/** Ends the array of one row: `size` items were added to `items`. */
	endRow(size: number): void {
		this.#end += size;
		this.#ends.uint64(this.#end, 0);
	}

	writePrefix(out: ByteBuffer): void {
		this.items.writePrefix(out);
	}

	writeData(out: ByteBuffer): void {
		out.raw(this.#ends.bytes.subarray(0, this.#ends.length));
		if (this.#end > 0) {
			this.items.writeData(out);
		}
	}

	clear(): void {
		this.#end = 0;
		this.#ends.clear(KEPT_BYTES);
		this.items.clear();
	}
}
