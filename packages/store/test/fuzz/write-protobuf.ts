import type { Attribute, LogicalRecord, LogicalRequest, Value } from "./logical-request.ts";
import type { Random } from "./random.ts";

const MAX_BYTES = 64 * 1024 * 1024;
const FIRST_BYTES = 2048;

/** Bad UTF-8 of every kind: lone and missing continuations, overlong, surrogates, beyond U+10FFFF, cut off. */
const BAD_UTF8 = [
	...["80", "bf", "c0af", "c1bf", "c2", "e0a0", "e0809f", "eda080", "edbfbf", "eda080edb080", "f08080af", "f0908d"],
	...["f4908080", "f5808080", "f888808080", "fc8480808080", "fe", "ff", "c3c3", "e2e28282", "61c362", "efbbbf", "efbb"],
].map((hex) => Buffer.from(hex, "hex"));

/**
 * Writes a request in protobuf.
 * @param chaos probability, for each field, that something is wrong with it; 0 writes it as an exporter would
 */
export function writeProtobuf(request: LogicalRequest, random: Random, chaos: number): Buffer {
	return new Writer(random, chaos).request(request);
}

class Writer {
	readonly #random: Random;
	readonly #chaos: number;
	#bytes = Buffer.allocUnsafe(FIRST_BYTES);
	#length = 0;

	constructor(random: Random, chaos: number) {
		this.#random = random;
		this.#chaos = chaos;
	}

	request({ signal, resources }: LogicalRequest): Buffer {
		for (const { attributes, scopes, schemaUrl } of resources) {
			this.#message(1, () => {
				this.#message(1, () => this.#attributes(1, attributes));
				for (const scope of scopes) {
					this.#message(2, () => {
						this.#message(1, () => {
							this.#text(1, scope.name);
							this.#text(2, scope.version);
							this.#attributes(3, scope.attributes);
						});
						for (const record of scope.records) {
							this.#message(2, () => (signal === "traces" ? this.#span(record) : this.#log(record)));
						}
						this.#text(3, scope.schemaUrl);
					});
				}
				this.#text(3, schemaUrl);
			});
		}
		return Buffer.from(this.#bytes.subarray(0, this.#length));
	}

	#span(span: LogicalRecord): void {
		const writeIds = () => {
			this.#raw(1, span.traceId);
			this.#raw(2, span.spanId);
		};
		// fields have no order
		const idsLast = this.#random.chance(0.3);
		if (!idsLast) writeIds();
		this.#text(3, span.text);
		if (span.parentSpanId.length > 0) this.#raw(4, span.parentSpanId);
		this.#text(5, span.name);
		this.#number(6, BigInt(span.number));
		this.#fixed64(7, span.start);
		this.#fixed64(8, span.end);
		this.#attributes(9, span.attributes);
		for (const event of span.events) {
			this.#message(11, () => {
				this.#fixed64(1, event.time);
				this.#text(2, event.name);
				this.#attributes(3, event.attributes);
			});
		}
		for (const link of span.links) {
			this.#message(13, () => {
				this.#raw(1, link.traceId);
				this.#raw(2, link.spanId);
				this.#text(3, link.traceState);
				this.#attributes(4, link.attributes);
			});
		}
		const { status } = span;
		if (status !== undefined) {
			this.#message(15, () => {
				this.#text(2, status.message);
				this.#number(3, BigInt(status.code));
			});
		}
		if (idsLast) writeIds();
	}

	#log(record: LogicalRecord): void {
		this.#fixed64(1, record.start);
		this.#number(2, BigInt(record.number));
		this.#text(3, record.text);
		if (record.body.kind !== "empty") this.#message(5, () => this.#value(record.body));
		this.#attributes(6, record.attributes);
		if (record.flags !== 0) this.#fixed32(8, record.flags);
		this.#raw(9, record.traceId);
		this.#raw(10, record.spanId);
		this.#fixed64(11, record.end);
		this.#text(12, record.name);
	}

	#attributes(field: number, attributes: readonly Attribute[]): void {
		for (const [key, value] of attributes) {
			this.#message(field, () => {
				this.#text(1, key);
				this.#message(2, () => this.#value(value));
			});
		}
	}

	#value(value: Value): void {
		switch (value.kind) {
			case "string":
				this.#always(1, () => this.#payload(Buffer.from(value.value)));
				break;
			case "bool":
				this.#always(2, () => this.#varint(value.value ? 1n : 0n), 0);
				break;
			case "int":
				this.#always(3, () => this.#varint(BigInt.asUintN(64, value.value)), 0);
				break;
			case "double":
				this.#always(
					4,
					() => {
						this.#reserve(8);
						this.#length = this.#bytes.writeDoubleLE(value.value, this.#length);
					},
					1,
				);
				break;
			case "array":
				this.#message(5, () => {
					for (const item of value.value) this.#message(1, () => this.#value(item));
				});
				break;
			case "kvlist":
				this.#message(6, () => this.#attributes(1, value.value));
				break;
			case "bytes":
				this.#always(7, () => this.#payload(value.value));
				break;
			case "empty":
		}
	}

	#text(field: number, text: string): void {
		if (text !== "") this.#raw(field, Buffer.from(text));
	}

	#raw(field: number, bytes: Buffer): void {
		if (bytes.length > 0 || this.#chaos > 0) this.#always(field, () => this.#payload(bytes));
	}

	#number(field: number, value: bigint): void {
		if (value !== 0n) this.#always(field, () => this.#varint(BigInt.asUintN(64, value)), 0);
	}

	#fixed64(field: number, value: bigint): void {
		this.#always(
			field,
			() => {
				this.#reserve(8);
				this.#length = this.#bytes.writeBigUInt64LE(value, this.#length);
			},
			1,
		);
	}

	#fixed32(field: number, value: number): void {
		this.#always(
			field,
			() => {
				this.#reserve(4);
				this.#length = this.#bytes.writeUInt32LE(value, this.#length);
			},
			5,
		);
	}

	/** A field that is written, unless something is to be wrong with it. */
	#always(field: number, write: () => void, wireType = 2): void {
		if (!this.#random.chance(this.#chaos)) {
			this.#tag(field, wireType);
			write();
			return;
		}
		switch (this.#random.below(12)) {
			case 0: // left out
				break;
			case 1: // twice
				this.#tag(field, wireType);
				write();
				this.#tag(field, wireType);
				write();
				break;
			case 2: // of another wire type, with its own form
				this.#wrongType(field);
				break;
			case 3: // said to be of another wire type
				this.#tag(field, this.#random.below(8));
				write();
				break;
			case 4: // of another number
				this.#tag(this.#random.pick([0, 1, 2, 3, 5, 9, 14, 15, 16, 100, 2 ** 28, 2 ** 29 - 1]), wireType);
				write();
				break;
			case 5: // a longer tag than needed
				this.#overlong((field << 3) | wireType, 1 + this.#random.below(11));
				write();
				break;
			case 6:
				this.#unknown();
				this.#tag(field, wireType);
				write();
				break;
			case 7: // bad UTF-8, of what should be text or a message
				this.#tag(field, 2);
				this.#payload(this.#random.pick(BAD_UTF8));
				break;
			case 8: // packed: a repeated field as one
				this.#tag(field, 2);
				this.#payload(this.#random.bytes(this.#random.below(20)));
				break;
			case 9:
				this.#tag(field, wireType);
				break;
			case 10: {
				this.#tag(field, 2);
				const length = this.#random.pick([
					0n,
					1n,
					127n,
					128n,
					2n ** 31n - 1n,
					2n ** 31n,
					2n ** 32n - 1n,
					2n ** 63n,
					2n ** 64n - 1n,
				]);
				this.#varint(length);
				break;
			}
			default:
				this.#tag(field, wireType);
				write();
				this.#byte(this.#random.next() & 0xff);
		}
	}

	#wrongType(field: number): void {
		const wireType = this.#random.below(6);
		this.#tag(field, wireType);
		if (wireType === 0) this.#overlong(this.#random.below(300), this.#random.below(12));
		else if (wireType === 1) this.#append(this.#random.bytes(8));
		else if (wireType === 2) this.#payload(this.#random.bytes(this.#random.below(20)));
		else if (wireType === 5) this.#append(this.#random.bytes(4));
		else if (wireType === 3 && this.#random.chance(0.7)) this.#tag(field, 4);
	}

	#unknown(): void {
		const { below, depth } = { below: this.#random.below(4), depth: this.#random.pick([1, 2, 50, 99, 100, 101, 1000]) };
		if (below === 0) {
			// groups in groups
			for (let level = 0; level < depth; level++) this.#tag(50, 3);
			for (let level = 0; level < depth; level++) this.#tag(this.#random.chance(0.999) ? 50 : 51, 4);
			return;
		}
		const field = this.#random.pick([14, 16, 99, 2047, 2 ** 29 - 1]);
		this.#tag(field, 2);
		this.#payload(this.#random.bytes(this.#random.below(30)));
	}

	#message(field: number, write: () => void): void {
		const random = this.#random;
		const isWrong = random.chance(this.#chaos);
		if (isWrong && random.chance(0.4)) {
			this.#always(field, write);
			return;
		}
		this.#tag(field, 2);
		const start = this.#length;
		this.#byte(0);
		write();
		const length = this.#length - start - 1;
		if (isWrong && random.chance(0.3)) {
			// a length that is not its own, in the one byte that it has
			this.#bytes[start] = random.next();
			return;
		}
		if (isWrong && random.chance(0.3)) {
			this.#bytes.copyWithin(start, start + 1, this.#length);
			this.#length -= 1;
			return;
		}
		let size = 1;
		for (let rest = length >>> 7; rest > 0; rest >>>= 7) size += 1;
		if (size > 1) {
			this.#reserve(size - 1);
			this.#bytes.copyWithin(start + size, start + 1, this.#length);
			this.#length += size - 1;
		}
		let rest = length;
		for (let index = 0; index < size; index++, rest >>>= 7) {
			this.#bytes[start + index] = (rest & 0x7f) | (index < size - 1 ? 0x80 : 0);
		}
	}

	#tag(field: number, wireType: number): void {
		const tag = (field << 3) | wireType;
		if (tag >= 0 && tag < 128) this.#byte(tag);
		else this.#varint(BigInt(tag >>> 0));
	}

	#varint(value: bigint): void {
		if (value < 128n) {
			this.#byte(Number(value));
			return;
		}
		let rest = value;
		while (rest > 0x7fn) {
			this.#byte(Number(rest & 0x7fn) | 0x80);
			rest >>= 7n;
		}
		this.#byte(Number(rest));
	}

	/** A varint with zeros in front, which has no end if there are more than ten bytes. */
	#overlong(value: number, more: number): void {
		let rest = value;
		while (rest > 0x7f) {
			this.#byte((rest & 0x7f) | 0x80);
			rest >>>= 7;
		}
		this.#byte(rest | (more > 0 ? 0x80 : 0));
		for (let left = more; left > 0; left--) this.#byte(left > 1 ? 0x80 : 0);
	}

	#payload(bytes: Uint8Array): void {
		if (bytes.length < 128) this.#byte(bytes.length);
		else this.#varint(BigInt(bytes.length));
		this.#append(bytes);
	}

	#append(bytes: Uint8Array): void {
		this.#reserve(bytes.length);
		this.#bytes.set(bytes, this.#length);
		this.#length += bytes.length;
	}

	#byte(value: number): void {
		this.#reserve(1);
		this.#bytes[this.#length++] = value;
	}

	#reserve(size: number): void {
		const needed = this.#length + size;
		if (needed > MAX_BYTES) throw new RangeError(`a body of ${needed} bytes`);
		if (needed > this.#bytes.length) {
			const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
			grown.set(this.#bytes.subarray(0, this.#length));
			this.#bytes = grown;
		}
	}
}
