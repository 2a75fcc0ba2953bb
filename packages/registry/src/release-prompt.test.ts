import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { commitAll, git, temporaryFolder, writeFiles } from "../test/temporary-repository.ts";
import { initRepository } from "./init-repository.ts";
import { openRegistry } from "./open-registry.ts";

afterEach(() => {
	vi.unstubAllEnvs();
});

beforeEach(() => {
	vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
});

async function starter() {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	return { directory, registry: await openRegistry(directory) };
}

test("an annotated tag on HEAD, by the configured person", async () => {
	const { directory, registry } = await starter();
	git(directory, "config", "user.name", "Ada");
	git(directory, "config", "user.email", "ada@example.com");
	const release = await registry.releasePrompt("support-reply", "2.0.1", { message: "# Same text\n\nWhy not." });
	const bytes = await readFile(join(directory, "prompts/support-reply.prompt"));
	expect(release).toEqual({
		tag: "prompts/support-reply@2.0.1",
		commit: git(directory, "rev-parse", "HEAD").trim(),
		digest: createHash("sha256").update(bytes).digest("hex"),
	});
	expect(git(directory, "for-each-ref", "--format=%(taggername) %(contents)", `refs/tags/${release.tag}`).trim()).toBe(
		"Ada # Same text\n\nWhy not.",
	);
});

test("a prompt in a namespace", async () => {
	const { directory, registry } = await starter();
	await commitAll(directory, {
		"prompts/billing/refund.prompt": "---\nmodel: gpt-4o-mini\n---\nHello",
		"environments/staging.yaml": "prompts:\n  billing/refund: 1.0.0\n",
	});
	await registry.releasePrompt("billing/refund", "1.0.0", { message: "First" });
	expect((await registry.snapshot()).releases.get("billing/refund@1.0.0")).toMatchObject({
		file: "prompts/billing/refund.prompt",
		model: "gpt-4o-mini",
		config: {},
	});
});

describe("what is refused", () => {
	test("a version that exists", async () => {
		const { registry } = await starter();
		const release = registry.releasePrompt("support-reply", "1.0.0", { message: "Again" });
		await expect(release).rejects.toMatchObject({ code: "VERSION_EXISTS" });
	});

	test("an edited, a staged and an untracked file", async () => {
		const { directory, registry } = await starter();
		await writeFiles(directory, { "prompts/support-reply.prompt": "edited", "prompts/new.prompt": "new" });
		const release = (name: string) => registry.releasePrompt(name, "3.0.0", { message: "x" });
		await expect(release("support-reply")).rejects.toMatchObject({ code: "UNCOMMITTED_FILE" });
		await expect(release("new")).rejects.toMatchObject({ code: "UNCOMMITTED_FILE" });
		git(directory, "add", "prompts/support-reply.prompt");
		await expect(release("support-reply")).rejects.toMatchObject({ code: "UNCOMMITTED_FILE" });
		await expect(release("none")).rejects.toMatchObject({ code: "NOT_FOUND" });
	});

	test("a file that is no prompt", async () => {
		const { directory, registry } = await starter();
		await commitAll(directory, { "prompts/broken.prompt": "---\nmodle: x\n---\nHello" });
		const release = registry.releasePrompt("broken", "1.0.0", { message: "x" });
		await expect(release).rejects.toMatchObject({ code: "INVALID_REPOSITORY" });
		expect(git(directory, "tag", "--list", "prompts/broken*")).toBe("");
	});

	test.each([
		["-d", "1.0.0"],
		["--delete", "1.0.0"],
		["../x", "1.0.0"],
		["a.b", "1.0.0"],
		["support-reply", "v1"],
		["support-reply", "1.0"],
		["support-reply", "1.0.0-x.lock"],
		["support-reply", "1.0.0 --force"],
		["support-reply\n", "1.0.0"],
	])("the name %j with version %j", async (name, version) => {
		const { registry } = await starter();
		const release = registry.releasePrompt(name, version, { message: "x" });
		await expect(release).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	});
});
