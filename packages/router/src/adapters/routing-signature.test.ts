import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isSigned, MAX_SIGNATURES, readPrivateKey, readPublicKeys, signRouting } from "./routing-signature.ts";

const pair = () => generateKeyPairSync("ed25519");
const pem = (key: KeyObject) => String(key.export({ type: key.type === "private" ? "pkcs8" : "spki", format: "pem" }));
const raw = (key: KeyObject) => Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url").toString("base64");
const bytes = Buffer.from('{"flags":{}}');

describe("keys", () => {
	it("are read from PEM, from base64, and several of both from one variable", () => {
		const [one, two, three] = [pair(), pair(), pair()];
		const keys = readPublicKeys([`${pem(one.publicKey)}${raw(two.publicKey)}, ${raw(three.publicKey)}`]);
		expect(keys.map(raw)).toEqual([one, two, three].map(({ publicKey }) => raw(publicKey)));
		expect(readPrivateKey(pem(one.privateKey)).equals(one.privateKey)).toBe(true);
	});

	it.each([
		["nothing", [""]],
		["no key at all", []],
		["a word", ["secret-word"]],
		["31 bytes", [Buffer.alloc(31).toString("base64")]],
		["another kind", [pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)]],
		["a private key", [pem(pair().privateKey)]],
		["a damaged PEM", ["-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----"]],
	])("are refused: %s", (_, texts) => {
		expect(() => readPublicKeys(texts)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
	});

	it("do not show in the message", () => {
		const secret = pem(pair().privateKey);
		const body = secret.split("\n")[1] ?? "";
		for (const read of [() => readPublicKeys([secret]), () => readPrivateKey(secret.replace("MC4", "XXX"))]) {
			expect(read).toThrow(expect.objectContaining({ message: expect.not.stringContaining(body.slice(4, 30)) }));
		}
	});
});

describe("isSigned", () => {
	const { publicKey, privateKey } = pair();
	const signature = signRouting(bytes, privateKey);

	it("takes one right line among others, and any of the keys", () => {
		const other = pair();
		expect(isSigned(bytes, `${signature}\n`, [publicKey])).toBe(true);
		expect(isSigned(bytes, `${signRouting(Buffer.from("old"), privateKey)}\n${signature}`, [publicKey])).toBe(true);
		expect(isSigned(bytes, signature, [other.publicKey, publicKey])).toBe(true);
	});

	it("refuses other bytes, other keys, garbage and more lines than anybody writes", () => {
		expect(isSigned(Buffer.from("{}"), signature, [publicKey])).toBe(false);
		expect(isSigned(bytes, signature, [pair().publicKey])).toBe(false);
		expect(isSigned(bytes, signature, [])).toBe(false);
		for (const garbage of ["", "\n", "AAAA", signature.slice(0, -4), "\u0000\ufffd", "x".repeat(100_000)]) {
			expect(isSigned(bytes, garbage, [publicKey])).toBe(false);
		}
		const wrong = Buffer.alloc(64).toString("base64");
		expect(isSigned(bytes, `${`${wrong}\n`.repeat(MAX_SIGNATURES)}${signature}`, [publicKey])).toBe(false);
	});
});
