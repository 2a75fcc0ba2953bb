import { createHash } from "node:crypto";
import { MAX_UNIT_ID_LENGTH } from "./read-unit-id.ts";

const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;
export const SPACE = 0x20;

/**
 * The id that is hashed: printable ASCII as it is, anything else as hex sha256 of its UTF-8, since flagd providers
 * disagree on other characters; so too what ends in a space, which Go's cuts off. The empty string is no unit, and what
 * is too long for an id becomes it. Providers in other languages must be given this id.
 */
export function routableUnitId(id: string): string {
	if (id.length > MAX_UNIT_ID_LENGTH) return "";
	// Negative as soon as one character lies outside, which spares a branch per character.
	let outside = 0;
	for (let index = 0; index < id.length; index++) {
		const code = id.charCodeAt(index);
		outside |= (code - FIRST_PRINTABLE) | (LAST_PRINTABLE - code);
	}
	return outside < 0 || id.charCodeAt(id.length - 1) === SPACE
		? createHash("sha256").update(id, "utf8").digest("hex")
		: id;
}
