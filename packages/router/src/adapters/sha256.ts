import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** sha256 in hex. */
export function sha256(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

/** sha256 of a regular file's bytes; `undefined` when there is none. */
export async function sha256OfFile(file: string): Promise<string | undefined> {
	try {
		// Without O_NONBLOCK, opening a FIFO waits for a writer.
		const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
		try {
			return (await handle.stat()).isFile() ? sha256(await handle.readFile()) : undefined;
		} finally {
			await handle.close();
		}
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
		throw error;
	}
}
