import { boundedText } from "../otlp/record-fields.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { type Column, KEPT_BYTES } from "./column.ts";

const SHARED_DICTIONARIES_WITH_ADDITIONAL_KEYS = 1;
/** Keys stand in the block itself, and there is no dictionary over several blocks. */
const HAS_ADDITIONAL_KEYS = 1 << 9;
/** Power of two; texts that collide are looked up in a Map. */
const RECENT = 1024;

/** LowCardinality(String): every text once, and for each row which. */
export class LowCardinalityColumn implements Column {
	readonly type = "LowCardinality(String)";
	#rows = new Uint32Array(1024);
	#length = 0;
	readonly #keys = new ByteBuffer();
	/** Where the bytes of a key begin and end, two numbers per key. */
	#bounds: number[] = [];
	#byText = new Map<string, number>();
	readonly #recent = new Int32Array(RECENT).fill(-1);

	/** Rows so far; setting it takes the last ones back. */
	get length(): number {
		return this.#length;
	}

	set length(length: number) {
		this.#length = length;
	}

	/** The number of keys so far: every key is below it. */
	get keyCount(): number {
		return this.#bounds.length / 2;
	}

	keyAt(row: number): number {
		return this.#rows[row] as number;
	}

	/** A row with a text that has a key already. */
	addKey(key: number): void {
		if (this.#length === this.#rows.length) {
			const grown = new Uint32Array(this.#rows.length * 2);
			grown.set(this.#rows);
			this.#rows = grown;
		}
		this.#rows[this.#length++] = key;
	}

	add(text: string): void {
		this.addKey(this.keyOf(text));
	}

	/** The key of a text, which may be new. */
	keyOf(text: string): number {
		const known = this.#byText.get(text);
		if (known !== undefined) {
			return known;
		}
		const key = this.keyCount;
		this.#keys.text(text);
		const end = this.#keys.length;
		this.#bounds.push(end - Buffer.byteLength(text), end);
		this.#byText.set(text, key);
		return key;
	}

	/** The key of the text whose UTF-8 stands at `start`. What is no UTF-8, or too long, is mended as in any column. */
	keyOfBytes(source: Buffer, start: number, end: number): number {
		const slot =
			(Math.imul((source[start] ?? 0) + end - start, 31) +
				(source[end - 1] ?? 0) * 7 +
				(source[(start + end) >>> 1] ?? 0)) &
			(RECENT - 1);
		const recent = this.#recent[slot] as number;
		if (recent >= 0 && this.#isAt(recent, source, start, end)) {
			return recent;
		}
		const key = this.keyOf(boundedText(source.toString("utf8", start, end)));
		this.#recent[slot] = key;
		return key;
	}

	writePrefix(out: ByteBuffer): void {
		out.uint64(SHARED_DICTIONARIES_WITH_ADDITIONAL_KEYS, 0);
	}

	writeData(out: ByteBuffer): void {
		if (this.#length === 0) {
			return;
		}
		const { keyCount } = this;
		const width = keyCount <= 0x100 ? 0 : keyCount <= 0x1_0000 ? 1 : 2;
		out.uint64(HAS_ADDITIONAL_KEYS | width, 0);
		out.uint64(keyCount, 0);
		out.raw(this.#keys.bytes.subarray(0, this.#keys.length));
		out.uint64(this.#length, 0);
		const rows = this.#rows.subarray(0, this.#length);
		const narrow = width === 0 ? Uint8Array.from(rows) : width === 1 ? Uint16Array.from(rows) : rows;
		out.raw(new Uint8Array(narrow.buffer, narrow.byteOffset, narrow.byteLength));
	}

	clear(): void {
		this.#length = 0;
		this.#keys.clear(KEPT_BYTES);
		this.#bounds = [];
		this.#byText = new Map();
		this.#recent.fill(-1);
		if (this.#rows.byteLength > KEPT_BYTES) {
			this.#rows = new Uint32Array(1024);
		}
	}

	#isAt(key: number, source: Buffer, start: number, end: number): boolean {
		const from = this.#bounds[2 * key] as number;
		if ((this.#bounds[2 * key + 1] as number) - from !== end - start) {
			return false;
		}
		const { bytes } = this.#keys;
		for (let index = start, at = from; index < end; index++, at++) {
			if (bytes[at] !== source[index]) {
				return false;
			}
		}
		return true;
	}
}
