import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** sha256 in hex. */
export function sha256(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

/** sha256 of a file's bytes; `undefined` when there is none. */
export async function sha256OfFile(file: string): Promise<string | undefined> {
	try {
		return sha256(await readFile(file));
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
		throw error;
	}
}
