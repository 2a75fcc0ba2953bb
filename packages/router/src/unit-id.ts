import { readUnitId } from "./read-unit-id.ts";
import { routableUnitId, SPACE } from "./routable-unit-id.ts";

/**
 * A unit's id as the hash reads it: its bytes packed into 32-bit words, once, for all hashes of an assignment.
 * One is reused for all assignments of a table, so that none allocates.
 */
export class UnitId {
	/** Little-endian; the last word is padded with zeros. */
	words = new Int32Array(64);
	/** In bytes; 0 is no unit. */
	length = 0;
	/** The routable form that the words hold. */
	text = "";

	/** Takes the routable form of the id; whatever is no id by `readUnitId` is no unit. */
	load(id: unknown): void {
		this.text = readUnitId(id) ?? "";
		if (this.pack(this.text)) return;
		this.text = routableUnitId(this.text);
		this.pack(this.text);
	}

	/** False if a character lies outside printable ASCII, or a space comes last. */
	private pack(id: string): boolean {
		const length = id.length;
		if (length > this.words.length * 4) this.words = new Int32Array(length);
		const words = this.words;
		const whole = length & ~3;
		let outside = 0;
		for (let index = 0; index < whole; index += 4) {
			const a = id.charCodeAt(index);
			const b = id.charCodeAt(index + 1);
			const c = id.charCodeAt(index + 2);
			const d = id.charCodeAt(index + 3);
			const word = a | (b << 8) | (c << 16) | (d << 24);
			outside |= ((a | b | c | d) & ~0x7f) | unprintable(word);
			words[index >>> 2] = word;
		}
		if (whole < length) {
			let last = 0;
			for (let index = length - 1; index >= whole; index--) {
				const code = id.charCodeAt(index);
				outside |= (code & ~0x7f) | unprintable(code | 0x20202000);
				last = (last << 8) | code;
			}
			words[whole >>> 2] = last;
		}
		this.length = length;
		return outside === 0 && id.charCodeAt(length - 1) !== SPACE;
	}
}

/** Nonzero if one of the four 7-bit bytes is below 0x20 or is 0x7f: then its top bit is set by the sum or the difference. */
function unprintable(word: number): number {
	return ((word + 0x01010101) | (word - 0x20202020)) & 0x80808080;
}
