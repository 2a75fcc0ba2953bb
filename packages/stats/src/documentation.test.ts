import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runExamples } from "./test-support/run-examples.ts";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));
const pagesFolder = fileURLToPath(new URL("../../../docs/statistics/", import.meta.url));

// What describes no method of its own.
const OVERVIEWS = ["README.md", "calibration.md"];

const pages = [
	`${packageFolder}README.md`,
	...readdirSync(pagesFolder)
		.filter((name) => name.endsWith(".md") && !OVERVIEWS.includes(name))
		.map((name) => pagesFolder + name),
].map((page) => {
	const example = /```ts\n(?<code>[\s\S]*?)```\n\n```\n(?<output>[\s\S]*?)```/.exec(readFileSync(page, "utf8"));
	return { page, code: example?.groups?.code ?? "", output: example?.groups?.output ?? "" };
});

describe("documentation", () => {
	// One process for all, since starting one takes longer than most examples.
	const printed = runExamples(
		pages.map(({ code }) => code),
		packageFolder,
	);

	it.each(pages.map((page, position) => ({ ...page, printed: printed[position] })))(
		"prints what $page says",
		({ output, printed }) => {
			expect(printed).not.toBe("");
			expect(printed).toBe(output);
		},
	);

	it("names a page as the source it describes, and lists it", () => {
		const overview = readFileSync(`${pagesFolder}README.md`, "utf8");
		for (const page of readdirSync(pagesFolder).filter((name) => name.endsWith(".md") && !OVERVIEWS.includes(name))) {
			expect(readdirSync(`${packageFolder}src`)).toContain(page.replace(/\.md$/, ".ts"));
			expect(overview).toContain(`](${page})`);
		}
	});
});
