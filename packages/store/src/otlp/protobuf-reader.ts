import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { boundedText } from "./record-fields.ts";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const SMALL_INTEGERS = Array.from({ length: 128 }, (_, value) => String(value));

/** A BinaryReader that keeps nested messages inside their bounds and yields what rows hold. */
export class ProtobufReader extends BinaryReader {
	/** What is read. */
	readonly body: Buffer;

	constructor(body: Uint8Array) {
		super(body);
		this.body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
	}

	/** Reads a 64-bit varint as text: a signed integer. */
	int64Text(): string {
		const first = this.body[this.pos] as number;
		if (first < 0x80 && this.pos < this.len) {
			this.pos += 1;
			return SMALL_INTEGERS[first] as string;
		}
		return String(this.int64());
	}

	/**
	 * Visits the fields up to `end`.
	 * @param visit consumes the field and returns true, or returns false to have it skipped, as unknown fields are
	 */
	fields(end: number, visit: (field: number, wireType: WireType) => boolean): void {
		while (this.pos < end) {
			const [field, wireType] = this.tag();
			if (!visit(field, wireType)) {
				this.skip(wireType, field);
			}
		}
		if (this.pos !== end) {
			throw new RangeError("field reaches beyond its message");
		}
	}

	/** Reads a field's number and wire type in one: `number << 3 | wireType`. */
	fieldTag(): number {
		const start = this.pos;
		const first = this.body[start] as number;
		// most tags are one byte; the others get the checks of the library
		if (first < 0x80 && first > 7 && (first & 7) <= 5 && start < this.len) {
			this.pos = start + 1;
			return first;
		}
		const [field, wireType] = this.tag();
		return ((field << 3) | wireType) >>> 0;
	}

	/** Reads a length and returns where the nested message ends. */
	nestedEnd(outerEnd: number): number {
		const length = this.uint32();
		const end = this.pos + length;
		if (end > outerEnd) {
			throw new RangeError("message reaches beyond the message around it");
		}
		return end;
	}

	text(): string {
		return boundedText(this.string());
	}

	hex(): string {
		const bytes = this.bytes();
		// ids have 8 or 16 bytes; what is longer is refused anyway
		if (bytes.length > 32) {
			return "not an id";
		}
		let text = "";
		for (const byte of bytes) {
			text += HEX[byte];
		}
		return text;
	}

	/** An unsigned 64-bit time. */
	time(): bigint {
		return BigInt(this.fixed64());
	}
}

export { WireType };
