import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promptFingerprint } from "@armspan/instrumentation/recognition";
import { expect, test } from "vitest";
import { parseMapping, readMappingFile } from "./mapping-file.ts";

const GREET = `prompts:
  - prompt: support/greet
    version: 1.2.0
    match:
      template: |
        Hello {{name}}, you are number {{ place }}.
      role: user
`;

test("YAML and JSON give the same entries", () => {
	const { entries } = parseMapping(GREET, "prompts.yaml");
	const staticParts = ["Hello ", ", you are number ", "."];
	const digest = promptFingerprint(staticParts);
	const identity = { name: "support/greet", version: "1.2.0", digest };
	expect(entries).toEqual([{ identity, staticParts, staticLength: 24, role: "user", model: undefined, index: 0 }]);
	const json = { prompts: [{ prompt: "support/greet", version: "1.2.0", match: { staticParts, role: "user" } }] };
	expect(parseMapping(JSON.stringify(json), "prompts.json").entries).toEqual(entries);
});

test("the README's mapping file is one", () => {
	const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
	const [, yaml = ""] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
	const { entries, problems } = parseMapping(yaml, "README.md");
	expect(problems).toBeUndefined();
	expect(entries?.map(({ staticParts }) => staticParts?.length)).toEqual([2, 2, undefined]);
});

test("without a version the digest is the version", () => {
	const fingerprint = "ab".repeat(32);
	const { entries } = parseMapping(`prompts: [{ prompt: a, match: { fingerprint: ${fingerprint} } }]`, "p");
	expect(entries?.[0]?.identity).toEqual({ name: "a", version: "sha256-abababababab", digest: fingerprint });
});

test.each([
	["prompts: [", /^p\.yaml:1: not valid YAML: /],
	["prompts: &x []\nmore: *x", /^p\.yaml:1: cannot be parsed: /],
	["[]", /^p\.yaml:1: Invalid input: expected object/],
	[GREET.replace("1.2.0", "v1"), /^p\.yaml:3: prompts\.0\.version: .*; found "v1"$/],
	[GREET.replace("role", "roles"), /^p\.yaml:4: prompts\.0\.match: Unrecognized key: "roles"/],
	[GREET.replace("role: user", "role: tool"), /^p\.yaml:7: prompts\.0\.match\.role: .*; found "tool"$/],
	[
		GREET.replace("role: user", `fingerprint: ${"ab".repeat(32)}`),
		/:4: prompts\.0\.match: expected exactly one of template, staticParts and fingerprint/,
	],
	[
		GREET.replace("{{name}}", "{{#if name}}"),
		/:5: prompts\.0\.match\.template "\{\{#if name\}\}, you .*" is no variable/,
	],
	[
		"prompts:\n  - prompt: a\n    match:\n      template: 'Q: {{question}}'",
		/:4: prompts\.0\.match\.template has 2 characters of static text.*expected 4 or more/,
	],
	["prompts:\n  - { prompt: a, match: { staticParts: [' '] } }", /:2: prompts\.0\.match\.staticParts has 0 characters/],
])("%j is refused with its line, field and remedy", (text, expected) => {
	const { entries, problems } = parseMapping(text, "p.yaml");
	expect(entries).toBeUndefined();
	expect(problems?.[0]).toMatch(expected);
});

test("a file that is not there, too long, or deeply nested is a problem and no exception", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-mapping-"));
	try {
		expect(readMappingFile(join(folder, "nowhere.yaml")).problems?.[0]).toMatch(
			/nowhere\.yaml: cannot be read: ENOENT/,
		);
		const file = join(folder, "deep.yaml");
		writeFileSync(file, "[".repeat(100_000));
		expect(readMappingFile(file).problems?.[0]).toMatch(/deep\.yaml:1: /);
		writeFileSync(file, Buffer.alloc(5 * 1024 * 1024, "#"));
		expect(readMappingFile(file).problems?.[0]).toContain("expected at most 4194304");
	} finally {
		rmSync(folder, { recursive: true });
	}
});
