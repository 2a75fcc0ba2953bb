import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePrompt, renderPrompt } from "@armspan/prompt";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { commitAll, git, temporaryFolder, writeFiles } from "../test/temporary-repository.ts";
import { initRepository } from "./init-repository.ts";
import { openRegistry } from "./open-registry.ts";

afterEach(() => {
	vi.unstubAllEnvs();
});

beforeEach(() => {
	vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
});

test("a new folder becomes a repository that is ready to run, without anybody's identity", async () => {
	const directory = join(temporaryFolder(onTestFinished), "new", "repository");
	const { files } = await initRepository(directory);
	expect(git(directory, "ls-files").trim().split("\n")).toEqual(files);
	expect(git(directory, "status", "--porcelain")).toBe("");
	expect(git(directory, "log", "-1", "--format=%an <%ae>").trim()).toBe("Armspan <armspan@localhost>");
	const snapshot = await (await openRegistry(directory)).snapshot();
	expect(snapshot.environments).toMatchObject([
		{ name: "production", environment: { prompts: { "support-reply": "1.0.0" } } },
	]);
	expect(snapshot.experiments[0]?.experiment).toMatchObject({
		status: "running",
		unit: "user",
		variants: [
			{ key: "control", version: "1.0.0" },
			{ key: "friendly", version: "2.0.0" },
		],
		guardrails: [{ metric: "error-rate", nonInferiorityMargin: 0.25, onBreach: "halt" }],
	});
	for (const { bytes } of snapshot.releases.values()) {
		const variables = { question: "Where is my parcel?", customerName: "Ada" };
		expect(renderPrompt(parsePrompt(bytes), variables).messages.map(({ role }) => role)).toEqual(["system", "user"]);
		expect(() => renderPrompt(parsePrompt(bytes), { question: "x" })).toThrow("customerName");
	}
});

test("an existing repository keeps its files and its history", async () => {
	const directory = temporaryFolder(onTestFinished);
	git(directory, "init", "--quiet", "--initial-branch=trunk");
	await commitAll(directory, { "README.md": "mine", "app.ts": "code" });
	await writeFiles(directory, { "app.ts": "changed", "new.ts": "untracked" });
	git(directory, "add", "app.ts");
	await initRepository(directory);
	expect(await readFile(join(directory, "README.md"), "utf8")).toBe("mine");
	expect(git(directory, "status", "--porcelain")).toBe("M  app.ts\n?? new.ts\n");
	expect(git(directory, "log", "--format=%s", "trunk").trim().split("\n")).toHaveLength(3);
	expect(git(directory, "show", "trunk:app.ts")).toBe("code");
});

test("a folder that holds something else is refused and left as it was", async () => {
	const directory = temporaryFolder(onTestFinished);
	await writeFiles(directory, { "notes.txt": "mine" });
	await expect(initRepository(directory)).rejects.toMatchObject({
		code: "DIRECTORY_NOT_EMPTY",
		message: expect.stringContaining("notes.txt"),
	});
	const { readdir } = await import("node:fs/promises");
	expect(await readdir(directory)).toEqual(["notes.txt"]);
});

test("a second time is refused", async () => {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	await expect(initRepository(directory)).rejects.toMatchObject({ code: "DIRECTORY_NOT_EMPTY" });
});
