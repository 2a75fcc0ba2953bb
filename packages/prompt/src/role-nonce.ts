import { randomFillSync } from "node:crypto";

const NONCE_CHARACTERS = 32;
/** 256 nonces: asking for 16 bytes at a time costs half of a render. */
const pool = Buffer.alloc(4096);

let unused = "";
let position = 0;

/** 128 bits from the system's random generator in hex; no bit of them is given out a second time in this process. */
export function takeRoleNonce(): string {
	if (position === unused.length) {
		unused = randomFillSync(pool).toString("hex");
		position = 0;
	}
	const start = position;
	position += NONCE_CHARACTERS;
	return unused.slice(start, position);
}
