import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replayDecision } from "@armspan/analysis";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type DemoFolder, prepareDemoFolder } from "../../packages/cli/src/demo/demo-folder.ts";
import { type RunningLoop, startLoop } from "../../packages/cli/src/demo/run-loop.ts";
import { compareWithProvider } from "../e2e/compare-with-provider.ts";
import { readServedLog } from "../e2e/served-log.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

describe.skipIf(pipelineUnavailable("the loop through the Collector"))("app → agent → gateway → ClickHouse", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-loop-"));
	const stops: (() => Promise<unknown>)[] = [];
	afterEach(async () => {
		for (const stop of stops.splice(0).reverse()) await stop();
	});
	afterAll(() => rmSync(root, { recursive: true, force: true }));

	/** The demo's loop with a load smaller than its own. */
	async function start(name: string): Promise<{ pipeline: Pipeline; loop: RunningLoop; folder: DemoFolder }> {
		const pipeline = await Pipeline.start(join(root, name));
		stops.push(() => pipeline.stop());
		const folder = await prepareDemoFolder(join(root, name, "demo"), async () => undefined);
		const loop = await startLoop({
			folder,
			store: { kind: "server", url: pipeline.server.url },
			otlpEndpoint: pipeline.agent.otlpUrl,
			host: "127.0.0.1",
			otlpPort: 0,
			apiPort: 0,
			checkEveryMs: 500,
			seed: 7,
			users: 400,
			callsPerSecond: 40,
			degradeAfterMs: 8000,
			degradedErrorRate: 0.5,
			settleMs: 6000,
			giveUpAfterMs: 120_000,
			signal: new AbortController().signal,
			onProgress: () => undefined,
		});
		stops.push(() => loop.stop());
		return { pipeline, loop, folder };
	}

	/** Call by call, once what the application has flushed at its end has arrived. */
	async function expectEveryCallStored(loop: RunningLoop, folder: DemoFolder): Promise<void> {
		await loop.stopTraffic();
		const served = readServedLog(join(folder.logs, "served.jsonl")).filter(({ completed }) => completed);
		await Pipeline.until(async () => (await loop.service.store.callIds({})).length >= served.length);
		const calls = await loop.service.store.callIds({});
		const differences = compareWithProvider(calls, served);
		expect(differences).toMatchObject({ missing: [], invented: [], doubled: [], wrongVersion: [] });
		for (const [version, [failedAtProvider, failedInStore]] of Object.entries(differences.failed)) {
			expect([version, failedInStore]).toEqual([version, failedAtProvider]);
		}
		expect(served.length).toBeGreaterThan(300);
		expect(calls.slice(-20).map(({ variant, promptVersion }) => [variant, promptVersion])).toEqual(
			Array.from({ length: 20 }, () => ["default", "1.0.0"]),
		);
	}

	test("a treatment that turns bad is halted, and every call is stored once, as the provider served it", async () => {
		const { pipeline, loop, folder } = await start("well");
		const outcome = await loop.outcome;
		expect(outcome.closed).toBe(true);

		const results = await loop.service.results("support-tone");
		expect(results).toMatchObject({ status: "halted", verdict: { kind: "halted" } });
		expect(results?.guardrails[0]).toMatchObject({ status: "breached", variant: "friendly" });
		const halt = results?.decisions.find(({ kind }) => kind === "halt");
		expect(halt && replayDecision(halt).matches).toBe(true);
		const routing = JSON.parse(readFileSync(join(folder.routing, "routing.json"), "utf8"));
		expect(routing.flags["support-reply"].targeting).toBeUndefined();

		await expectEveryCallStored(loop, folder);
		// Through the Collector alone: the service's own receiver got nothing.
		const sent = () => pipeline.gateway.metric("otelcol_exporter_sent_spans");
		await Pipeline.until(async () => (await sent()) === (await loop.service.store.counts()).traces);
	}, 240_000);

	test("one that turns bad while ClickHouse is away is halted when it is back", async () => {
		const { pipeline, loop, folder } = await start("away");
		const store = loop.service.store;
		await Pipeline.until(async () => (await store.callIds({})).length > 50);
		pipeline.server.stop();
		const log = join(folder.logs, "served.jsonl");
		const failedCalls = () => readServedLog(log).filter(({ status }) => status !== 200).length;
		await Pipeline.until(() => failedCalls() > 60);
		const routing = () => JSON.parse(readFileSync(join(folder.routing, "routing.json"), "utf8"));
		expect(routing().flags["support-reply"].targeting).toBeDefined();

		await pipeline.server.restart();
		const outcome = await loop.outcome;
		expect(outcome).toMatchObject({ closed: true, decision: { kind: "halt", metric: "error-rate" } });
		expect(routing().flags["support-reply"].targeting).toBeUndefined();
		await expectEveryCallStored(loop, folder);
	}, 240_000);
});
