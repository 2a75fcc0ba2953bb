import { promisify } from "node:util";
import { gunzip, inflate, zstdDecompress } from "node:zlib";

/** A body that cannot be decompressed within the limit; `tooLarge` tells a bomb from garbage. */
export class DecompressError extends Error {
	override readonly name = "DecompressError";
	readonly tooLarge: boolean;

	constructor(message: string, tooLarge: boolean, options?: ErrorOptions) {
		super(message, options);
		this.tooLarge = tooLarge;
	}
}

const DECOMPRESSORS = {
	gzip: promisify(gunzip) as (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>,
	deflate: promisify(inflate) as (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>,
	zstd: promisify(zstdDecompress) as (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>,
} as const;

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
 * @throws {DecompressError} when it is larger, or no valid stream
 */
export async function decompress(body: Uint8Array, encoding: ContentEncoding, maxBytes: number): Promise<Uint8Array> {
	if (encoding === "identity") {
		if (body.byteLength > maxBytes) {
			throw new DecompressError(`body exceeds ${maxBytes} bytes`, true);
		}
		return body;
	}
	try {
		return await DECOMPRESSORS[encoding](body, { maxOutputLength: maxBytes });
	} catch (error) {
		const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
		throw new DecompressError(
			tooLarge ? `decompressed body exceeds ${maxBytes} bytes` : `invalid ${encoding} body`,
			tooLarge,
			{ cause: error },
		);
	}
}
