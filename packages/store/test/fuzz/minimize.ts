/** The smallest body found for which `fails` still holds, by leaving parts out and setting bytes to zero. */
export function minimize(body: Buffer, fails: (body: Buffer) => boolean, attempts = 20_000): Buffer {
	let smallest = body;
	let left = attempts;
	for (let size = Math.ceil(body.length / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
		for (let at = 0; at < smallest.length && left > 0; left--) {
			const shorter = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
			if (fails(shorter)) smallest = shorter;
			else at += size;
		}
	}
	return smallest;
}
