import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replayDecision } from "@armspan/analysis";
import { afterAll, describe, expect, test } from "vitest";
import { prepareDemoFolder } from "../../packages/cli/src/demo/demo-folder.ts";
import { startLoop } from "../../packages/cli/src/demo/run-loop.ts";
import { compareWithProvider } from "../e2e/compare-with-provider.ts";
import { readServedLog } from "../e2e/served-log.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

describe.skipIf(pipelineUnavailable("the loop through the Collector"))("app → agent → gateway → ClickHouse", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-loop-"));
	const stops: (() => Promise<unknown>)[] = [];
	afterAll(async () => {
		for (const stop of stops.reverse()) await stop();
		rmSync(root, { recursive: true, force: true });
	});

	test("a treatment that turns bad is halted, and every call is stored once, as the provider served it", {
		timeout: 240_000,
	}, async () => {
		const pipeline = await Pipeline.start(root);
		stops.push(() => pipeline.stop());
		const folder = await prepareDemoFolder(join(root, "demo"), async () => undefined);
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
		const outcome = await loop.outcome;
		expect(outcome.closed).toBe(true);

		const results = await loop.service.results("support-tone");
		expect(results).toMatchObject({ status: "halted", verdict: { kind: "halted" } });
		expect(results?.guardrails[0]).toMatchObject({ status: "breached", variant: "friendly" });
		const halt = results?.decisions.find(({ kind }) => kind === "halt");
		expect(halt && replayDecision(halt).matches).toBe(true);
		const routing = JSON.parse(readFileSync(join(folder.routing, "routing.json"), "utf8"));
		expect(routing.flags["support-reply"].targeting).toBeUndefined();

		// What the application has flushed at its end is on its way still.
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
		// Through the Collector alone: the service's own receiver got nothing.
		const sent = () => pipeline.gateway.metric("otelcol_exporter_sent_spans");
		await Pipeline.until(async () => (await sent()) === (await loop.service.store.counts()).traces);
	});
});
