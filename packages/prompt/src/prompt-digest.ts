import { createHash } from "node:crypto";

/** Identity of a prompt version: sha256 of the exact bytes, 64 lower-case hex digits; text is taken as UTF-8. */
export function promptDigest(bytes: Uint8Array | string): string {
	return createHash("sha256").update(bytes).digest("hex");
}

/** How an unreleased version is called on spans: `sha256-` and the first 12 hex digits of its digest. */
export function promptVersionOfDigest(digest: string): `sha256-${string}` {
	return `sha256-${digest.slice(0, 12)}`;
}
