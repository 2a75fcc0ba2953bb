import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { initRepository } from "@armspan/registry";
import { AudienceCondition, Environment, Experiment } from "@armspan/schema";
import { afterAll, beforeAll, expect, test } from "vitest";

const page = readFileSync(new URL("../docs/experiments.md", import.meta.url), "utf8");
const files = [...page.matchAll(/^```yaml\n# (\S+)\n(.*?)^```$/gms)].map(([, file = "", text = ""]) => ({
	file,
	text,
}));
const commands = [...page.matchAll(/^\*\*(.+?)\*\*.*?^```sh\n(.*?)^```$/gms)].map(([, title = "", script = ""]) => ({
	title,
	script,
}));

const folder = mkdtempSync(join(tmpdir(), "armspan-experiments-page-"));
const repository = join(folder, "repository");
const bin = join(folder, "bin");
const MAIN = new URL("../packages/cli/src/main.ts", import.meta.url).href;

/** Runs commands in a repository. */
function sh(script: string, cwd = repository) {
	const identity = { GIT_AUTHOR_NAME: "T", GIT_AUTHOR_EMAIL: "t@localhost" };
	const committer = { GIT_COMMITTER_NAME: "T", GIT_COMMITTER_EMAIL: "t@localhost" };
	const env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, ...identity, ...committer };
	return spawnSync("sh", ["-euc", script], { cwd, env, encoding: "utf8" });
}

function succeed(script: string, cwd = repository): string {
	const { status, stdout, stderr } = sh(script, cwd);
	expect(`${script}: ${status}${status === 0 ? "" : stderr}`).toBe(`${script}: 0`);
	return stdout;
}

/** Each test has a repository of its own. */
function copy(name: string): string {
	const directory = join(folder, name);
	cpSync(repository, directory, { recursive: true });
	return directory;
}

beforeAll(async () => {
	await initRepository(repository);
	mkdirSync(bin);
	const program = `import { main } from ${JSON.stringify(MAIN)}; process.exitCode = await main(["node", "armspan", ...process.argv.slice(1)]);`;
	writeFileSync(join(folder, "program.txt"), program);
	writeFileSync(
		join(bin, "armspan"),
		`#!/bin/sh\nexec '${process.execPath}' --conditions=armspan-source --input-type=module --eval "$(cat '${folder}/program.txt')" -- "$@"\n`,
	);
	chmodSync(join(bin, "armspan"), 0o755);
	succeed(`git rm -q -r experiments
mkdir -p prompts/billing
git show prompts/support-reply@1.0.0:prompts/support-reply.prompt > prompts/billing/refund-reply.prompt
git add . && git commit -q -m "Refund reply" && git tag -a prompts/billing/refund-reply@1.0.0 -m first`);
	for (const { file, text } of files) {
		mkdirSync(dirname(join(repository, file)), { recursive: true });
		writeFileSync(join(repository, file), text);
	}
	succeed("git add . && git commit -q -m Experiments");
	succeed("git show prompts/support-reply@2.0.0:prompts/support-reply.prompt > prompts/billing/refund-reply.prompt");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("every block is a file of the repository or a command", () => {
	expect(files.length).toBe(page.match(/^```yaml$/gm)?.length);
	expect(commands.length).toBe(page.match(/^```sh$/gm)?.length);
	expect([files.length, commands.length]).toEqual([4, 8]);
});

test("every field and every operator of an audience is on the page", () => {
	const yaml = files.map(({ text }) => text).join("\n");
	const fields = [Experiment, Environment, AudienceCondition].flatMap(({ shape }) => Object.keys(shape));
	expect(fields.filter((field) => !new RegExp(`(^|[ {,])${field}:`, "m").test(yaml))).toEqual([]);
});

test("the files are sound before anything runs", () => {
	expect(succeed("armspan check 2>/dev/null")).toBe(
		"environments/production.yaml: 2 prompts, running: support-shadow\n",
	);
});

test("every command does what the page says, in its order", () => {
	const directory = copy("commands");
	const running = commands.map(({ title, script }) => {
		const said = [...succeed(script, directory).matchAll(/running: (.*)/g)].at(-1)?.[1];
		return `${title}: ${said ?? "not checked"}`;
	});
	const both = "refund-tone, support-shadow";
	expect(running).toEqual([
		"Release a version: not checked",
		`Start: ${both}`,
		`Ramp: ${both}`,
		`Give it more room: ${both}`,
		"Halt: support-shadow",
		`Again: ${both}`,
		"Stop: support-shadow",
		"Roll back: support-shadow",
	]);
	// Ten programs one after the other.
}, 120_000);

test("a holdout of users forbids experiments on accounts", () => {
	const directory = copy("users");
	succeed("sed -i '/^holdout:/,/^$/{/unit/d}' environments/production.yaml", directory);
	succeed("git commit -q -am 'Holdout of users'", directory);
	const { status, stderr } = sh("armspan check", directory);
	expect(status).toBe(1);
	expect(stderr).toContain("UNIT_TYPE_MIXED: experiments/support-shadow.yaml:");
});
