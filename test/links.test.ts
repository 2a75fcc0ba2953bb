import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).split("\n").filter(Boolean);

test("every relative link of every page leads to a file", () => {
	const broken = pages.flatMap((page) =>
		[...readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)\s]+)\)/g)]
			.map(([, target = ""]) => target.split("#", 1)[0] ?? "")
			.filter((target) => target !== "" && !/^[a-z]+:/.test(target))
			.filter((target) => !existsSync(join(root, dirname(page), target)))
			.map((target) => `${page}: ${target}`),
	);
	expect(pages.length).toBeGreaterThan(30);
	expect(broken).toEqual([]);
});

test("every program that a page tells to run is there", () => {
	const missing = pages.flatMap((page) =>
		[...readFileSync(join(root, page), "utf8").matchAll(/node --conditions=armspan-source ([\w./-]+\.ts)/g)]
			.map(([, program = ""]) => program)
			.filter((program) => !existsSync(join(root, program)))
			.map((program) => `${page}: ${program}`),
	);
	expect(missing).toEqual([]);
});
