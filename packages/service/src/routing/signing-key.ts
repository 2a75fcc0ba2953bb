import type { KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { readPrivateKey } from "@armspan/router";
import { ServiceError } from "../service-error.ts";

/**
 * The key that signs routing bundles. An empty value is how a missing secret looks, and is refused: going on unsigned
 * would cut off every reader that has the public key.
 *
 * @param value PEM, or the path of a file with it
 * @throws {ServiceError} PRIVATE_KEY_UNREADABLE
 * @throws {RouterError} KEY_INVALID
 */
export function readSigningKey(value: string): KeyObject {
	if (value.includes("-----BEGIN")) {
		return readPrivateKey(value);
	}
	let pem: string;
	try {
		pem = readFileSync(value, "utf8");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		throw new ServiceError(
			"PRIVATE_KEY_UNREADABLE",
			`routing private key: the file cannot be read (${code}); expected PEM or the path of a file with it: openssl genpkey -algorithm ed25519 -out routing.pem`,
			{},
			{ cause: error },
		);
	}
	return readPrivateKey(pem);
}
