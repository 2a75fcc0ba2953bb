import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lockRouting } from "./routing-lock.ts";

const root = mkdtempSync(join(tmpdir(), "armspan-lock-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const locked = expect.objectContaining({ code: "ROUTING_LOCKED" });
const refusal = (folder: string) => {
	try {
		lockRouting(folder).release();
	} catch (error) {
		return error;
	}
};

test("one holder at a time, in this process too, and nothing is made in the folder", () => {
	const folder = join(root, "data", "routing");
	const lock = lockRouting(folder);
	expect(refusal(folder)).toEqual(locked);
	lock.release();
	expect(refusal(folder)).toBeUndefined();
	expect(existsSync(folder)).toBe(false);
});

test("a killed process leaves nothing behind that has to be cleared away", async () => {
	const folder = join(root, "killed");
	const module = new URL("./routing-lock.ts", import.meta.url).href;
	const source = `const { lockRouting } = await import(${JSON.stringify(module)}); lockRouting(${JSON.stringify(folder)}); console.log("held"); setInterval(() => {}, 1000);`;
	const args = ["--conditions=armspan-source", "--input-type=module", "--eval", source];
	const holder = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
	await once(holder.stdout, "data");
	expect(refusal(folder)).toEqual(locked);
	holder.kill("SIGKILL");
	await once(holder, "exit");
	expect(refusal(folder)).toBeUndefined();
});

test("a file that is no lock is named", () => {
	const folder = join(root, "odd");
	writeFileSync(`${folder}.lock`, "x".repeat(4096));
	expect(refusal(folder)).toEqual(locked);
	expect(String(refusal(folder))).toContain("odd.lock");
});
