import type { UnitId } from "./unit-id.ts";

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
 * Hash of `<salt><id>` for many ids and one salt: the salt is hashed once, and no call allocates. The hash is a signed
 * 32-bit integer, which V8 passes on without allocating; `>>> 0` makes it unsigned.
 *
 * @param salt ASCII, as the routing file demands
 */
export function saltedMurmur3(salt: string): (unit: UnitId) => number {
	const bytes = Buffer.from(salt, "latin1");
	const whole = bytes.length & ~3;
	let state = 0;
	for (let index = 0; index < whole; index += 4) state = mixBlock(state, bytes.readInt32LE(index));
	let rest = 0;
	for (let index = bytes.length - 1; index >= whole; index--) rest = (rest << 8) | (bytes[index] ?? 0);
	return bytes.length === whole ? alignedHasher(state, bytes.length) : shiftedHasher(state, rest, bytes.length);
}

/** The salt ends with a word, so the id's words are the blocks. */
function alignedHasher(state: number, saltLength: number): (unit: UnitId) => number {
	return ({ words, length }) => {
		const count = length >>> 2;
		let hash = state;
		for (let index = 0; index < count; index++) hash = mixBlock(hash, words[index]!);
		return finish(mixTail(hash, (length & 3) === 0 ? 0 : words[count]!), saltLength + length);
	};
}

/** One to three bytes of the salt come before the id's, so every block is joined of two words. */
function shiftedHasher(state: number, rest: number, saltLength: number): (unit: UnitId) => number {
	const restLength = saltLength & 3;
	const up = restLength << 3;
	const down = 32 - up;
	return ({ words, length }) => {
		const count = length >>> 2;
		let hash = state;
		let carry = rest;
		for (let index = 0; index < count; index++) {
			const word = words[index]!;
			hash = mixBlock(hash, carry | (word << up));
			carry = word >>> down;
		}
		const left = length & 3;
		const last = left === 0 ? 0 : words[count]!;
		let tail = carry | (last << up);
		if (restLength + left >= 4) {
			hash = mixBlock(hash, tail);
			tail = last >>> down;
		}
		return finish(mixTail(hash, tail), saltLength + length);
	};
}
