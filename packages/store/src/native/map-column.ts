import type { AttributeMap } from "../rows.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { type Column, KEPT_BYTES } from "./column.ts";
import { LowCardinalityColumn } from "./low-cardinality-column.ts";

/** Map(LowCardinality(String), String). The map of one row is added entry by entry, then ended or taken back. */
export class MapColumn implements Column {
	readonly type = "Map(LowCardinality(String), String)";
	readonly keys = new LowCardinalityColumn();
	/** A length and the text of each value. */
	readonly values = new ByteBuffer();
	readonly #ends = new ByteBuffer();
	#rowStart = 0;
	#valuesStart = 0;
	/** For each key the row in which it was added last. */
	#rowOfKey = new Uint32Array(256);
	#row = 1;
	#repeated: { map: AttributeMap; keys: [number, number]; values: [number, number] } | undefined;

	/** Entries of the row that is being added. */
	get size(): number {
		return this.keys.length - this.#rowStart;
	}

	/** Bytes in memory of all rows. */
	get byteLength(): number {
		return this.values.length + 4 * this.keys.length;
	}

	/**
	 * Adds the key of an entry, whose value is appended to `values`.
	 * @returns false when the row has the key already; then the row has to be taken back
	 */
	addKey(key: number): boolean {
		if (key >= this.#rowOfKey.length) {
			const grown = new Uint32Array(Math.max(key + 1, this.#rowOfKey.length * 2));
			grown.set(this.#rowOfKey);
			this.#rowOfKey = grown;
		}
		if (this.#rowOfKey[key] === this.#row) {
			return false;
		}
		this.#rowOfKey[key] = this.#row;
		this.keys.addKey(key);
		return true;
	}

	endRow(): void {
		this.#rowStart = this.keys.length;
		this.#valuesStart = this.values.length;
		this.#ends.uint64(this.#rowStart, 0);
		this.#row += 1;
	}

	takeBack(): void {
		this.keys.length = this.#rowStart;
		this.values.length = this.#valuesStart;
		this.#row += 1;
	}

	add(map: AttributeMap): void {
		for (const [key, value] of map) {
			this.keys.add(key);
			this.values.text(value);
		}
		this.endRow();
	}

	/** Adds a map that many rows in a row share. */
	addShared(map: AttributeMap): void {
		const { keys, values } = this;
		const last = this.#repeated;
		if (last?.map === map) {
			for (let index = last.keys[0]; index < last.keys[1]; index++) {
				keys.addKey(keys.keyAt(index));
			}
			values.repeat(...last.values);
			this.endRow();
			return;
		}
		const [firstKey, firstValue] = [keys.length, values.length];
		this.add(map);
		this.#repeated = { map, keys: [firstKey, keys.length], values: [firstValue, values.length] };
	}

	writePrefix(out: ByteBuffer): void {
		this.keys.writePrefix(out);
	}

	writeData(out: ByteBuffer): void {
		out.raw(this.#ends.bytes.subarray(0, this.#ends.length));
		this.keys.writeData(out);
		out.raw(this.values.bytes.subarray(0, this.values.length));
	}

	clear(): void {
		this.keys.clear();
		this.values.clear(KEPT_BYTES);
		this.#ends.clear(KEPT_BYTES);
		this.#rowStart = 0;
		this.#valuesStart = 0;
		this.#rowOfKey = new Uint32Array(256);
		this.#row = 1;
		this.#repeated = undefined;
	}
}
