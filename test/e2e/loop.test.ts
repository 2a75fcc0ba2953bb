import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replayDecision } from "@armspan/analysis";
import { afterAll, afterEach, expect, test } from "vitest";
import { prepareDemoFolder } from "../../packages/cli/src/demo/demo-folder.ts";
import { type LoopOptions, type RunningLoop, startLoop } from "../../packages/cli/src/demo/run-loop.ts";
import { compareWithProvider } from "./compare-with-provider.ts";
import { readServedLog } from "./served-log.ts";

const SEED = 7;
const root = mkdtempSync(join(tmpdir(), "armspan-loop-"));
let running: RunningLoop | undefined;

afterEach(async () => {
	await running?.stop();
	running = undefined;
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Real processes on free ports, a load smaller than the demo's. */
async function start(
	name: string,
	options: Partial<LoopOptions>,
): Promise<{ loop: RunningLoop; folder: LoopOptions["folder"] }> {
	const folder = await prepareDemoFolder(join(root, name), async () => undefined);
	running = await startLoop({
		folder,
		host: "127.0.0.1",
		otlpPort: 0,
		apiPort: 0,
		checkEveryMs: 500,
		seed: SEED,
		users: 400,
		callsPerSecond: 40,
		degradedErrorRate: 0.5,
		settleMs: 3000,
		giveUpAfterMs: 90_000,
		signal: new AbortController().signal,
		onProgress: () => undefined,
		...options,
	});
	return { loop: running, folder };
}

const git = (repository: string, ...args: string[]) =>
	execFileSync("git", ["-C", repository, ...args], { encoding: "utf8" });

test("a treatment that turns bad is halted, and every call is stored once, as the provider served it", {
	timeout: 180_000,
}, async () => {
	const { loop, folder } = await start("degraded", { degradeAfterMs: 6000 });
	const outcome = await loop.outcome;
	expect(outcome.closed).toBe(true);
	expect(outcome.timeLine.bundleWrittenAt!.getTime()).toBeGreaterThanOrEqual(outcome.timeLine.detectedAt!.getTime());

	// The API says the same as the terminal, and the evidence of the halt stays.
	const response = await fetch(`${loop.service.apiUrl}/api/v1/experiments/support-tone/results`);
	expect(response.status).toBe(200);
	const results = (await response.json()) as Awaited<ReturnType<typeof loop.service.results>>;
	expect(results).toMatchObject({
		status: "halted",
		closedAtRevision: expect.any(Number),
		verdict: {
			kind: "halted",
			reasons: [{ rule: "halted", variant: "friendly", metric: "error-rate" }],
			// The evidence of the halt stays evidence.
			treatments: [{ variant: "friendly", kind: "halt", reasons: [{ rule: "guardrail-breached" }] }],
		},
	});
	expect(results?.guardrails[0]).toMatchObject({ status: "breached", variant: "friendly" });
	expect(results?.variants.every(({ units }) => units > 50)).toBe(true);
	const halt = results?.decisions.find(({ kind }) => kind === "halt");
	expect(halt && replayDecision(halt).matches).toBe(true);
	expect(results?.closedAtRevision).toBe(halt?.lastRevision);

	// git says it too, with the decision it follows, and applications read a bundle without treatment.
	expect(git(folder.repository, "show", "HEAD:experiments/support-tone.yaml")).toMatch(/^status: halted/m);
	expect(git(folder.repository, "log", "-1", "--format=%B")).toContain(`Armspan-Decision: ${halt?.id}`);
	expect(git(folder.repository, "status", "--porcelain")).toBe("");
	const routing = JSON.parse(readFileSync(join(folder.routing, "routing.json"), "utf8"));
	expect(routing.flags["support-reply"].targeting).toBeUndefined();

	// Dashboards see the last look at it, which belongs to the moment of the halt.
	const finalLook = async () =>
		(
			await loop.service.store.userSql(
				"SELECT DISTINCT status, verdict, toString(toUnixTimestamp64Milli(look_at)) FROM snapshots FINAL WHERE kind = 'final'",
			)
		).rows;
	await expect
		.poll(finalLook, { timeout: 30_000 })
		.toEqual([["halted", "halted", String(Date.parse(halt?.decidedAt ?? ""))]]);

	const health = await (await fetch(`${loop.service.apiUrl}/healthz`)).json();
	expect(health).toMatchObject({ looks: { lastLookAt: expect.any(String), consecutiveFailures: 0, failures: 0 } });

	await loop.stopTraffic();
	const calls = await loop.service.store.callIds({});
	const served = readServedLog(join(folder.logs, "served.jsonl")).filter(({ completed }) => completed);
	const differences = compareWithProvider(calls, served);
	expect(differences).toMatchObject({ missing: [], invented: [], doubled: [], wrongVersion: [] });
	for (const [version, [failedAtProvider, failedInStore]] of Object.entries(differences.failed)) {
		expect([version, failedInStore]).toEqual([version, failedAtProvider]);
	}
	expect(served.length).toBeGreaterThan(300);

	// The same user has the same variant as long as it is enrolled, and afterwards everybody has control.
	const variants = new Map<string, Set<string>>();
	for (const { unitId, variant } of calls.filter((call) => call.variant !== "default")) {
		variants.set(unitId, (variants.get(unitId) ?? new Set()).add(variant));
	}
	expect([...variants.values()].filter((seen) => seen.size > 1)).toEqual([]);
	expect(calls.slice(-20).map(({ variant, promptVersion }) => [variant, promptVersion])).toEqual(
		Array.from({ length: 20 }, () => ["default", "1.0.0"]),
	);
});

test("with the same seed and a provider that stays well nothing is halted", { timeout: 120_000 }, async () => {
	const abort = new AbortController();
	const { loop, folder } = await start("well", { signal: abort.signal });
	let looks = 0;
	while (((await loop.service.results("support-tone"))?.variants[0]?.calls ?? 0) < 300) {
		looks++;
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
	abort.abort();
	const outcome = await loop.outcome;
	expect(looks).toBeGreaterThan(0);
	expect(outcome).toMatchObject({ closed: false, results: { status: "running" } });
	expect(outcome.results.guardrails[0]?.status).not.toBe("breached");
	expect(outcome.results.sampleRatioMismatch).toMatchObject({ kind: "estimated", mismatch: false });
	expect(git(folder.repository, "show", "HEAD:experiments/support-tone.yaml")).toMatch(/^status: running/m);
});
