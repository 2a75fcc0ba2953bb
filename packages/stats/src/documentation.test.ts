import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));
const pagesFolder = fileURLToPath(new URL("../../../docs/statistics/", import.meta.url));

const pages = [
	`${packageFolder}README.md`,
	...readdirSync(pagesFolder)
		.filter((name) => name.endsWith(".md") && name !== "README.md")
		.map((name) => pagesFolder + name),
];

describe("documentation", () => {
	it.each(pages)("prints what %s says", (page) => {
		const example = /```ts\n(?<code>[\s\S]*?)```\n\n```\n(?<output>[\s\S]*?)```/.exec(readFileSync(page, "utf8"));
		// Unedited, as a module of this package, from its sources.
		const printed = execFileSync(
			process.execPath,
			["--conditions=armspan-source", "--input-type=module-typescript", "--eval", example?.groups?.code ?? ""],
			{ cwd: packageFolder, encoding: "utf8" },
		);
		expect(printed).not.toBe("");
		expect(printed).toBe(example?.groups?.output);
	});

	it("names a page as the source it describes, and lists it", () => {
		const overview = readFileSync(`${pagesFolder}README.md`, "utf8");
		for (const page of readdirSync(pagesFolder).filter((name) => name.endsWith(".md") && name !== "README.md")) {
			expect(readdirSync(`${packageFolder}src`)).toContain(page.replace(/\.md$/, ".ts"));
			expect(overview).toContain(`](${page})`);
		}
	});
});
