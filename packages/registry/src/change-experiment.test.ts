import { spawn } from "node:child_process";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { commitAll, git, temporaryFolder, writeFiles } from "../test/temporary-repository.ts";
import { initRepository } from "./init-repository.ts";
import { openRegistry } from "./open-registry.ts";
import type { Registry } from "./registry.ts";

afterEach(() => {
	vi.unstubAllEnvs();
});

const FILE = "experiments/support-tone.yaml";

beforeEach(() => {
	vi.stubEnv("GIT_CONFIG_GLOBAL", "/dev/null");
});

async function starter(): Promise<{ directory: string; registry: Registry }> {
	const directory = join(temporaryFolder(onTestFinished), "repository");
	await initRepository(directory);
	return { directory, registry: await openRegistry(directory) };
}

const halt = (registry: Registry) =>
	registry.changeExperiment("support-tone", (document) => document.set("status", "halted"), {
		message: "Halt support-tone\n\nError rate of friendly is too high.",
		trailers: { "Armspan-Decision": "0198-abc" },
	});

test("one line changes, comments and layout stay, the commit says who and why", async () => {
	const { directory, registry } = await starter();
	const change = await halt(registry);
	expect(change).toEqual({
		commit: git(directory, "rev-parse", "HEAD").trim(),
		changed: true,
		ref: "refs/heads/main",
		workTree: "updated",
	});
	expect(git(directory, "show", "--format=", "--numstat", "HEAD").trim()).toBe(`1\t1\t${FILE}`);
	expect(git(directory, "log", "-1", "--format=%an <%ae>%n%B").trim()).toBe(
		"Armspan <armspan@localhost>\nHalt support-tone\n\nError rate of friendly is too high.\n\nArmspan-Decision: 0198-abc",
	);
	expect(git(directory, "status", "--porcelain")).toBe("");
	expect(await readFile(join(directory, FILE), "utf8")).toContain("\nstatus: halted\n");
	git(directory, "fsck", "--strict");
});

test("what is there already is not committed again", async () => {
	const { registry } = await starter();
	const { commit } = await halt(registry);
	expect(await halt(registry)).toEqual({ commit, changed: false, ref: "refs/heads/main", workTree: "updated" });
});

test.each([
	["four spaces", "variants:\n    - key: control\n      version: 1.0.0\n    - key: friendly\n      version: 2.0.0\n"],
	["lists not indented", "variants:\n- key: control\n  version: 1.0.0\n- key: friendly\n  version: 2.0.0\n"],
	["padding", "variants: [ { key: control, version: 1.0.0 }, { key: friendly, version: 2.0.0 } ]\n"],
	["odd spaces", "variants: [{ key:   control,version: 1.0.0}, {key: friendly, version: 2.0.0 }]   # as it is\n"],
])("the author's layout stays: %s", async (_name, variants) => {
	const { directory, registry } = await starter();
	const text = `key: layout\nhypothesis: "h"\nowner: 'o'\n\n\nprompt: support-reply\n\n\nstatus: running # now\n\n\n${variants}
primaryMetric: {metric: feedback,   minimumDetectableEffect: 0.1}\n`;
	await commitAll(directory, { "experiments/layout.yaml": text });
	await registry.changeExperiment("layout", (document) => document.set("status", "halted"), { message: "Halt" });
	expect(await readFile(join(directory, "experiments/layout.yaml"), "utf8")).toBe(text.replace("running", "halted"));
});

describe("the work tree", () => {
	test("a file that was edited is left alone, and the next commit of other files does not undo the change", async () => {
		const { directory, registry } = await starter();
		const edited = `${await readFile(join(directory, FILE), "utf8")}# my note\n`;
		await writeFiles(directory, { [FILE]: edited, "README.md": "mine" });
		expect((await halt(registry)).workTree).toBe("left-alone");
		expect(await readFile(join(directory, FILE), "utf8")).toBe(edited);
		git(directory, "add", "README.md");
		git(directory, "commit", "--quiet", "-m", "Readme");
		expect(git(directory, "show", `HEAD:${FILE}`)).toContain("status: halted");
	});

	test("a staged edit is left alone", async () => {
		const { directory, registry } = await starter();
		const edited = `${await readFile(join(directory, FILE), "utf8")}# my note\n`;
		await writeFiles(directory, { [FILE]: edited });
		git(directory, "add", FILE);
		expect((await halt(registry)).workTree).toBe("left-alone");
		expect(git(directory, "show", `:${FILE}`)).toBe(edited);
	});

	test("somebody's staged work on other files stays staged and is not committed", async () => {
		const { directory, registry } = await starter();
		await writeFiles(directory, { "prompts/new.prompt": "draft" });
		git(directory, "add", "prompts/new.prompt");
		expect((await halt(registry)).workTree).toBe("updated");
		expect(git(directory, "status", "--porcelain")).toBe("A  prompts/new.prompt\n");
		expect(git(directory, "show", "--format=", "--name-only", "HEAD").trim()).toBe(FILE);
	});

	test("a deleted file is not brought back", async () => {
		const { directory, registry } = await starter();
		const { rm } = await import("node:fs/promises");
		await rm(join(directory, FILE));
		expect((await halt(registry)).workTree).toBe("left-alone");
		await expect(stat(join(directory, FILE))).rejects.toThrow("ENOENT");
	});

	test("the file's mode stays", async () => {
		const { directory, registry } = await starter();
		await chmod(join(directory, FILE), 0o640);
		await halt(registry);
		expect((await stat(join(directory, FILE))).mode & 0o777).toBe(0o640);
	});

	test("a held index.lock does not keep the commit from being made", async () => {
		const { directory, registry } = await starter();
		await writeFile(join(directory, ".git", "index.lock"), "");
		expect(await halt(registry)).toMatchObject({ changed: true, workTree: "left-alone" });
		expect(git(directory, "show", `HEAD:${FILE}`)).toContain("status: halted");
	});

	test("a bare repository has none", async () => {
		const { directory } = await starter();
		const bare = join(temporaryFolder(onTestFinished), "bare.git");
		git(directory, "clone", "--quiet", "--bare", directory, bare);
		const registry = await openRegistry(bare);
		expect(registry.bare).toBe(true);
		expect(await halt(registry)).toMatchObject({ changed: true, ref: "refs/heads/main", workTree: "bare" });
		expect((await registry.snapshot()).experiments[0]?.experiment.status).toBe("halted");
		expect(await registry.uncommittedFiles()).toEqual([]);
	});

	test("a detached HEAD moves, no branch does, and the answer says so", async () => {
		const { directory, registry } = await starter();
		git(directory, "checkout", "--quiet", "--detach");
		const main = git(directory, "rev-parse", "main");
		expect(await halt(registry)).toMatchObject({ changed: true, ref: "HEAD", workTree: "updated" });
		expect(git(directory, "rev-parse", "main")).toBe(main);
		expect(git(directory, "status", "--porcelain")).toBe("");
	});

	test("a linked work tree moves its own branch", async () => {
		const { directory } = await starter();
		const linked = join(temporaryFolder(onTestFinished), "linked");
		git(directory, "worktree", "add", "--quiet", "-b", "proposal", linked);
		const registry = await openRegistry(linked);
		expect(await halt(registry)).toMatchObject({ ref: "refs/heads/proposal", workTree: "updated" });
		expect(git(linked, "status", "--porcelain")).toBe("");
		expect(git(directory, "status", "--porcelain")).toBe("");
	});
});

describe("what is refused", () => {
	test.each(["../../etc/passwd", "-rf", "--exec=x", "a/b", "", "UPPER", "a\nb", "support-tone.yaml"])(
		"the key %j",
		async (key) => {
			const { registry } = await starter();
			const change = registry.changeExperiment(key, () => {}, { message: "x" });
			await expect(change).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
		},
	);

	test("an experiment that is not committed", async () => {
		const { registry } = await starter();
		const change = registry.changeExperiment("other", () => {}, { message: "x" });
		await expect(change).rejects.toMatchObject({ code: "NOT_FOUND" });
	});

	test("an edit that would break the file", async () => {
		const { directory, registry } = await starter();
		const head = git(directory, "rev-parse", "HEAD");
		const change = registry.changeExperiment("support-tone", (document) => document.set("status", "paused"), {
			message: "x",
		});
		await expect(change).rejects.toMatchObject({ code: "INVALID_EDIT", message: expect.stringContaining("status: ") });
		expect(git(directory, "rev-parse", "HEAD")).toBe(head);
	});

	test.each([
		[{ message: "  " }],
		[{ message: "x\0y" }],
		[{ message: "x", trailers: { "Bad key": "v" } }],
		[{ message: "x", trailers: { Key: "v\nForged: yes" } }],
		[{ message: "x", author: { name: "a\nb", email: "a@b" } }],
		[{ message: "x", author: { name: "<>", email: "a@b" } }],
	])("the description %j", async (description) => {
		const { registry } = await starter();
		const change = registry.changeExperiment("support-tone", (d) => d.set("status", "halted"), description);
		await expect(change).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	});
});

describe("several at once", () => {
	test("a commit that comes in between is kept, and the edit is made again on top of it", async () => {
		const { directory, registry } = await starter();
		let interfered = false;
		await registry.changeExperiment(
			"support-tone",
			(document) => {
				if (!interfered) {
					interfered = true;
					git(directory, "commit", "--quiet", "--allow-empty", "-m", "In between");
				}
				document.set("status", "halted");
			},
			{ message: "Halt" },
		);
		expect(git(directory, "log", "-2", "--format=%s")).toBe("Halt\nIn between\n");
	});

	test("the lock of a process that died does not block", async () => {
		const { directory, registry } = await starter();
		const { hostname } = await import("node:os");
		const dead = spawn("true");
		await new Promise((resolve) => dead.on("close", resolve));
		await writeFile(join(directory, ".git", "armspan.lock"), `${hostname()} ${dead.pid} nonce`);
		expect((await halt(registry)).workTree).toBe("updated");
		await expect(stat(join(directory, ".git", "armspan.lock"))).rejects.toThrow("ENOENT");
	});

	test("a process that is killed at any moment leaves a sound repository", { timeout: 120_000 }, async () => {
		const { directory, registry } = await starter();
		const program = fileURLToPath(new URL("../test/commit-many.ts", import.meta.url));
		for (let kill = 0; kill < 5; kill++) {
			const before = git(directory, "rev-parse", "HEAD");
			const child = spawn(process.execPath, ["--conditions=armspan-source", program, directory, "1000"], {
				stdio: "ignore",
			});
			const closed = new Promise((resolve) => child.on("close", resolve));
			// Only a process that has begun to commit is worth killing.
			while (git(directory, "rev-parse", "HEAD") === before) await sleep(10);
			await sleep(17 * kill);
			child.kill("SIGKILL");
			await closed;
		}
		expect(await halt(registry)).toMatchObject({ changed: true });
		const commits = Number(git(directory, "rev-list", "--count", "HEAD"));
		// Two of the starter, one of the halt; each of the others raised the number by one.
		expect(git(directory, "show", `HEAD:${FILE}`)).toContain(`plannedUnits: ${3000 + commits - 3}\n`);
		git(directory, "fsck", "--strict");
	});

	test("four processes, 25 commits each: every one survives, and the work tree is clean", {
		timeout: 300_000,
	}, async () => {
		const { directory } = await starter();
		const program = fileURLToPath(new URL("../test/commit-many.ts", import.meta.url));
		const run = () =>
			new Promise<string>((resolve, reject) => {
				const child = spawn(process.execPath, ["--conditions=armspan-source", program, directory, "25"], {
					stdio: ["ignore", "ignore", "pipe"],
				});
				let stderr = "";
				child.stderr.on("data", (chunk) => {
					stderr += chunk;
				});
				child.on("error", reject);
				child.on("close", (code, signal) => resolve(`${code} ${signal} ${stderr}`));
			});
		const outcomes = await Promise.all([run(), run(), run(), run()]);
		expect(outcomes).toEqual(Array(4).fill("0 null "));
		expect(git(directory, "show", `HEAD:${FILE}`)).toContain("plannedUnits: 3100\n");
		expect(git(directory, "rev-list", "--count", "HEAD").trim()).toBe("102");
		expect(git(directory, "status", "--porcelain")).toBe("");
		git(directory, "fsck", "--strict");
	});
});
