import { createHash } from "node:crypto";

/**
 * The id that is hashed: printable ASCII as it is, anything else as hex sha256 of its UTF-8, since flagd providers
 * disagree on other characters. The empty string is no unit. Providers in other languages must be given this id.
 */
export function routableUnitId(id: string): string {
	for (let index = 0; index < id.length; index++) {
		const code = id.charCodeAt(index);
		if (code < 0x20 || code > 0x7e) return createHash("sha256").update(id, "utf8").digest("hex");
	}
	return id;
}
