import { isAscii, isUtf8 } from "node:buffer";

import { OTLP_LIMITS } from "../otlp/limits.ts";
import { boundedText } from "../otlp/record-fields.ts";

const FIRST_CAPACITY = 4096;
/** Up to here a loop is faster than a call into native code. */
const SHORT = 48;

/** Bytes that are appended to; what was appended last can be taken back by setting `length`. */
export class ByteBuffer {
	bytes: Buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
	length = 0;

	/** Makes room for `size` more bytes. */
	reserve(size: number): void {
		const needed = this.length + size;
		if (needed > this.bytes.length) {
			const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
			this.bytes.copy(grown, 0, 0, this.length);
			this.bytes = grown;
		}
	}

	byte(value: number): void {
		this.reserve(1);
		this.bytes[this.length++] = value;
	}

	/** A length as ClickHouse writes it. @param value integer in [0, 2^31) */
	varint(value: number): void {
		this.reserve(5);
		let rest = value;
		while (rest > 0x7f) {
			this.bytes[this.length++] = (rest & 0x7f) | 0x80;
			rest >>>= 7;
		}
		this.bytes[this.length++] = rest;
	}

	/** 64 bits, little-endian, of two halves of 32. */
	uint64(low: number, high: number): void {
		this.reserve(8);
		const { bytes, length } = this;
		bytes[length] = low;
		bytes[length + 1] = low >>> 8;
		bytes[length + 2] = low >>> 16;
		bytes[length + 3] = low >>> 24;
		bytes[length + 4] = high;
		bytes[length + 5] = high >>> 8;
		bytes[length + 6] = high >>> 16;
		bytes[length + 7] = high >>> 24;
		this.length = length + 8;
	}

	/** 64 bits, little-endian, of an integer in decimal digits. */
	integer(digits: string): void {
		const value = BigInt(digits);
		this.uint64(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
	}

	/** A length and the text in UTF-8. */
	text(text: string): void {
		const size = text.length;
		if (size <= SHORT && this.#shortAscii(text)) {
			return;
		}
		const byteLength = Buffer.byteLength(text);
		this.reserve(byteLength + 5);
		this.varint(byteLength);
		this.length += this.bytes.write(text, this.length, "utf8");
	}

	/**
	 * A length and the bytes from `start` to `end`, if they are UTF-8.
	 * @returns whether they were appended
	 */
	utf8(source: Uint8Array, start: number, end: number): boolean {
		const size = end - start;
		if (size <= SHORT) {
			this.reserve(size + 1);
			const { bytes } = this;
			let at = this.length;
			bytes[at++] = size;
			for (let index = start; index < end; index++) {
				const byte = source[index] as number;
				if (byte > 0x7f) {
					return this.#copy(source.subarray(start, end));
				}
				bytes[at++] = byte;
			}
			this.length = at;
			return true;
		}
		return this.#copy(source.subarray(start, end));
	}

	/** A length and the text from `start` to `end`; what is no UTF-8, or too long for a column, is mended. */
	mended(source: Buffer, start: number, end: number): void {
		if (end - start > OTLP_LIMITS.stringLength || !this.utf8(source, start, end)) {
			this.text(boundedText(source.toString("utf8", start, end)));
		}
	}

	/** Bytes as they are. */
	raw(source: Uint8Array): void {
		this.reserve(source.length);
		this.bytes.set(source, this.length);
		this.length += source.length;
	}

	/** Once more the bytes from `start` to `end` of this buffer. */
	repeat(start: number, end: number): void {
		this.reserve(end - start);
		this.bytes.copyWithin(this.length, start, end);
		this.length += end - start;
	}

	/** Empties it; lets go of what one large request made it grow to. */
	clear(keepBytes: number): void {
		this.length = 0;
		if (this.bytes.length > keepBytes) {
			this.bytes = Buffer.allocUnsafe(FIRST_CAPACITY);
		}
	}

	#shortAscii(text: string): boolean {
		const size = text.length;
		this.reserve(size + 1);
		const { bytes } = this;
		let at = this.length;
		bytes[at++] = size;
		for (let index = 0; index < size; index++) {
			const code = text.charCodeAt(index);
			if (code > 0x7f) {
				return false;
			}
			bytes[at++] = code;
		}
		this.length = at;
		return true;
	}

	#copy(part: Uint8Array): boolean {
		if (!(isAscii(part) || isUtf8(part))) {
			return false;
		}
		this.varint(part.length);
		this.raw(part);
		return true;
	}
}
