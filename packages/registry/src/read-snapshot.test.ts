import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { commitAll, git, temporaryFolder } from "../test/temporary-repository.ts";
import { initRepository } from "./init-repository.ts";
import { openRegistry } from "./open-registry.ts";
import { RegistryError } from "./registry-error.ts";

afterEach(() => {
	vi.unstubAllEnvs();
});

beforeEach(() => {
	vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
});

async function starter(): Promise<string> {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	return directory;
}

async function changeFile(directory: string, file: string, change: (text: string) => string): Promise<void> {
	const text = await readFile(join(directory, file), "utf8");
	expect(change(text)).not.toBe(text);
	await commitAll(directory, { [file]: change(text) });
}

async function issuesOf(directory: string): Promise<string[]> {
	const registry = await openRegistry(directory);
	const error = await registry.snapshot().then(
		() => expect.unreachable("the repository is broken"),
		(reason: unknown) => reason,
	);
	expect(error).toBeInstanceOf(RegistryError);
	const { code, message, details } = error as RegistryError;
	expect(code).toBe("INVALID_REPOSITORY");
	for (const issue of details.issues!) expect(message).toContain(`\n${issue.file}:${issue.line}: ${issue.message}`);
	return message.split("\n").slice(1);
}

describe("what is committed counts", () => {
	test("an edit that is not committed is not read, and is listed", async () => {
		const directory = await starter();
		const registry = await openRegistry(directory);
		const before = await registry.snapshot();
		const { writeFiles } = await import("../test/temporary-repository.ts");
		await writeFiles(directory, { "experiments/support-tone.yaml": "key: [", "prompts/new.prompt": "x" });
		const lineOf = expect.any(Function);
		expect(await registry.snapshot()).toEqual({
			...before,
			experiments: before.experiments.map((file) => ({ ...file, lineOf })),
			environments: before.environments.map((file) => ({ ...file, lineOf })),
		});
		expect(await registry.uncommittedFiles()).toEqual(["experiments/support-tone.yaml", "prompts/new.prompt"]);
	});

	test("a file says on which line a value stands, or what is nearest around it", async () => {
		const directory = await starter();
		const lines = (await readFile(join(directory, "experiments/support-tone.yaml"), "utf8")).split("\n");
		const { experiments, environments } = await (await openRegistry(directory)).snapshot();
		const lineOf = (path: (string | number)[]) => lines[experiments[0]!.lineOf(path) - 1];
		expect(lineOf(["status"])).toMatch(/^status:/);
		expect(lineOf(["variants", 1, "version"])).toMatch(/version: /);
		expect(lineOf(["variants", 1, "version"])).not.toBe(lineOf(["variants", 0, "version"]));
		expect(lineOf(["variants", 0, "nothing", 3])).toBe(lineOf(["variants", 0]));
		expect(environments[0]!.lineOf(["nothing"])).toBe(environments[0]!.lineOf([]));
	});

	test("an earlier commit can be read by its ref", async () => {
		const directory = await starter();
		await changeFile(directory, "experiments/support-tone.yaml", (text) =>
			text.replace("status: running", "status: stopped"),
		);
		const registry = await openRegistry(directory);
		expect((await registry.snapshot()).experiments[0]?.experiment.status).toBe("stopped");
		expect((await registry.snapshot("HEAD~1")).experiments[0]?.experiment.status).toBe("running");
		expect((await registry.snapshot("prompts/support-reply@2.0.0")).experiments).toHaveLength(1);
	});

	test("a release keeps the bytes of its tag, whatever the file says now", async () => {
		const directory = await starter();
		await changeFile(directory, "prompts/support-reply.prompt", () => "no longer a prompt");
		const { releases } = await (await openRegistry(directory)).snapshot();
		expect([...releases.keys()].sort()).toEqual(["support-reply@1.0.0", "support-reply@2.0.0"]);
		expect(Buffer.from(releases.get("support-reply@2.0.0")!.bytes).toString()).toContain("warm, friendly");
	});

	test("replace refs cannot put other bytes under a released version", async () => {
		const directory = await starter();
		const blob = (version: string) =>
			git(directory, "rev-parse", `prompts/support-reply@${version}:prompts/support-reply.prompt`).trim();
		git(directory, "replace", blob("1.0.0"), blob("2.0.0"));
		const { releases } = await (await openRegistry(directory)).snapshot();
		expect(releases.get("support-reply@1.0.0")!.config).toEqual({ temperature: 0.2, max_tokens: 200 });
	});

	test("a broken release that nothing refers to blocks nothing", async () => {
		const directory = await starter();
		await commitAll(directory, { "prompts/old.prompt": "---\nmodel: [\n---\n" });
		git(directory, "tag", "-a", "-m", "Broken", "prompts/old@1.0.0");
		expect((await (await openRegistry(directory)).snapshot()).releases.size).toBe(2);
	});

	test("a draft may name a version that is not released yet", async () => {
		const directory = await starter();
		await changeFile(directory, "experiments/support-tone.yaml", (text) =>
			text.replace("status: running", "status: draft").replace("version: 2.0.0", "version: 9.0.0"),
		);
		const { releases } = await (await openRegistry(directory)).snapshot();
		expect([...releases.keys()]).toEqual(["support-reply@1.0.0"]);
	});
});

describe("broken files are reported with file and line", () => {
	test("all faults of all files at once", async () => {
		const directory = await starter();
		const lines = ["key: tone", "hypothesis: h", "owner: o", "prompt: support-reply", "status: runing", "variants:"];
		lines.push("  - key: control", "    version: 1.0", "  - key: b", "    version: 2.0.0", "    wieght: 2");
		lines.push("primaryMetric: { metric: feedback, minimumDetectableEffect: 0.1 }", "alpha: 2", "");
		await commitAll(directory, {
			"experiments/tone.yaml": lines.join("\n"),
			"experiments/twice.yaml": "key: a\nkey: b\n",
			"experiments/alias.yaml": "key: &a alias\nowner: *a\n",
			"experiments/tag.yaml": "key: tag\nowner: !!js/function x\n",
			"experiments/open.yaml": "key: open\nowner: [\n",
			"environments/staging.yaml": "# pins\nprompts:\n  support-reply: 7.0.0\n  Bad.Name: 1.0.0\n",
		});
		const issues = await issuesOf(directory);
		const at = (place: string) => issues.filter((issue) => issue.startsWith(`${place}: `));
		expect(at("experiments/tone.yaml:5")[0]).toContain("status: ");
		expect(at("experiments/tone.yaml:8")[0]).toContain("variants.0.version: ");
		expect(at("experiments/tone.yaml:11")).toEqual(['experiments/tone.yaml:11: unknown key "wieght"']);
		expect(at("experiments/tone.yaml:13")[0]).toContain("alpha: ");
		expect(at("experiments/twice.yaml:2")[0]).toContain("unique");
		expect(at("experiments/alias.yaml:2")[0]).toContain("aliases are not allowed");
		expect(at("experiments/tag.yaml:2")).toHaveLength(1);
		expect(issues.some((issue) => issue.startsWith("experiments/open.yaml:"))).toBe(true);
		expect(at("environments/staging.yaml:4")[0]).toContain("prompts.Bad.Name: ");
	});

	test("a version that is not released, at the line that names it", async () => {
		const directory = await starter();
		await commitAll(directory, { "environments/staging.yaml": "# pins\nprompts:\n  support-reply: 7.0.0\n" });
		expect(await issuesOf(directory)).toEqual([
			'environments/staging.yaml:3: version 7.0.0 of support-reply is not released; expected the tag prompts/support-reply@7.0.0 (git tag -a prompts/support-reply@7.0.0 -m "what changed")',
		]);
	});

	test.each([
		["a lightweight tag", "is not annotated", ["tag", "prompts/support-reply@3.0.0"]],
		["a tag of a file", "without the file", ["tag", "-a", "-m", "x", "prompts/support-reply@3.0.0", "HEAD:README.md"]],
	])("%s is no release", async (_name, message, tag) => {
		const directory = await starter();
		await changeFile(directory, "experiments/support-tone.yaml", (text) => text.replace("2.0.0\n", "3.0.0\n"));
		git(directory, ...tag);
		const issues = await issuesOf(directory);
		expect(issues).toHaveLength(1);
		expect(issues[0]).toMatch(/^experiments\/support-tone\.yaml:\d+: /);
		expect(issues[0]).toContain(message);
	});

	test("a released prompt that does not parse, at the variant that needs it", async () => {
		const directory = await starter();
		await commitAll(directory, { "prompts/support-reply.prompt": "---\nmodle: x\n---\nHello" });
		git(directory, "tag", "-a", "-m", "x", "prompts/support-reply@3.0.0");
		await changeFile(directory, "experiments/support-tone.yaml", (text) => text.replace("2.0.0\n", "3.0.0\n"));
		const issues = await issuesOf(directory);
		expect(issues[0]).toContain("support-reply@3.0.0 is not a valid prompt file");
	});

	test.each([
		["experiments/Über.yaml", "file name: "],
		["experiments/tone.yml", 'expected the ending ".yaml"'],
		["experiments/deep/tone.yaml", "expected directly in experiments/"],
		["experiments/other.yaml", 'key: "support-tone" does not match the file name; expected "other"'],
		["environments/pro.duction.yaml", "file name: "],
		["environments/a\nb.yaml", "file name: "],
	])("%j", async (file, message) => {
		const directory = await starter();
		const sound = await readFile(join(directory, "experiments/support-tone.yaml"), "utf8");
		await commitAll(directory, { [file]: sound });
		expect((await issuesOf(directory)).join("\n")).toContain(message);
	});

	test.each([
		["not UTF-8", new Uint8Array([0x6b, 0x3a, 0xff]), "UTF-8"],
		["empty", "", "expected object"],
		["a list", "- a\n", "expected object"],
		["nested without end", "[".repeat(100_000), ""],
		["larger than a megabyte", `# ${"x".repeat(1_100_000)}\n`, "expected at most"],
		["several documents", "---\n--- b\n", "not valid YAML"],
		["__proto__ as key", "__proto__: { status: running }\n", ""],
	])("%s", async (_name, content, message) => {
		const directory = await starter();
		await commitAll(directory, { "experiments/odd.yaml": content });
		const issues = await issuesOf(directory);
		expect(issues[0]).toMatch(/^experiments\/odd\.yaml:[12]: /);
		expect(issues.join("\n")).toContain(message);
	});

	test("a symbolic link is not followed", async () => {
		const directory = await starter();
		const { symlink } = await import("node:fs/promises");
		await symlink("support-tone.yaml", join(directory, "experiments/link.yaml"));
		await commitAll(directory, {});
		expect(await issuesOf(directory)).toEqual(["experiments/link.yaml:1: expected a regular file, found a link"]);
	});
});

test.each(["--help", "-h", "HEAD\nHEAD", "", "a b", "--output=/tmp/x"])("hostile ref %j is refused", async (ref) => {
	const registry = await openRegistry(await starter());
	await expect(registry.snapshot(ref)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("an unknown ref is named", async () => {
	const registry = await openRegistry(await starter());
	await expect(registry.snapshot("no-such-branch")).rejects.toMatchObject({
		code: "UNKNOWN_REF",
		message: expect.stringContaining("no-such-branch"),
	});
});
