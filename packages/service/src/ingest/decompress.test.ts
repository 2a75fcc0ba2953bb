import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
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

const ENCODERS = [
	["gzip", gzipSync],
	["deflate", deflateSync],
	["zstd", zstdCompressSync],
] as const;

test.each(ENCODERS)(
	"%s: what many bombs hold is counted as they grow, not when they have grown",
	async (encoding, encode) => {
		const bomb = encode(Buffer.alloc(10_000_000));
		const told: number[] = [];
		const outcome = decompress(bomb, encoding, 20_000_000, (bytes) => {
			told.push(bytes);
			if (bytes > 200_000) throw new RangeError("spent");
		});
		// not `.rejects`: a bomb that is taken would be printed, all of it
		expect(
			await outcome.then(
				() => "taken",
				(error: Error) => error.message,
			),
		).toBe("spent");
		expect(told.at(-1)).toBeLessThan(400_000);
		expect(told.length).toBeGreaterThan(1);
	},
);

test.each(ENCODERS)("%s: bombs of any ratio end at the limit", async (encoding, encode) => {
	for (const repeated of [1, 7, 500, 100_000]) {
		const part = Buffer.from(Array.from({ length: repeated }, (_, index) => (index * index * 31) & 0xff));
		const bomb = encode(Buffer.alloc(3_000_000, part));
		let most = 0;
		const outcome = decompress(bomb, encoding, 1_000_000, (bytes) => {
			most = bytes;
		});
		await expect(outcome).rejects.toMatchObject({ tooLarge: true });
		expect(most).toBeLessThanOrEqual(1_000_000);
	}
});

test.each(ENCODERS)(
	"%s: a stream cut anywhere, with another header or followed by something is refused",
	async (encoding, encode) => {
		const whole = encode(text);
		const bad = [
			...[0, 1, 4, 9, whole.length >> 1, whole.length - 1].map((length) => whole.subarray(0, length)),
			...ENCODERS.filter(([other]) => other !== encoding).map(([, other]) => other(text)),
			Buffer.concat([whole, Buffer.from("garbage")]),
			Buffer.concat([Buffer.from([0]), whole]),
		];
		for (const body of bad) {
			await expect(decompress(body, encoding, 1_000_000)).rejects.toMatchObject({ tooLarge: false });
		}
	},
);

test("streams behind each other are one, where the format has that, else refused; never is a part left out", async () => {
	const twice = Buffer.concat([text, text]);
	for (const [encoding, encode] of [ENCODERS[0], ENCODERS[2]]) {
		const body = Buffer.concat([encode(text), encode(text)]);
		expect(Buffer.from(await decompress(body, encoding, 1_000_000)).equals(twice)).toBe(true);
	}
	const deflated = Buffer.concat([deflateSync(text), deflateSync(text)]);
	await expect(decompress(deflated, "deflate", 1_000_000)).rejects.toBeInstanceOf(DecompressError);
});

test("whatever bytes of a stream are changed, the answer is the text, another within the limit, or our own error", async () => {
	const outcomes = { text: 0, other: 0, refused: 0 };
	const streams = ENCODERS.map(([encoding, encode]) => [encoding, encode(text)] as const);
	const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(40), stream: fc.constantFrom(...streams) });
	await fc.assert(
		fc.asyncProperty(change, async ({ at, byte, cut, stream: [encoding, stream] }) => {
			const body = Buffer.from(stream.subarray(0, stream.length - Math.max(0, cut - 30)));
			if (body.length > 0) body[at % body.length] = byte;
			try {
				const out = await decompress(body, encoding, 50_000);
				expect(out.byteLength).toBeLessThanOrEqual(50_000);
				outcomes[Buffer.from(out).equals(text) ? "text" : "other"] += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(DecompressError);
				outcomes.refused += 1;
			}
		}),
		{ numRuns: 2_000 },
	);
	expect(outcomes.refused).toBeGreaterThan(100);
	expect(outcomes.text).toBeGreaterThan(5);
}, 60_000);

test("nested and unknown encodings are refused", () => {
	expect(contentEncoding("gzip, gzip")).toBeUndefined();
	expect(contentEncoding("br")).toBeUndefined();
	expect(contentEncoding("constructor")).toBeUndefined();
	expect(contentEncoding(undefined)).toBe("identity");
	expect(contentEncoding(" GZIP ")).toBe("gzip");
});
