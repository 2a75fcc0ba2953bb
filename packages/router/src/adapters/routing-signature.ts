import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { RouterError } from "../errors.ts";

/** Lines that a signature file may have: the current signature, those of other keys, and that of the bundle before. */
export const MAX_SIGNATURES = 8;

const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/g;

/**
 * ed25519 public keys, any of which may have signed: PEM blocks, or 32 bytes in base64, separated by space or comma.
 * @throws {RouterError} KEY_INVALID; the message does not show the key
 */
export function readPublicKeys(texts: readonly string[]): KeyObject[] {
	const keys = texts.flatMap((text) => {
		if (text.includes("PRIVATE KEY")) {
			throw keyError("public key", "this is a private key; take its public half: openssl pkey -pubout");
		}
		const blocks = text.match(PEM) ?? [];
		const rest = text.replace(PEM, " ").split(/[\s,]+/);
		return [
			...blocks.map((pem) => readKey("public key", () => createPublicKey(pem))),
			...rest.filter((part) => part !== "").map(readRawKey),
		];
	});
	if (keys.length === 0) throw keyError("public key", "it is empty; expected an ed25519 public key as PEM or base64");
	return keys;
}

/**
 * An ed25519 private key in PEM.
 * @throws {RouterError} KEY_INVALID; the message does not show the key
 */
export function readPrivateKey(pem: string): KeyObject {
	return readKey("private key", () => createPrivateKey(pem));
}

/** ed25519 over the bytes, base64. */
export function signRouting(bytes: Uint8Array, privateKey: KeyObject): string {
	return sign(null, bytes, privateKey).toString("base64");
}

/** Whether one line of the signature file was made over these bytes with one of the keys. */
export function isSigned(bytes: Uint8Array, signatureFile: string, publicKeys: readonly KeyObject[]): boolean {
	return signatureLines(signatureFile).some((line) => {
		const signature = Buffer.from(line, "base64");
		return signature.length === 64 && publicKeys.some((key) => verify(null, bytes, key, signature));
	});
}

export function signatureLines(signatureFile: string): string[] {
	return signatureFile
		.split(/\s+/, MAX_SIGNATURES + 1)
		.filter((line) => line !== "")
		.slice(0, MAX_SIGNATURES);
}

function readRawKey(text: string): KeyObject {
	const bytes = Buffer.from(text, "base64");
	if (bytes.length !== 32) {
		throw keyError("public key", `expected PEM, or 32 bytes in base64; this is ${bytes.length} bytes`);
	}
	const jwk = { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") };
	return readKey("public key", () => createPublicKey({ key: jwk, format: "jwk" }));
}

function readKey(kind: string, read: () => KeyObject): KeyObject {
	let key: KeyObject;
	try {
		key = read();
	} catch (error) {
		throw keyError(kind, "cannot be read; expected ed25519 in PEM: openssl genpkey -algorithm ed25519", error);
	}
	if (key.asymmetricKeyType !== "ed25519") {
		throw keyError(kind, `expected ed25519, this is ${key.asymmetricKeyType}; openssl genpkey -algorithm ed25519`);
	}
	return key;
}

function keyError(kind: string, fix: string, cause?: unknown): RouterError {
	return new RouterError(
		[{ code: "KEY_INVALID", file: "routing signature", field: kind, value: undefined, fix }],
		cause,
	);
}
