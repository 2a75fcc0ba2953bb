const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** One whole block of four bytes. */
function mixBlock(hash: number, block: number): number {
	const mixed = mixTail(hash, block);
	return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** What is left at the end; a tail of no bytes changes nothing. */
function mixTail(hash: number, tail: number): number {
	const scaled = Math.imul(tail, C1);
	return hash ^ Math.imul((scaled << 15) | (scaled >>> 17), C2);
}

function finish(hash: number, length: number): number {
	let h = hash ^ length;
	h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
	return h ^ (h >>> 16);
}

/** MurmurHash3_x86_32 with seed 0 of the UTF-8 bytes, as unsigned integer in [0, 2³²). */
export function murmur3(input: string): number {
	const bytes = Buffer.from(input, "utf8");
	let hash = 0;
	const whole = bytes.length & ~3;
	for (let index = 0; index < whole; index += 4) hash = mixBlock(hash, bytes.readInt32LE(index));
	let tail = 0;
	for (let index = bytes.length - 1; index >= whole; index--) tail = (tail << 8) | (bytes[index] ?? 0);
	return finish(mixTail(hash, tail), bytes.length) >>> 0;
}

/**
 * Hash of `<salt><id>` for many ids and one salt: the salt is hashed once, and no call allocates.
 *
 * @param salt ASCII, as the routing file demands
 */
export function saltedMurmur3(salt: string): (asciiId: string) => number {
	let state = 0;
	const whole = salt.length & ~3;
	for (let index = 0; index < whole; index += 4) state = mixBlock(state, asciiBlock(salt, index));
	let rest = 0;
	for (let index = salt.length - 1; index >= whole; index--) rest = (rest << 8) | salt.charCodeAt(index);
	return hasher(state, rest, salt.length);
}

/** The hash as signed 32-bit integer, which V8 passes on without allocating; `>>> 0` makes it unsigned. */
function hasher(state: number, rest: number, saltLength: number): (asciiId: string) => number {
	const restLength = saltLength & 3;
	const missing = restLength === 0 ? 0 : 4 - restLength;
	return (id) => {
		const length = id.length;
		let hash = state;
		let tail = rest;
		let shift = restLength << 3;
		let index = 0;
		if (missing > 0 && length >= missing) {
			for (; index < missing; index++, shift += 8) tail |= id.charCodeAt(index) << shift;
			hash = mixBlock(hash, tail);
			tail = 0;
			shift = 0;
		}
		if (shift === 0) for (const end = length - 3; index < end; index += 4) hash = mixBlock(hash, asciiBlock(id, index));
		for (; index < length; index++, shift += 8) tail |= id.charCodeAt(index) << shift;
		return finish(mixTail(hash, tail), saltLength + length);
	};
}

function asciiBlock(text: string, index: number): number {
	return (
		text.charCodeAt(index) |
		(text.charCodeAt(index + 1) << 8) |
		(text.charCodeAt(index + 2) << 16) |
		(text.charCodeAt(index + 3) << 24)
	);
}
