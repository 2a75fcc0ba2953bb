import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ARMSPAN, Program } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-refusals-"));
const repository = join(folder, "repository");
const FREE = ["--otlp-port", "0", "--api-port", "0"];

beforeAll(async () => {
	expect((await new Program([ARMSPAN, "init", repository]).ended).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `armspan up` where it must refuse: exit code, and what it says in how many lines. */
async function refused(args: readonly string[], env?: Record<string, string>) {
	const { code, stdout, stderr } = await new Program([ARMSPAN, "up", ...args], env).ended;
	expect(stdout).toBe("");
	expect(stderr).not.toMatch(/^\s+at /m);
	return { code, stderr };
}

test("two instances on one data folder, or one port: the second says so, and the first goes on", async () => {
	const data = join(folder, "shared-data");
	const first = new Program([ARMSPAN, "up", "--repository", repository, "--data", data, ...FREE]);
	try {
		const apiUrl = new URL(await first.printed(/API\s+(\S+)/));
		const locked = await refused(["--repository", repository, "--data", data, ...FREE]);
		expect(locked.code).toBe(1);
		expect(locked.stderr).toContain(
			`STORE_LOCKED: data folder ${join(data, "clickhouse")} is in use by process ${first.process.pid}`,
		);

		const elsewhere = join(folder, "other-data");
		const taken = await refused([
			"--repository",
			repository,
			"--data",
			elsewhere,
			"--otlp-port",
			"0",
			"--api-port",
			apiUrl.port,
		]);
		expect(taken.code).toBe(1);
		expect(taken.stderr).toContain(`PORT_IN_USE: port ${apiUrl.port} on 127.0.0.1 is in use`);
		expect(taken.stderr).toContain("--api-port");
		// Nothing half-started: no bundle was deployed for a service that does not run.
		expect(existsSync(join(elsewhere, "routing"))).toBe(false);

		expect((await fetch(new URL("/healthz", apiUrl))).status).toBe(200);
	} finally {
		const ended = await first.stop("SIGINT");
		expect(ended.code).toBe(0);
	}
});

test("a broken experiment file: file, line and what is wrong, before anything is opened", async () => {
	const broken = join(folder, "broken");
	expect((await new Program([ARMSPAN, "init", broken]).ended).code).toBe(0);
	const file = join(broken, "experiments/support-tone.yaml");
	const text = readFileSync(file, "utf8");
	const line = text.split("\n").findIndex((found) => found.startsWith("status:")) + 1;
	writeFileSync(file, text.replace(/^status: .*$/m, "status: runing"));
	execFileSync("git", ["-C", broken, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "typo"]);
	const data = join(folder, "broken-data");
	const { code, stderr } = await refused(["--repository", broken, "--data", data, ...FREE]);
	expect(code).toBe(1);
	expect(stderr).toContain(`experiments/support-tone.yaml:${line}: `);
	expect(stderr).toContain("runing");
	expect(existsSync(join(data, "clickhouse"))).toBe(false);
});

test("check says the same of a commit as the service, and nothing of a good one", async () => {
	const good = await new Program([ARMSPAN, "check", repository]).ended;
	expect(good).toMatchObject({
		code: 0,
		stderr: "",
		stdout: "environments/production.yaml: 1 prompts, running: support-tone\n",
	});
	const bad = await new Program([ARMSPAN, "check", join(folder, "broken")]).ended;
	expect(bad).toMatchObject({ code: 1, stdout: "" });
	expect(bad.stderr).toContain("experiments/support-tone.yaml:");
});

test("an unknown environment names those that exist", async () => {
	const { code, stderr } = await refused([
		"--repository",
		repository,
		"--data",
		join(folder, "data-e"),
		"--environment",
		"staging",
		...FREE,
	]);
	expect(code).toBe(1);
	expect(stderr).toContain("environments/staging.yaml is not in the repository (found: production)");
});

test("a folder without a repository names the command that makes one", async () => {
	const empty = join(folder, "empty");
	mkdirSync(empty);
	const { code, stderr } = await refused(["--repository", empty, "--data", join(folder, "data-n"), ...FREE]);
	expect(code).toBe(1);
	expect(stderr).toContain("armspan init");
});

test("anything but loopback is refused without a token, and needs the token with one", async () => {
	const args = ["--repository", repository, "--data", join(folder, "data-t"), "--host", "0.0.0.0", ...FREE];
	const { code, stderr } = await refused(args);
	expect(code).toBe(1);
	expect(stderr).toContain("TOKEN_REQUIRED");
	const empty = await refused(["--repository", repository, "--data", join(folder, "data-t"), ...FREE], {
		ARMSPAN_TOKEN: "",
	});
	expect(empty).toEqual({ code: 1, stderr: expect.stringContaining("TOKEN_EMPTY: ARMSPAN_TOKEN is set, and empty") });

	const service = new Program([ARMSPAN, "up", ...args], { ARMSPAN_TOKEN: "secret" });
	try {
		const { port: apiPort } = new URL(await service.printed(/API\s+(\S+)/));
		const { port: otlpPort } = new URL(await service.printed(/OTLP\/HTTP\s+(\S+)/));
		const routes: [string, string][] = [
			["GET", `http://127.0.0.1:${apiPort}/healthz`],
			["GET", `http://127.0.0.1:${apiPort}/api/v1/experiments`],
			["GET", `http://127.0.0.1:${apiPort}/api/v1/experiments/support-tone/results`],
			["GET", `http://127.0.0.1:${apiPort}/api/v1/decisions`],
			["GET", `http://127.0.0.1:${apiPort}/api/v1/openapi.json`],
			["POST", `http://127.0.0.1:${otlpPort}/v1/traces`],
			["POST", `http://127.0.0.1:${otlpPort}/v1/logs`],
		];
		for (const [method, url] of routes) {
			const body = method === "POST" ? { body: "{}", headers: { "content-type": "application/json" } } : {};
			expect([url, (await fetch(url, { method, ...body })).status]).toEqual([url, 401]);
			const wrong = { authorization: "Bearer wrong", ...body.headers };
			expect([url, (await fetch(url, { method, ...body, headers: wrong })).status]).toEqual([url, 401]);
			const right = { authorization: "Bearer secret", ...body.headers };
			expect([url, (await fetch(url, { method, ...body, headers: right })).status]).toEqual([url, 200]);
		}
	} finally {
		await service.stop();
	}
});

test("wrong usage ends with 2, and says which option", async () => {
	const { code, stderr } = await refused(["--otlp-port", "99999"]);
	expect(code).toBe(2);
	expect(stderr).toContain("--otlp-port");
});
