import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** `package CODE` of every literal union that is called `…ErrorCode`, wherever it is. */
const declared: string[] = [];
/** Unions that are not just literals. */
const unreadable: string[] = [];
/** Sources without tests and without those unions, by package: where codes are used. */
const sources = new Map<string, string>();
for (const name of readdirSync(join(root, "packages"))) {
	const folder = join(root, "packages", name);
	const packageName = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name;
	for (const file of readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })) {
		if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
		const source = readFileSync(join(folder, "src", file), "utf8");
		const uses = source.replace(/^export type (\w*ErrorCode) =(.*?);$/gms, (_union, type: string, members: string) => {
			// Comments between the members may quote things, too.
			const bare = members.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
			const codes = [...bare.matchAll(/"([^"]+)"/g)].map(([, code]) => `${packageName} ${code}`);
			declared.push(...codes);
			if (!/^[\s|]*$/.test(bare.replaceAll(/"[^"]+"/g, "")) || codes.length === 0) unreadable.push(`${file}: ${type}`);
			return "";
		});
		sources.set(packageName, `${sources.get(packageName) ?? ""}${uses}\n`);
	}
}

const rows = [
	...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^\| `(.+?)` \| `(.+?)` \| (.*?) \| (.*?) \|$/gm),
];
const documented = rows.map(([, code, packageName]) => `${packageName} ${code}`);

test("docs/errors.md has a row for every error code of every package, and for nothing else", () => {
	expect(unreadable).toEqual([]);
	expect(declared.length).toBeGreaterThan(100);
	expect(documented.toSorted()).toEqual(declared.toSorted());
	expect(new Set(documented).size).toBe(documented.length);
});

test("every row says what the code means and what to do", () => {
	const empty = rows.filter(([, , , means = "", remedy = ""]) => means.trim().length < 10 || remedy.trim().length < 5);
	expect(empty.map(([row]) => row)).toEqual([]);
});

test("codes are written in one way", () => {
	expect(declared.filter((code) => !/^\S+ [A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(code))).toEqual([]);
});

test("no code is declared that nothing uses", () => {
	const unused = declared.filter((entry) => {
		const [packageName = "", code = ""] = entry.split(" ");
		return !sources.get(packageName)?.includes(`"${code}"`);
	});
	expect(unused).toEqual([]);
});
