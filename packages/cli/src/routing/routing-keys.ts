import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { readPrivateKey, readPublicKeys } from "@armspan/router";
import { CliError } from "../cli-error.ts";

export const PRIVATE_KEY_VARIABLE = "ARMSPAN_ROUTING_PRIVATE_KEY";
export const PUBLIC_KEY_VARIABLE = "ARMSPAN_ROUTING_PUBLIC_KEY";

/**
 * Makes an ed25519 key pair and writes the private key, readable by its owner alone. Never replaces a file.
 * @returns the public key: 32 bytes in base64
 * @throws {CliError} KEY_FILE_UNUSABLE
 */
export function writeKeyPair(file: string): string {
	const { privateKey, publicKey } = generateKeyPairSync("ed25519");
	try {
		writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		const why = code === "EEXIST" ? "is there already, and whoever has its public key depends on it" : `(${code})`;
		throw new CliError("KEY_FILE_UNUSABLE", `${file} cannot be written: ${why}`, "armspan routing keygen OTHER_FILE", {
			cause,
		});
	}
	return rawPublicKey(publicKey);
}

/** A private key from the option, else the environment: PEM, or the path of a file with it; `undefined` without either. */
export function givenPrivateKey(option: string | undefined): KeyObject | undefined {
	const value = option ?? process.env[PRIVATE_KEY_VARIABLE];
	return value === undefined ? undefined : readPrivateKey(value.includes("-----BEGIN") ? value : readKeyFile(value));
}

/** Public keys from the option, else the environment: PEM or base64, separated by commas, or the path of a file with them. */
export function givenPublicKeys(option: string | undefined): KeyObject[] | undefined {
	const value = option ?? process.env[PUBLIC_KEY_VARIABLE];
	if (value === undefined) return undefined;
	return readPublicKeys([existsSync(value) ? readKeyFile(value) : value]);
}

function readKeyFile(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		// Not shown: it may be the key itself, given where a path was expected.
		throw new CliError(
			"KEY_FILE_UNUSABLE",
			`the key file cannot be read (${code}); expected PEM, or the path of a file with it`,
			"armspan routing keygen routing.pem",
			{ cause },
		);
	}
}

function rawPublicKey(publicKey: KeyObject): string {
	return Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("base64");
}
