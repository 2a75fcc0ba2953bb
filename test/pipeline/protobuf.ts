/** Just enough of protobuf to say what no OTLP library would: bad UTF-8, NaN, fields twice. */
type Bytes = Uint8Array<ArrayBuffer>;

function joined(parts: readonly Bytes[]): Bytes {
	const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
	let at = 0;
	for (const part of parts) {
		bytes.set(part, at);
		at += part.length;
	}
	return bytes;
}

function varint(value: number): Bytes {
	const bytes: number[] = [];
	let rest = value;
	for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
	return Uint8Array.from([...bytes, rest]);
}

/** A text, bytes, or the fields of a message. */
export function field(number: number, value: string | Bytes | readonly Bytes[]): Bytes {
	const content =
		typeof value === "string"
			? new Uint8Array(Buffer.from(value))
			: value instanceof Uint8Array
				? value
				: joined(value as readonly Bytes[]);
	return joined([varint(number * 8 + 2), varint(content.length), content]);
}

export function integer(number: number, value: number): Bytes {
	return joined([varint(number * 8), varint(value)]);
}

export function fixed64(number: number, value: bigint): Bytes {
	const content = new DataView(new ArrayBuffer(8));
	content.setBigUint64(0, BigInt.asUintN(64, value), true);
	return joined([varint(number * 8 + 1), new Uint8Array(content.buffer)]);
}

export function double(number: number, value: number): Bytes {
	const content = new DataView(new ArrayBuffer(8));
	content.setFloat64(0, value, true);
	return joined([varint(number * 8 + 1), new Uint8Array(content.buffer)]);
}
