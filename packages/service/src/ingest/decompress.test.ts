import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { contentEncoding, DecompressError, decompress } from "./decompress.ts";

const text = Buffer.from("spans ".repeat(1000));

test.each([
	["gzip", gzipSync(text)],
	["deflate", deflateSync(text)],
	["zstd", zstdCompressSync(text)],
	["identity", text],
] as const)("%s is read back", async (encoding, body) => {
	expect(Buffer.from(await decompress(body, encoding, 1_000_000)).equals(text)).toBe(true);
});

test("a bomb is stopped at the limit", async () => {
	const bomb = gzipSync(Buffer.alloc(50_000_000));
	await expect(decompress(bomb, "gzip", 1_000_000)).rejects.toMatchObject({ tooLarge: true });
});

test("garbage is told from a bomb", async () => {
	const outcome = decompress(Buffer.from("not gzip"), "gzip", 1000);
	await expect(outcome).rejects.toBeInstanceOf(DecompressError);
	await expect(outcome).rejects.toMatchObject({ tooLarge: false });
});

test("nested and unknown encodings are refused", () => {
	expect(contentEncoding("gzip, gzip")).toBeUndefined();
	expect(contentEncoding("br")).toBeUndefined();
	expect(contentEncoding("constructor")).toBeUndefined();
	expect(contentEncoding(undefined)).toBe("identity");
	expect(contentEncoding(" GZIP ")).toBe("gzip");
});
