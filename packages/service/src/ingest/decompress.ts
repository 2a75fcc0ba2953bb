import { createGunzip, createInflate, createZstdDecompress } from "node:zlib";

/** A body that cannot be decompressed within the limit; `tooLarge` tells a bomb from garbage. */
export class DecompressError extends Error {
	override readonly name = "DecompressError";
	readonly tooLarge: boolean;

	constructor(message: string, tooLarge: boolean, options?: ErrorOptions) {
		super(message, options);
		this.tooLarge = tooLarge;
	}
}

const DECOMPRESSORS = { gzip: createGunzip, deflate: createInflate, zstd: createZstdDecompress } as const;

export type ContentEncoding = keyof typeof DECOMPRESSORS | "identity";

/** The one encoding of a request, or `undefined` when it is unknown or nested (`gzip, gzip`). */
export function contentEncoding(header: string | undefined): ContentEncoding | undefined {
	const name = header?.trim().toLowerCase() ?? "";
	if (name === "" || name === "identity") {
		return "identity";
	}
	return Object.hasOwn(DECOMPRESSORS, name) ? (name as ContentEncoding) : undefined;
}

/**
 * The decompressed body, of at most `maxBytes`.
 * @param hold is told how many bytes there are by now; what it throws ends the decompression. Without it, many small
 *   bombs at once would each grow to `maxBytes` before anybody counted them.
 * @throws {DecompressError} when it is larger, no valid stream, or something comes after the stream
 */
export async function decompress(
	body: Uint8Array,
	encoding: ContentEncoding,
	maxBytes: number,
	hold: (bytes: number) => void = () => {},
): Promise<Uint8Array> {
	if (encoding === "identity") {
		if (body.byteLength > maxBytes) {
			throw new DecompressError(`body exceeds ${maxBytes} bytes`, true);
		}
		return body;
	}
	const stream = DECOMPRESSORS[encoding]();
	const chunks: Buffer[] = [];
	let size = 0;
	await new Promise<void>((resolve, reject) => {
		stream.on("data", (chunk: Buffer) => {
			size += chunk.length;
			try {
				if (size > maxBytes) {
					throw new DecompressError(`decompressed body exceeds ${maxBytes} bytes`, true);
				}
				hold(size);
				chunks.push(chunk);
			} catch (error) {
				reject(error);
				stream.destroy();
			}
		});
		stream.on("end", resolve);
		stream.on("error", (cause) => reject(new DecompressError(`invalid ${encoding} body`, false, { cause })));
		stream.end(body);
	});
	// gzip may be padded with zeros; what else comes after the stream would be lost without a word
	if (body.subarray(stream.bytesWritten).some((byte) => byte !== 0)) {
		throw new DecompressError(`invalid ${encoding} body: something comes after the stream`, false);
	}
	return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
}
