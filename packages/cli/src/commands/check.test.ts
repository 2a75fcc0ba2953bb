import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository, openRegistry } from "@armspan/registry";
import { compileBundle, writeBundle } from "@armspan/router";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { runArmspan } from "../test-support/run-armspan.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-check-"));
const repository = join(folder, "repository");
const TONE = "experiments/support-tone.yaml";
const BRIEF = "experiments/brief.yaml";
const ENVIRONMENT = "environments/production.yaml";

const git = (...args: string[]) =>
	execFileSync("git", ["-C", repository, "-c", "user.name=T", "-c", "user.email=t@localhost", ...args], {
		encoding: "utf8",
	});
const read = (file: string) => readFileSync(join(repository, file), "utf8");

/** Commits a file with texts replaced, under a tag. */
function commit(tag: string, file: string, ...changes: [from: string, to: string][]): void {
	let text = read(file);
	for (const [from, to] of changes) {
		expect(text).toContain(from);
		text = text.replace(from, to);
	}
	writeFileSync(join(repository, file), text);
	git("commit", "--quiet", "--all", "--message", tag);
	git("tag", tag);
}

/** A commit right after another one, on a way of its own. */
function change(after: string, ...arguments_: Parameters<typeof commit>): void {
	git("checkout", "--quiet", "--detach", after);
	commit(...arguments_);
}

const SLOTS = "support-tone: 0.4\n      brief: 0.4";

beforeAll(async () => {
	await initRepository(repository);
	const brief = read(TONE)
		.replace("key: support-tone", "key: brief")
		.replace("prompt: support-reply", "prompt: support-reply\nlayer: chat");
	writeFileSync(join(repository, BRIEF), brief);
	git("add", BRIEF);
	const environment = `prompts:\n  support-reply: 1.0.0\nlayers:\n  chat:\n    slots:\n      ${SLOTS}\n`;
	writeFileSync(join(repository, ENVIRONMENT), environment);
	commit(
		"two",
		TONE,
		["prompt: support-reply", "prompt: support-reply\nlayer: chat"],
		["iteration: 1", "iteration: 2"],
	);
	change("two", "gate", TONE, ["enrolled: 1", "enrolled: 0.5"]);
	change("two", "weight", TONE, ["weight: 1", "weight: 3"]);
	commit("weight-and-more", TONE, ["owner: support-team", "owner: another"]);
	commit("weight-undone", TONE, ["weight: 3", "weight: 1"]);
	change("two", "swapped", ENVIRONMENT, [SLOTS, "brief: 0.4\n      support-tone: 0.4"]);
	change("two", "grown", ENVIRONMENT, ["brief: 0.4", "brief: 0.6"]);
	commit("shrunk", ENVIRONMENT, ["brief: 0.6", "brief: 0.4"]);
	change("two", "no-layer", TONE, ["status: running", "status: stopped"]);
	commit("no-layer-left", BRIEF, ["layer: chat\n", ""]);
	change("two", "margin", TONE, ["nonInferiorityMargin: 0.25", "nonInferiorityMargin: 0.5"]);
	commit("margin-raised", TONE, ["iteration: 2", "iteration: 3"]);
	change("two", "ghost", ENVIRONMENT, ["brief: 0.4", "brief: 0.4\n      ghost: 0.1"]);
	git("checkout", "--quiet", "two");
});
afterAll(() => rmSync(folder, { recursive: true }));

const check = (...args: string[]) => runArmspan(["check", repository, ...args]);

test.each(["two", "gate", "weight-undone", "grown", "shrunk", "no-layer", "margin-raised"])(
	"%s would be deployed",
	async (ref) => {
		const { code, stdout, stderr } = await check("--ref", ref);
		expect([code, stderr]).toEqual([0, ""]);
		expect(stdout).toMatch(/^environments\/production\.yaml: 1 prompts, running: brief/);
	},
);

test.each([
	["weight", TONE, "variants:", 'variants: {"control":3,"friendly":1}; iteration 2 runs with the weights'],
	["weight-and-more", TONE, "variants:", "variants: "],
	["swapped", ENVIRONMENT, "      support-tone: 0.4", "units of support-tone, which runs, would move to brief"],
	["no-layer-left", BRIEF, undefined, "iteration 1 runs with layer chat"],
	[
		"margin",
		TONE,
		"    nonInferiorityMargin: 0.5",
		"guardrails[0].nonInferiorityMargin: 0.5; iteration 2 of support-tone was begun with 0.25; set iteration: 3,",
	],
])("%s would be refused, with file and line", async (ref, file, lineText, message) => {
	const { code, stdout, stderr } = await check("--ref", ref);
	expect([code, stdout]).toEqual([1, ""]);
	expect(stderr).toMatch(/^environments\/production\.yaml: compared with [0-9a-f]{8}, which is in force\n/);
	const lines = git("show", `${ref}:${file}`).split("\n");
	expect(stderr).toContain(lineText === undefined ? `${file}:` : `${file}:${lines.indexOf(lineText) + 1}: `);
	expect(stderr).toContain(message);
	expect(stderr).toMatch(/ITERATION_CHANGED|SLOT_MOVED/);
});

test("what is in force can be named: a commit, or a data folder with its halts", async () => {
	expect((await check("--ref", "weight", "--against", "weight")).code).toBe(0);
	expect((await check("--ref", "two", "--against", "weight")).stderr).toContain("ITERATION_CHANGED");
	const snapshot = await (await openRegistry(repository)).snapshot("two");
	const { environment } = snapshot.environments[0]!;
	const data = join(folder, "data");
	const bundle = (revision: number, halted: ReadonlySet<string>) =>
		compileBundle({
			...{ environmentName: "production", environment, experiments: snapshot.experiments, prompts: snapshot.releases },
			...{ revision, sourceCommit: snapshot.commit, halted },
		});
	await writeBundle(join(data, "routing"), bundle(4, new Set()));
	const refused = await check("--ref", "weight", "--data", data);
	expect(refused.stderr).toContain(`compared with ${data} (revision 4), which is in force`);
	expect((await check("--ref", "margin", "--data", data)).stderr).toContain("guardrails");
	await writeBundle(join(data, "routing"), bundle(5, new Set(["support-tone#2", "brief#1"])));
	expect((await check("--ref", "swapped", "--data", data)).code).toBe(0);
	expect((await check("--data", data, "--against", "two")).code).toBe(2);
	// Six programs one after the other.
}, 60_000);

test("a service says what it has deployed", async () => {
	const routing = { sourceCommit: git("rev-parse", "two").trim() };
	const server = createServer((_request, response) => response.end(JSON.stringify({ routing })));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => void server.close());
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	expect((await check("--ref", "weight-and-more", "--url", url)).stderr).toContain("ITERATION_CHANGED");
	expect((await check("--ref", "grown", "--url", url)).code).toBe(0);
	expect((await check("--url", "http://127.0.0.1:1")).stderr).toContain("SERVICE_UNREACHABLE");
});

test("a slot of nobody, and a clone without history, are warned of", async () => {
	const ghost = await check("--ref", "ghost");
	expect([ghost.code, ghost.stderr]).toEqual([
		0,
		"warning: environments/production.yaml:8: layers.chat.slots.ghost: there is no experiments/ghost.yaml; nobody gets this share\n",
	]);
	const shallow = join(folder, "shallow");
	execFileSync("git", ["clone", "--quiet", "--depth", "1", "--branch", "weight", `file://${repository}`, shallow], {
		stdio: "ignore",
	});
	execFileSync("git", [
		"-C",
		shallow,
		"fetch",
		"--quiet",
		"--depth",
		"1",
		"origin",
		"refs/tags/prompts/*:refs/tags/prompts/*",
	]);
	const { code, stderr } = await runArmspan(["check", shallow]);
	expect([code, stderr]).toEqual([0, expect.stringContaining("fetch-depth: 0")]);
});

test("queries of metrics are asked as an analysis would; what is refused is said with file and line", async () => {
	const metric = (key: string, query: string) =>
		`key: ${key}\nsource: sql\nquery: ${JSON.stringify(query)}\nkind: mean\nper: unit\nvalue: numerator\ndirection: increase\n`;
	const queries = {
		file: "SELECT unit_id, exposed_at AS time, file('/etc/passwd') AS numerator FROM exposures",
		settings: "SELECT unit_id, exposed_at AS time, 1 AS numerator FROM exposures SETTINGS max_threads = 64",
		columns: "SELECT 1",
		sound: "SELECT unit_id, exposed_at AS time, 1 AS numerator FROM exposures FINAL",
		view: "SELECT unit_id, time, 1 AS numerator FROM my_orders",
		narrow:
			"SELECT unit_id, exposed_at AS time, 1 AS numerator FROM exposures FINAL WHERE experiment = {experiment:String}",
	};
	git("checkout", "--quiet", "--detach", "two");
	mkdirSync(join(repository, "metrics"), { recursive: true });
	for (const [key, query] of Object.entries(queries)) {
		writeFileSync(join(repository, `metrics/${key}.yaml`), metric(key, query));
	}
	git("add", "metrics");
	git("commit", "--quiet", "--message", "metrics");
	git("tag", "queries");
	for (const key of ["file", "settings", "columns"]) rmSync(join(repository, `metrics/${key}.yaml`));
	git("commit", "--quiet", "--all", "--message", "sound metrics");
	git("tag", "sound-queries");
	git("checkout", "--quiet", "two");

	const refused = await check("--ref", "queries");
	expect(refused.code).toBe(1);
	expect(refused.stderr).toContain("INVALID_REPOSITORY: 3 queries of metrics would give no value");
	expect(refused.stderr).toMatch(/^metrics\/file\.yaml:3: query: .*the function file is not allowed$/m);
	expect(refused.stderr).toMatch(/^metrics\/settings\.yaml:3: query: .*SETTINGS are fixed/m);
	expect(refused.stderr).toMatch(/^metrics\/columns\.yaml:3: query: .*unit_id/m);
	const sound = await check("--ref", "sound-queries");
	expect(sound.code).toBe(0);
	expect(sound.stderr).toMatch(
		/^warning: metrics\/sound\.yaml:3: query: reads exposures of every experiment; .*\{experiment:String\}.*\nwarning: metrics\/view\.yaml:3: query: .*no table my_orders .*cannot be checked here\n$/,
	);
}, 60_000);
