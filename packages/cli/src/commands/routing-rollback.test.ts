import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BundleWatcher, readPublicKeys, writeBundle } from "@armspan/router";
import { afterAll, beforeAll, expect, test } from "vitest";
import { supportBundle } from "../../../instrumentation/src/fixtures/support-bundle.ts";
import { runArmspan } from "../test-support/run-armspan.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-rollback-"));
const routing = join(folder, "routing");
const backup = join(folder, "backup");
const keyFile = join(folder, "routing.pem");
let publicKey = "";

beforeAll(async () => {
	await writeBundle(backup, supportBundle(41));
	await writeBundle(routing, supportBundle(42));
	const { code, stdout } = await runArmspan(["routing", "keygen", keyFile]);
	expect(code).toBe(0);
	publicKey = stdout.trim();
});
afterAll(() => rmSync(folder, { recursive: true }));

test("keygen: a private key for its owner alone, never replaced, and its public half on stdout", async () => {
	expect(statSync(keyFile).mode & 0o777).toBe(0o600);
	expect(Buffer.from(publicKey, "base64")).toHaveLength(32);
	const before = readFileSync(keyFile, "utf8");
	const again = await runArmspan(["routing", "keygen", keyFile]);
	expect([again.code, again.stdout]).toEqual([1, ""]);
	expect(again.stderr).toContain("KEY_FILE_UNUSABLE");
	expect(readFileSync(keyFile, "utf8")).toBe(before);
});

test("verify, sign, verify, go back: what a reader with the public key takes", async () => {
	const verify = () => runArmspan(["routing", "verify", routing, "--public-key", publicKey]);
	const unsigned = await verify();
	expect([unsigned.code, unsigned.stdout]).toEqual([1, ""]);
	expect(unsigned.stderr).toContain("SIGNATURE_MISSING");
	expect((await runArmspan(["routing", "verify", routing])).stdout).toMatch(/revision 42 .*signature not checked\n$/);

	const signed = await runArmspan(["routing", "sign", routing, "--private-key", keyFile]);
	expect(signed.stdout).toMatch(/^armspan\/test revision 42: signed [0-9a-f]{64}\n$/);
	expect((await verify()).stdout).toMatch(/^armspan\/test revision 42 of 0{8}: \d prompt files, signature good\n$/);

	const reader = new BundleWatcher(routing, { publicKeys: readPublicKeys([publicKey]), onChange() {}, onError() {} });
	try {
		expect(reader.current?.table.revision).toBe(42);
		const keyless = await runArmspan(["routing", "rollback", routing, "--to", backup, "--reason", "in French"]);
		expect([keyless.code, keyless.stdout]).toEqual([2, ""]);
		expect(keyless.stderr).toContain("is signed, and applications refuse what is not");
		expect((await verify()).stdout).toMatch(/^armspan\/test revision 42 .*signature good\n$/);

		const back = await runArmspan(
			["routing", "rollback", routing, "--to", backup, "--reason", "answers in French", "--by", "ada"],
			{ env: { ARMSPAN_ROUTING_PRIVATE_KEY: keyFile } },
		);
		expect([back.code, back.stdout]).toEqual([0, "armspan/test: gone back from revision 42 to 41\n"]);
		expect(back.stderr).toMatch(/^note: a running service .* environments\/test\.yaml\n$/);
		await expect.poll(() => reader.current?.table.revision, { timeout: 10_000 }).toBe(41);
		expect(JSON.parse(readFileSync(join(routing, "rollback.json"), "utf8"))).toMatchObject({
			...{ fromRevision: 42, toRevision: 41, reason: "answers in French", by: "ada" },
		});
	} finally {
		reader.close();
	}
	const { stdout } = await runArmspan(["routing", "verify", routing, "--public-key", publicKey, "--json"]);
	expect(JSON.parse(stdout)).toMatchObject({ revision: 41, signature: "good" });
});

test("what was gone back to without a key is signed by going back again with it", async () => {
	const unsigned = join(folder, "unsigned");
	await writeBundle(unsigned, supportBundle(42));
	const back = (...more: string[]) =>
		runArmspan(["routing", "rollback", unsigned, "--to", backup, "--reason", "in French", ...more]);
	expect((await back()).code).toBe(0);
	expect(() => statSync(join(unsigned, "routing.json.sig"))).toThrow("ENOENT");
	const again = await back("--private-key", keyFile);
	expect([again.code, again.stdout]).toEqual([0, "armspan/test: gone back from revision 42 to 41\n"]);
	const { stdout } = await runArmspan(["routing", "verify", unsigned, "--public-key", publicKey, "--json"]);
	expect(JSON.parse(stdout)).toMatchObject({ revision: 41, signature: "good" });
	expect(JSON.parse(readFileSync(join(unsigned, "rollback.json"), "utf8")).fromRevision).toBe(42);
	expect(statSync(join(unsigned, "rollback.json.sig")).size).toBeGreaterThan(64);
});

test.each([
	[["rollback", backup, "--to", backup, "--reason", "x"], 1, "NOTHING_TO_ROLL_BACK"],
	[["rollback", join(folder, "nowhere"), "--to", backup, "--reason", "x"], 1, "NOTHING_TO_ROLL_BACK"],
	[["rollback", routing, "--to", backup], 2, "required option '--reason"],
	[["sign", routing], 2, "name a key with --private-key"],
	[["sign", routing, "--private-key", join(folder, "no.pem")], 1, "KEY_FILE_UNUSABLE"],
	[["verify", routing, "--public-key", "AAAA"], 1, "KEY_INVALID"],
])("%j: exit code %i, and what is wrong", async (args, expected, message) => {
	const { code, stdout, stderr } = await runArmspan(["routing", ...args]);
	expect([code, stdout]).toEqual([expected, ""]);
	expect(stderr).toContain(message);
	expect(stderr).not.toMatch(/^\s+at /m);
});
