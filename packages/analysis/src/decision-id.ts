import { createHash } from "node:crypto";

/**
 * Identity of a decision, the same whoever takes it: two services, or one that was killed between
 * deciding and writing, make one record of it. A UUID of version 8 (RFC 9562) over sha256.
 */
export function decisionId(...parts: readonly (string | number)[]): string {
	const bytes = createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16);
	bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
	bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
	const hex = bytes.toString("hex");
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
