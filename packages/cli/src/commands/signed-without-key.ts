import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { PRIVATE_KEY_VARIABLE } from "../routing/routing-keys.ts";

/** Why nothing may be written to the folder without a key; `undefined` when it may. */
export function signedWithoutKey(directory: string): string | undefined {
	const signed = ["routing.json.sig", "rollback.json.sig"].some((name) => existsSync(join(resolve(directory), name)));
	return signed
		? `error: ${directory} is signed, and applications refuse what is not: name the key with --private-key or ${PRIVATE_KEY_VARIABLE}; where nobody checks signatures, remove routing.json.sig and rollback.json.sig first`
		: undefined;
}
