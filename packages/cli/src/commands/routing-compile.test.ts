import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { BundleWatcher, readBundle, writeBundle } from "@armspan/router";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runArmspan } from "../test-support/run-armspan.ts";

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let repository: string;
let routing: string;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "armspan-compile-"));
	repository = join(folder, "my-prompts");
	routing = join(folder, "routing");
	await initRepository(repository);
});
afterEach(() => rmSync(folder, { recursive: true }));

const compile = (...more: string[]) => runArmspan(["routing", "compile", routing, "--repository", repository, ...more]);

function commit(from: string, to: string): void {
	const file = join(repository, "experiments/support-tone.yaml");
	const text = readFileSync(file, "utf8");
	expect(text).toContain(from);
	writeFileSync(file, text.replace(from, to));
	const author = ["-c", "user.name=T", "-c", "user.email=t@localhost"];
	execFileSync("git", ["-C", repository, ...author, "commit", "-qam", "changed"]);
}

const enrolled = () => {
	const { table } = readBundle(routing);
	const users = Array.from({ length: 40 }, (_, index) => table.assign("support-reply", { user: `u-${index}` }));
	return users.filter((assignment) => assignment?.enrolled).length;
};

test("the emergency of the runbook: a commit with status: stopped, and an application that reads the folder lets go", async () => {
	const first = await compile();
	expect([first.code, first.stderr]).toEqual([0, ""]);
	expect(first.stdout).toMatch(/^armspan\/production: revision \d+ of [0-9a-f]{8}\n$/);
	expect(enrolled()).toBe(40);
	const reader = new BundleWatcher(routing, { onChange() {}, onError() {} });
	try {
		const before = reader.current?.table.revision ?? Number.NaN;
		commit("status: running", "status: stopped");
		expect((await compile()).code).toBe(0);
		await expect.poll(() => reader.current?.table.revision, { timeout: 10_000 }).toBeGreaterThan(before);
		expect(enrolled()).toBe(0);
	} finally {
		reader.close();
	}
});

test("what the bundle has halted stays halted, whatever the commit says", async () => {
	commit("status: running", "status: halted");
	await compile();
	commit("status: halted", "status: running");
	expect((await compile()).code).toBe(0);
	expect(enrolled()).toBe(0);
});

test("above what was gone back from, and above a revision that the clock is behind of", async () => {
	await compile();
	const { file, prompts } = readBundle(routing);
	const ahead = { ...file, metadata: { ...file.metadata, revision: 4_000_000_000 } };
	await writeBundle(routing, { file: ahead, json: JSON.stringify(ahead), prompts });
	expect((await compile()).stdout).toContain("revision 4000000001 ");
	const older = join(folder, "older");
	await writeBundle(older, { file, json: JSON.stringify(file), prompts });
	const back = await runArmspan(["routing", "rollback", routing, "--to", older, "--reason", "x"]);
	expect([back.code, back.stderr.includes("gone back")]).toEqual([0, false]);
	expect((await compile()).stdout).toContain("revision 4000000002 ");
});

test("a broken bundle is replaced; a signed one wants the key; what is not there is named", async () => {
	await compile();
	writeFileSync(join(routing, "routing.json"), "{");
	expect((await compile()).code).toBe(0);
	expect(enrolled()).toBe(40);
	const elsewhere = await compile("--environment", "nowhere");
	expect([elsewhere.code, elsewhere.stderr]).toEqual([1, expect.stringContaining("UNKNOWN_ENVIRONMENT")]);
	writeFileSync(join(routing, "routing.json.sig"), "x\n");
	const unsigned = await compile();
	expect([unsigned.code, unsigned.stderr]).toEqual([2, expect.stringContaining("is signed")]);
});
