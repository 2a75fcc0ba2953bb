import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { writeBundle } from "@armspan/router";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sideOfCommit } from "../routing/routing-side.ts";
import { runArmspan } from "../test-support/run-armspan.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-explain-"));
const repository = join(folder, "repository");
const bundle = join(folder, "bundle");

const git = (...args: string[]) =>
	execFileSync("git", ["-C", repository, "-c", "user.name=T", "-c", "user.email=t@localhost", ...args]);

function commit(tag: string, ...changes: [from: string, to: string][]): void {
	const file = join(repository, "experiments/support-tone.yaml");
	let text = readFileSync(file, "utf8");
	for (const [from, to] of changes) {
		expect(text).toContain(from);
		text = text.replace(from, to);
	}
	writeFileSync(file, text);
	git("commit", "--all", "--message", tag);
	git("tag", tag);
}

beforeAll(async () => {
	await initRepository(repository);
	git("tag", "everybody");
	commit("pro-only", ["# The gate", "audience:\n  - attribute: plan\n    in: [pro]\n\n# The gate"]);
	commit("shadow", ["type: fixed", "type: shadow"]);
	commit("halted", ["status: running", "status: halted"]);
	git("checkout", "-q", "everybody");
	const prompts = ["1.0.0", "2.0.0"].map((version) =>
		git("show", `prompts/support-reply@${version}:prompts/support-reply.prompt`),
	);
	const { file } = await sideOfCommit("HEAD", { repository, environment: "production" });
	const byDigest = new Map(
		Object.values(file.flags["support-reply"]!.variants).map(({ version, digest }) => [
			digest,
			prompts[version === "1.0.0" ? 0 : 1]!,
		]),
	);
	await writeBundle(bundle, { file, json: JSON.stringify(file), prompts: byDigest });
});
afterAll(() => rmSync(folder, { recursive: true }));

const explain = (...args: string[]) => runArmspan(["explain", "support-reply", ...args]);
const from = (ref: string) => ["--repository", repository, "--ref", ref];

test("every rule with its hash and bucket, the arm, and that the unit is enrolled", async () => {
	const { code, stdout, stderr } = await explain("--user", "u-1842", ...from("everybody"));
	expect([code, stderr]).toEqual([0, ""]);
	expect(stdout).toMatch(/^support-reply, armspan\/production of everybody \([0-9a-f]{8}\)\n/);
	expect(stdout).toContain('murmur3("support-tone.1.gate:u-1842") = 1058041203, bucket 24634 of 100000');
	expect(stdout).toContain('murmur3("support-tone.1.arm:u-1842") = 3459123255, bucket 1 of 2');
	expect(stdout).toMatch(/^→ support-tone\.friendly: version 2\.0\.0 .*, enrolled \(split\)\n$/m);
});

test("the bundle that an application reads gives the same answer, by option and by ARMSPAN_ROUTING", async () => {
	const ofCommit = JSON.parse((await explain("--user", "u-1842", "--json", ...from("everybody"))).stdout);
	const ofBundle = JSON.parse((await explain("--user", "u-1842", "--json", "--routing", bundle)).stdout);
	expect(ofBundle.assignment).toEqual(ofCommit.assignment);
	expect(ofBundle).toMatchObject({ schemaVersion: 1, routing: { flagSetId: "armspan/production", revision: 1 } });
	const env = { ARMSPAN_ROUTING: bundle };
	const byEnvironment = await runArmspan(["explain", "support-reply", "--user", "u-1842", "--json"], { env });
	expect(JSON.parse(byEnvironment.stdout)).toEqual(ofBundle);
});

test("an audience: who meets it, who does not, and who has no such attribute", async () => {
	const reasonOf = async (...args: string[]) =>
		JSON.parse((await explain("--user", "u-1842", "--json", ...args, ...from("pro-only"))).stdout).assignment.reason;
	expect(await reasonOf("--attribute", "plan=pro")).toBe("split");
	expect(await reasonOf("--attribute", "plan=free", "--attribute", "seats=3")).toBe("audience");
	expect(await reasonOf()).toBe("audience");
	expect(await reasonOf("--attribute", "plan=1")).toBe("audience");
});

test("a shadow, a halt, and a call without the unit", async () => {
	const shadow = await explain("--user", "u-1842", "--attribute", "plan=pro", ...from("shadow"));
	expect(shadow.stdout).toMatch(/version 1\.0\.0 .*not enrolled \(shadow\); version 2\.0\.0 .* runs in its shadow\n$/);
	const halted = await explain("--user", "u-1842", ...from("halted"));
	expect(halted.stdout).toContain("not enrolled (halted)");
	const without = await explain("--session", "s-1", ...from("everybody"));
	expect(without.stdout).toContain("not enrolled (no-unit)");
	expect(without.stderr).toBe("note: support-reply randomizes by user; name one with --user ID\n");
});

test.each([
	[["explain", "nobody", "--repository", repository], 1, 'UNKNOWN_PROMPT: prompt "nobody" is not in HEAD'],
	[["explain", "support-reply", "--routing", join(folder, "nowhere")], 1, "BUNDLE_MISSING"],
	[["explain", "support-reply", "--repository", folder], 1, "NO_REPOSITORY"],
	[["explain", "support-reply", "--routing", bundle, "--ref", "HEAD"], 2, "give either"],
	[["explain", "support-reply", "--attribute", "plan"], 2, 'expected NAME=VALUE, found "plan"'],
	[["explain"], 2, "missing required argument"],
])("%j: exit code %i, and what is wrong", async (args, expected, message) => {
	const { code, stdout, stderr } = await runArmspan(args);
	expect([code, stdout]).toEqual([expected, ""]);
	expect(stderr).toContain(message);
	expect(stderr).not.toMatch(/^\s+at /m);
});
