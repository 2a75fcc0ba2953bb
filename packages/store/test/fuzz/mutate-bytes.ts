import type { Random } from "./random.ts";

/** Changes some bytes, cuts, repeats or inserts a part, or puts the end of another body behind the beginning. */
export function mutateBytes(body: Buffer, other: Buffer, random: Random): Buffer {
	let mutated: Buffer = Buffer.from(body);
	for (let left = 1 + random.few(3); left > 0; left--) {
		mutated = mutateOnce(mutated, other, random);
	}
	return mutated;
}

const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x5c, 0x5b, 0x7b, 0x2c, 0x0a, 0x12];

function mutateOnce(body: Buffer, other: Buffer, random: Random): Buffer {
	const at = random.below(body.length + 1);
	const end = Math.min(body.length, at + 1 + random.few(30));
	switch (random.below(8)) {
		case 0:
		case 1:
			if (at < body.length) body[at] = random.pick(EDGES);
			return body;
		case 2:
			if (at < body.length) body[at] = (body[at] as number) ^ (1 << random.below(8));
			return body;
		case 3:
			return body.subarray(0, at);
		case 4:
			return Buffer.concat([body.subarray(0, at), body.subarray(end)]);
		case 5:
			return Buffer.concat([body.subarray(0, end), body.subarray(at)]);
		case 6:
			return Buffer.concat([body.subarray(0, at), random.bytes(random.few(12)), body.subarray(at)]);
		default: {
			const from = random.below(other.length + 1);
			return Buffer.concat([body.subarray(0, at), other.subarray(from, from + 4096)]);
		}
	}
}
