import { isUtf8 } from "node:buffer";

/**
 * Reads blocks back, for tests: rows of column name and value. Only the types that are written.
 * @throws {Error} when it is no such block, or a text in it is no UTF-8
 */
export function readBlock(block: Uint8Array): Record<string, unknown>[] {
	const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
	let at = 0;
	const varint = () => {
		let value = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = bytes[at++];
			if (byte === undefined) throw new Error("a length beyond the block");
			value |= (byte & 0x7f) << shift;
			if (byte < 0x80) return value;
		}
	};
	const text = () => {
		const size = varint();
		at += size;
		if (at > bytes.length || !isUtf8(bytes.subarray(at - size, at))) throw new Error("a text that is no UTF-8");
		return bytes.toString("utf8", at - size, at);
	};
	const uint64 = () => {
		at += 8;
		return bytes.readBigUInt64LE(at - 8);
	};
	const times = <Item>(count: number, read: () => Item) => Array.from({ length: count }, read);

	const prefix = (type: string): void => {
		if (type.startsWith("Array(")) prefix(type.slice(6, -1));
		else if (type.startsWith("LowCardinality") || type.startsWith("Map(")) {
			if (uint64() !== 1n) throw new Error(`unknown version of ${type}`);
		}
	};
	const lists = (rows: number, readItems: (count: number) => unknown[]) => {
		const ends = times(rows, () => Number(uint64()));
		const items = readItems(ends.at(-1) ?? 0);
		return ends.map((end, row) => items.slice(row === 0 ? 0 : ends[row - 1], end));
	};
	const data = (type: string, rows: number): unknown[] => {
		if (rows === 0) return [];
		if (type.startsWith("Array(")) return lists(rows, (count) => data(type.slice(6, -1), count));
		if (type.startsWith("Map(")) {
			return lists(rows, (count) => {
				const keys = data("LowCardinality(String)", count);
				return data("String", count).map((value, index) => [keys[index], value]);
			});
		}
		if (type.startsWith("LowCardinality")) {
			const width = 2 ** Number(uint64() & 0xffn);
			const keys = times(Number(uint64()), text);
			return times(Number(uint64()), () => {
				at += width;
				return keys[bytes.readUIntLE(at - width, width)];
			});
		}
		if (type === "String") return times(rows, text);
		if (type === "UInt8") return times(rows, () => bytes[at++]);
		return times(rows, () => uint64());
	};

	const columns = varint();
	const rows = varint();
	const table = times(columns, () => {
		const [name, type] = [text(), text()];
		prefix(type);
		return [name, data(type, rows)] as const;
	});
	if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes after the block`);
	return times(rows, () => ({})).map((_, row) =>
		Object.fromEntries(table.map(([name, values]) => [name, values[row]])),
	);
}
