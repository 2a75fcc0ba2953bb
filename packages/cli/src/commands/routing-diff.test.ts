import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { startService } from "@armspan/service";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createLog } from "../log.ts";
import { runArmspan } from "../test-support/run-armspan.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-routing-diff-"));
const repository = join(folder, "repository");
const ids = Array.from({ length: 2000 }, (_, index) => `customer-${index}`);
const idFile = join(folder, "ids.txt");

const git = (...args: string[]) =>
	execFileSync("git", ["-C", repository, "-c", "user.name=T", "-c", "user.email=t@localhost", ...args], {
		encoding: "utf8",
	});

/** Commits the experiment file with texts replaced, under a tag to compare. */
function commit(tag: string, ...changes: [from: string, to: string][]): void {
	const file = join(repository, "experiments/support-tone.yaml");
	let text = readFileSync(file, "utf8");
	for (const [from, to] of changes) {
		expect(text).toContain(from);
		text = text.replace(from, to);
	}
	writeFileSync(file, text);
	git("commit", "--all", "--message", tag);
	git("tag", tag);
}

beforeAll(async () => {
	await initRepository(repository);
	git("checkout", "-q", "-b", "work");
	commit("gate-20", ["enrolled: 1", "enrolled: 0.2"]);
	commit("gate-50", ["enrolled: 0.2", "enrolled: 0.5"]);
	commit("other-weights", ["version: 2.0.0\n    weight: 1", "version: 2.0.0\n    weight: 3"]);
	commit("other-weights-raised", ["iteration: 1", "iteration: 2"]);
	commit("halted", ["status: running", "status: halted"]);
	commit("resumed", ["status: halted", "status: running"]);
	commit("stopped", ["status: running", "status: stopped"]);
	writeFileSync(join(repository, "environments/production.yaml"), "prompts:\n  support-reply: 2.0.0\n");
	git("commit", "--all", "--message", "promote");
	git("tag", "promoted");
	git("checkout", "-q", "-b", "layers", "gate-50");
	const environment = (slots: string) =>
		writeFileSync(
			join(repository, "environments/production.yaml"),
			`prompts:\n  support-reply: 1.0.0\nlayers:\n  chat:\n    slots:${slots}\n`,
		);
	environment("\n      support-tone: 0.4");
	commit("layered", ["prompt: support-reply", "prompt: support-reply\nlayer: chat"]);
	commit("unlayered", ["layer: chat\n", ""]);
	git("checkout", "-q", "layered");
	environment(" { ghost: 0.2,\n      support-tone: 0.4 }");
	commit("shifted", ["owner: support-team", "owner: another"]);
	git("checkout", "-q", "-b", "broken", "gate-50");
	writeFileSync(join(repository, "experiments/support-tone.yaml"), "key: support-tone\nstatus: runing\n");
	git("commit", "--all", "--message", "broken");
	git("checkout", "-q", "work");
	writeFileSync(idFile, `${ids.join("\n")}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const diff = (...args: string[]) => runArmspan(["routing", "diff", "--repository", repository, ...args]);

async function counted(from: string, to: string, ...more: string[]) {
	const { code, stdout, stderr } = await diff("--from", from, "--to", to, "--units", idFile, "--json", ...more);
	const result = JSON.parse(stdout);
	return { code, stderr, experiment: result.experiments[0], prompt: result.prompts[0], result };
}

describe("given units", () => {
	test("a wider gate enrols more, and moves nobody", async () => {
		const { code, experiment, result } = await counted("gate-20", "gate-50", "--exit-code");
		expect(code).toBe(0);
		expect(result).toMatchObject({ schemaVersion: 1, units: { kind: "given", count: 2000 }, caveats: [] });
		expect(experiment).toMatchObject({ experiment: "support-tone", unenrolled: 0, moved: 0, redrawn: 0, redefined: 0 });
		expect(experiment.enrolledAfter).toBe(experiment.enrolledBefore + experiment.newlyEnrolled);
		expect(experiment.newlyEnrolled).toBeGreaterThan(500);
		expect(experiment.newlyEnrolled).toBeLessThan(700);
		const back = await counted("gate-50", "gate-20");
		expect(back.experiment).toMatchObject({ newlyEnrolled: 0, unenrolled: experiment.newlyEnrolled });
	});

	test("other weights within an iteration move units, and --exit-code says so", async () => {
		const { code, experiment, stderr } = await counted("gate-50", "other-weights", "--exit-code");
		expect(experiment.moved).toBeGreaterThan(150);
		expect(experiment).toMatchObject({ newlyEnrolled: 0, unenrolled: 0, redrawn: 0 });
		expect(code).toBe(1);
		expect(stderr).toContain("UNITS_MOVE");
		expect(stderr).toContain("try: raise iteration in experiments/support-tone.yaml");
		expect((await counted("gate-50", "other-weights")).code).toBe(0);
	});

	test("with a new iteration the arms are drawn afresh", async () => {
		const { code, experiment } = await counted("gate-50", "other-weights-raised", "--exit-code");
		expect(code).toBe(0);
		expect(experiment).toMatchObject({ moved: 0, from: { iteration: 1 }, to: { iteration: 2 } });
		expect(experiment.redrawn).toBeGreaterThan(100);
		expect(experiment.newlyEnrolled).toBeGreaterThan(300);
		const { stdout } = await diff("--from", "gate-50", "--to", "other-weights-raised", "--units", idFile);
		expect(stdout).toContain(`new iteration: ${experiment.redrawn} drawn into another\n`);
	});

	test("--exit-code refuses what the service would: a layer that is taken away, slots that exchange units", async () => {
		const unlayered = await counted("layered", "unlayered", "--exit-code");
		expect(unlayered.experiment).toMatchObject({ moved: 0, unenrolled: 0 });
		expect(unlayered.code).toBe(1);
		expect(unlayered.stderr).toMatch(
			/UNITS_MOVE.*\n {2}experiments\/support-tone\.yaml:\d+: layer: iteration 1 runs with/,
		);
		const shifted = await counted("layered", "shifted", "--exit-code");
		expect(shifted.experiment.moved).toBe(0);
		expect(shifted.stderr).toContain("environments/production.yaml:6: layers.chat.slots.support-tone: ");
		expect(shifted.code).toBe(1);
		expect((await counted("layered", "shifted")).code).toBe(0);
	});

	test("a halted iteration stays halted, whatever the commit after it says", async () => {
		const { experiment } = await counted("halted", "resumed");
		expect(experiment).toMatchObject({ enrolledBefore: 0, enrolledAfter: 0, to: { status: "halted" } });
		expect((await counted("other-weights-raised", "resumed")).experiment).toMatchObject({ unenrolled: 0, moved: 0 });
	});

	test("a stopped experiment lets go of its units; a promotion gives everybody another default", async () => {
		const stopped = await counted("other-weights-raised", "stopped");
		expect(stopped.experiment).toMatchObject({ enrolledAfter: 0, to: { status: "stopped" } });
		expect(stopped.experiment.unenrolled).toBe(stopped.experiment.enrolledBefore);
		expect(stopped.prompt).toMatchObject({ otherDefault: 0, otherDelivery: expect.any(Number) });
		const promoted = await counted("stopped", "promoted");
		expect(promoted.prompt).toMatchObject({ fromDefault: "1.0.0", toDefault: "2.0.0", otherDefault: 2000 });
	});

	test("are read from stdin, as ids and as JSON, and repeats count once", async () => {
		const stdin = '{"user":"a","attributes":{"plan":"pro"}}\n{"session":"s"}\na\n\na\n{"user":7}\n';
		const { stdout } = await runArmspan(
			["routing", "diff", "--repository", repository, "--from", "gate-20", "--to", "gate-50", "--units", "-", "--json"],
			{ stdin },
		);
		const { units, prompts } = JSON.parse(stdout);
		expect(units.count).toBe(4);
		expect(prompts[0].withoutUnit).toBe(1);
	});

	test("print a table", async () => {
		const { stdout, stderr } = await diff("--from", "gate-20", "--to", "gate-50", "--units", idFile);
		expect(stderr).toBe("");
		expect(stdout).toMatch(
			/^armspan\/production: gate-20 \([0-9a-f]{8}\) → gate-50 \([0-9a-f]{8}\)\nunits: 2,000 units of /,
		);
		expect(stdout).toMatch(/^support-tone +1 running +\d+ → \d+ +\d+ +0 +0$/m);
		expect(stdout).toMatch(/^support-reply +1\.0\.0 +0 +\d+$/m);
	});
});

describe("a synthetic sample", () => {
	test("gives shares with their sampling error, the same for the same seed, and says what it is", async () => {
		const args = ["--from", "gate-20", "--to", "gate-50"];
		const { stdout } = await diff(...args);
		expect(stdout).toContain("units: 100,000 synthetic ids (seed 1): shares with their 95 % sampling error");
		expect(stdout).toMatch(/^support-tone +1 running +\d+\.\d\d % ± 0\.\d\d → \d/m);
		const { shares } = JSON.parse((await diff(...args, "--json")).stdout);
		const { lower, share, upper } = shares["support-tone"].newlyEnrolled;
		expect(lower).toBeLessThan(share);
		expect(lower).toBeLessThan(0.31);
		expect(upper).toBeGreaterThan(0.29);
		expect((await diff(...args)).stdout).toBe(stdout);
		expect((await diff(...args, "--seed", "2")).stdout).not.toBe(stdout);
	});

	test("of two sides that are the same", async () => {
		expect((await diff("--from", "HEAD")).stdout).toContain("note: both sides route every unit alike");
	});
});

describe("units seen by a service", () => {
	async function service(answer: (unit: string) => object): Promise<string> {
		const server = createServer((request, response) => {
			const url = new URL(request.url ?? "", "http://service");
			const { since, unit } = Object.fromEntries(url.searchParams);
			const body =
				url.pathname === "/healthz"
					? { routing: { sourceCommit: git("rev-parse", "gate-20").trim() } }
					: { schemaVersion: 1, since, unit, ...answer(unit ?? "") };
			response.end(JSON.stringify(body));
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		onTestFinished(() => void server.close());
		return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	}

	test("are compared with what it has deployed", async () => {
		const url = await service((unit) => ({ units: unit === "user" ? ids : [], hashed: 0, truncated: unit === "user" }));
		const { stdout } = await diff("--url", url, "--to", "gate-50", "--json");
		const result = JSON.parse(stdout);
		expect(result.units).toMatchObject({ kind: "seen", count: 2000 });
		expect(result.caveats).toEqual([expect.stringContaining("more users were seen")]);
		expect(result.experiments[0].newlyEnrolled).toBe((await counted("gate-20", "gate-50")).experiment.newlyEnrolled);
	});

	test("are listed by the real service", async () => {
		const real = await startService({
			store: { kind: "embedded", path: join(folder, "clickhouse") },
			...{ repository, environmentName: "production", routingDirectory: join(folder, "routing") },
			...{ host: "127.0.0.1", otlpPort: 0, apiPort: 0, checkEveryMs: 60_000, insertDelayMs: 1 },
			logger: createLog(join(folder, "service.log"), "warn"),
		});
		onTestFinished(() => real.close());
		const nano = `${BigInt(Date.now() - 60_000) * 1_000_000n}`;
		const spans = ids.slice(0, 50).map((id, index) => ({
			traceId: index.toString(16).padStart(32, "1"),
			spanId: index.toString(16).padStart(16, "1"),
			startTimeUnixNano: nano,
			endTimeUnixNano: nano,
			attributes: Object.entries({
				"gen_ai.operation.name": "chat",
				"gen_ai.prompt.name": "support-reply",
				"armspan.unit.type": "user",
				"armspan.unit.id": id,
			}).map(([key, stringValue]) => ({ key, value: { stringValue } })),
		}));
		const sent = await fetch(`${real.otlpUrl}/v1/traces`, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
		});
		expect(sent.status).toBe(200);
		const result = JSON.parse((await diff("--url", real.apiUrl, "--to", "gate-50", "--json")).stdout);
		expect(result).toMatchObject({ units: { kind: "seen", count: 50 }, caveats: [] });
		expect(result.from).toBe(`${git("rev-parse", "HEAD").trim()} (${git("rev-parse", "--short=8", "HEAD").trim()})`);
		const refused = await fetch(`${real.apiUrl}/api/v1/units?since=yesterday&limit=0`);
		expect(refused.status).toBe(400);
	});

	test("cannot be routed when their ids are hashed: a sample, and why", async () => {
		const url = await service((unit) => ({ units: [], hashed: unit === "user" ? 1234 : 0, truncated: false }));
		const { stdout } = await diff("--url", url, "--to", "gate-50");
		expect(stdout).toContain("units: 100,000 synthetic ids");
		expect(stdout).toContain("note: 1,234 units seen by");
		expect(stdout).toContain("as HMAC (ARMSPAN_UNIT_KEY): they cannot be routed");
	});

	test("that is none of ours", async () => {
		const url = await service(() => ({ hello: 1 }));
		const { code, stdout, stderr } = await diff("--url", url, "--to", "gate-50");
		expect([code, stdout]).toEqual([1, ""]);
		expect(stderr).toContain("SERVICE_UNREACHABLE");
		const gone = await diff("--url", "http://127.0.0.1:1", "--to", "gate-50");
		expect(gone.stderr).toMatch(
			/SERVICE_UNREACHABLE: http:\/\/127\.0\.0\.1:1 does not answer: .+\n {2}try: check --url/,
		);
	});
});

describe("refusals", () => {
	test.each([
		[["--from", "no-such-ref"], 1, "UNKNOWN_REF"],
		[["--from", "gate-20", "--env", "nowhere"], 1, "UNKNOWN_ENVIRONMENT: environments/nowhere.yaml is not in gate-20"],
		[["--from", "gate-20", "--to", "broken"], 1, "experiments/support-tone.yaml:2"],
		[["--from", "gate-20", "--units", "/no/such/file"], 1, "UNITS_UNREADABLE: /no/such/file: cannot be read"],
		[["--data", "/no/such/data"], 1, "/no/such/data/routing"],
		[["--unit", "household"], 2, "Allowed choices are user, session, request"],
		[["--nonsense"], 2, "unknown option"],
	])("%j: exit code %i, and what is wrong", async (args, expected, message) => {
		const { code, stdout, stderr } = await diff(...args);
		expect([code, stdout]).toEqual([expected, ""]);
		expect(stderr).toContain(message);
		expect(stderr).not.toMatch(/^\s+at /m);
	});

	test("a line that is no unit: file and line", async () => {
		const file = join(folder, "bad.jsonl");
		for (const [line, problem] of [
			['{"user":', "not valid JSON"],
			['{"account":"a"}', "account"],
			['{"user":""}', "user"],
			['{"user":1.5}', "user: expected a text of 1 to 1000 characters or a whole number, found 1.5"],
			[
				'{"user":"a","attributes":{"plan":["pro"]}}',
				'attributes.plan: expected a text, a number, true or false, found ["pro"]',
			],
		] as const) {
			writeFileSync(file, `u1\n${line}\n`);
			const { code, stderr } = await diff("--from", "gate-20", "--units", file);
			expect(code).toBe(1);
			expect(stderr).toContain(`UNITS_UNREADABLE: ${file}:2: `);
			expect(stderr).toContain(problem);
		}
	});
});
