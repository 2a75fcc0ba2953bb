import { createHash } from "node:crypto";

/** Ids of the lengths that applications have; each set has other ids, so that nothing can be folded. */
export function idsOf(length: 11 | 36, set: number, count: number): string[] {
	return Array.from({ length: count }, (_, index) => {
		const hex = createHash("sha256").update(`${set}:${index}`).digest("hex");
		const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
		// One flat text, as from a header or a database, not a rope of parts.
		return Buffer.from(length === 36 ? uuid : `user-${hex.slice(0, 6)}`).toString("latin1");
	});
}
