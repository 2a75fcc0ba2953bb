import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { git, temporaryFolder } from "../test/temporary-repository.ts";
import { initRepository } from "./init-repository.ts";
import { openRegistry } from "./open-registry.ts";

afterEach(() => {
	vi.unstubAllEnvs();
});

test("a folder that is no repository, with the command that makes one", async () => {
	const directory = temporaryFolder(onTestFinished);
	await expect(openRegistry(directory)).rejects.toMatchObject({
		code: "NO_REPOSITORY",
		message: `${directory} is not the top of a git repository; next: armspan init ${directory}`,
	});
	await expect(openRegistry(join(directory, "missing"))).rejects.toMatchObject({ code: "NO_REPOSITORY" });
});

test("a folder inside somebody's checkout is not taken for that checkout", async () => {
	const directory = temporaryFolder(onTestFinished);
	git(directory, "init", "--quiet");
	await mkdir(join(directory, "data"));
	await expect(openRegistry(join(directory, "data"))).rejects.toMatchObject({ code: "NO_REPOSITORY" });
});

test("GIT_DIR of the environment, as inside a hook, does not lead elsewhere", async () => {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	vi.stubEnv("GIT_DIR", "/nowhere");
	expect((await (await openRegistry(directory)).snapshot()).environments).toHaveLength(1);
});

test("git is not installed", async () => {
	const directory = temporaryFolder(onTestFinished);
	vi.stubEnv("PATH", directory);
	await expect(openRegistry(directory)).rejects.toMatchObject({
		code: "GIT_MISSING",
		message: expect.stringContaining("apt-get install git"),
	});
});

test("a repository without commits", async () => {
	const directory = temporaryFolder(onTestFinished);
	git(directory, "init", "--quiet");
	const registry = await openRegistry(directory);
	await expect(registry.snapshot()).rejects.toMatchObject({ code: "NO_COMMIT" });
	expect(await registry.uncommittedFiles()).toEqual([]);
	await expect(registry.changeExperiment("a", () => {}, { message: "x" })).rejects.toMatchObject({ code: "NO_COMMIT" });
});

test("hooks and a file system monitor of the repository are not run", async () => {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	const program = join(directory, ".git", "evil");
	const trace = join(directory, ".git", "trace");
	await writeFile(program, `#!/bin/sh\necho ran >> '${trace}'\n`);
	await chmod(program, 0o755);
	await mkdir(join(directory, ".git", "hooks"), { recursive: true });
	for (const hook of ["reference-transaction", "post-index-change", "pre-commit"]) {
		await writeFile(join(directory, ".git", "hooks", hook), `#!/bin/sh\necho ran >> '${trace}'\n`);
		await chmod(join(directory, ".git", "hooks", hook), 0o755);
	}
	git(directory, "config", "core.fsmonitor", program);
	const registry = await openRegistry(directory);
	await registry.uncommittedFiles();
	await registry.changeExperiment("support-tone", (document) => document.set("status", "halted"), { message: "Halt" });
	const { existsSync } = await import("node:fs");
	expect(existsSync(trace)).toBe(false);
});

test("the fingerprint differs after a commit and after a tag, and only then", async () => {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	const registry = await openRegistry(directory);
	const seen = [await registry.fingerprint()];
	await writeFile(join(directory, "README.md"), "edited");
	expect(await registry.fingerprint()).toBe(seen[0]);
	git(directory, "commit", "--quiet", "--all", "-m", "Readme");
	seen.push(await registry.fingerprint());
	await registry.releasePrompt("support-reply", "3.0.0", { message: "Third" });
	seen.push(await registry.fingerprint());
	expect(new Set(seen).size).toBe(3);
});

test("the history of a branch: first parents that touch what is deployed, newest first, and the commit itself", async () => {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	const registry = await openRegistry(directory);
	const head = () => git(directory, "rev-parse", "HEAD").toString().trim();
	const [first, root] = (await registry.history("HEAD", 10)).commits;
	expect(first).toBe(head());
	const { commit } = await registry.changeExperiment("support-tone", (document) => document.set("status", "halted"), {
		message: "Halt",
	});
	await writeFile(join(directory, "README.md"), "of no account");
	git(directory, "add", "README.md");
	git(directory, "commit", "--quiet", "-m", "Readme");
	await writeFile(join(directory, "README.md"), "nor this");
	git(directory, "commit", "--quiet", "--all", "-m", "Readme");
	expect((await registry.history("HEAD", 10)).commits).toEqual([head(), commit, first, root]);
	expect((await registry.history(commit, 10)).commits).toEqual([commit, first, root]);
	expect((await registry.history("HEAD", 2)).commits).toEqual([head(), commit]);
	const shallow = join(temporaryFolder(onTestFinished), "shallow");
	git(directory, "clone", "--quiet", "--depth", "1", `file://${directory}`, shallow);
	expect(await (await openRegistry(shallow)).history("HEAD", 9)).toEqual({ commits: [head()], isShallow: true });
	await expect(registry.history("--all", 2)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
