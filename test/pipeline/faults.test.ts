import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterEach, describe, expect, test } from "vitest";
import { callSpan, send, tracesRequest } from "./otlp.ts";
import { delay, runOutage } from "./outage.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

/** What an idle Collector has, and batches on their way; far below what its memory limiter allows. */
const BOUNDED_BYTES = 300 * 2 ** 20;

describe.skipIf(pipelineUnavailable("faults of the Collector and of ClickHouse"))(
	"nothing acknowledged is lost",
	() => {
		const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-faults-"));
		const stops: (() => Promise<unknown>)[] = [];
		let run = 0;
		const nextFolder = () => {
			run++;
			return join(root, String(run));
		};
		afterEach(async () => {
			for (const stop of stops.splice(0).reverse()) await stop();
			rmSync(root, { recursive: true, force: true });
		});

		test.each(["SIGKILL", "SIGSTOP"] as const)(
			"ClickHouse away by %s under load, and back",
			async (signal) => {
				const report = await runOutage({ folder: nextFolder(), downMs: 5000, spansPerSecond: 300, signal });
				expect(report).toMatchObject({
					missing: 0,
					doubled: 0,
					calls: report.acknowledged,
					unmeasured: { before: [], during: ["support-tone"], after: [] },
				});
				expect(report.acknowledged).toBeGreaterThan(1000);
				expect(report.queuedBytes).toBeGreaterThan(0);
				expect(report.landed).toBeGreaterThanOrEqual(report.acknowledged);
				expect(report.privateBytes.agent).toBeLessThan(BOUNDED_BYTES);
				expect(report.privateBytes.gateway).toBeLessThan(BOUNDED_BYTES);
				if (signal === "SIGKILL") expect(report.resultsStatusDuring).toBe(503);
			},
			120_000,
		);

		test("Collectors killed while ClickHouse is away keep what they had acknowledged", async () => {
			const report = await runOutage({
				folder: nextFolder(),
				downMs: 5000,
				spansPerSecond: 300,
				signal: "SIGKILL",
				inTheMiddle: async ({ gateway, agent }) => {
					await gateway.stop("SIGKILL");
					await delay(500);
					await agent.stop("SIGKILL");
					await agent.restart();
					await delay(500);
					await gateway.restart();
				},
			});
			expect(report).toMatchObject({ missing: 0, doubled: 0, calls: report.acknowledged });
			expect(report.refusals).toBeGreaterThan(0);
		}, 120_000);

		test("events are events also when the gateway started before ClickHouse", async () => {
			const pipeline = await Pipeline.start(nextFolder());
			stops.push(() => pipeline.stop());
			const store = await openStore({ kind: "server", url: pipeline.server.url });
			stops.push(() => store.close());
			await store.migrate();
			await pipeline.gateway.stop();
			pipeline.server.stop();
			await pipeline.server.stopped();
			await pipeline.gateway.restart();
			await pipeline.server.restart();
			const now = String(BigInt(Date.now()) * 1_000_000n);
			const attributes = [
				["feature_flag.key", "support-reply"],
				["feature_flag.result.variant", "tone.control"],
				["armspan.experiment", "tone"],
				["armspan.iteration", "1"],
				["armspan.enrolled", "true"],
				["armspan.unit.id", "u"],
				["armspan.event.id", "e"],
			].map(([key, stringValue]) => ({ key, value: { stringValue } }));
			const logRecords = [{ timeUnixNano: now, eventName: "feature_flag.evaluation", attributes }];
			const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
			await send(pipeline.agent.otlpUrl, "logs", body);
			await Pipeline.until(async () => (await store.counts()).exposures === 1);
			// The reason for the attribute: this exporter leaves the column empty.
			expect(await pipeline.server.run("SELECT EventName, LogAttributes['event.name'] FROM otel_logs")).toBe(
				"\tfeature_flag.evaluation\n",
			);
		}, 60_000);

		test("a full queue makes senders wait, and drops nothing", async () => {
			const pipeline = await Pipeline.start(nextFolder(), { ARMSPAN_QUEUE_BYTES: "4194304" });
			stops.push(() => pipeline.stop());
			// Nobody has made tables, so nothing can be inserted; everybody's queue fills.
			let sent = 0;
			let full = false;
			const sending = (async () => {
				while (!full) {
					const from = sent;
					const spans = Array.from({ length: 500 }, (_, index) => callSpan(from + index));
					await send(pipeline.agent.otlpUrl, "traces", tracesRequest(spans));
					sent += 500;
				}
			})();
			await Pipeline.until(async () => (await pipeline.agent.metric("otelcol_exporter_queue_size")) > 3_500_000);
			full = true;
			expect(pipeline.agent.privateBytes()).toBeLessThan(BOUNDED_BYTES);
			expect(pipeline.gateway.privateBytes()).toBeLessThan(BOUNDED_BYTES);
			const store = await openStore({ kind: "server", url: pipeline.server.url });
			stops.push(() => store.close());
			await store.migrate();
			await sending;
			await Pipeline.until(async () => (await pipeline.server.run("SELECT count() FROM calls FINAL")) === `${sent}\n`);
			const failed = await Promise.all(
				[pipeline.agent, pipeline.gateway].map((collector) =>
					collector.metric("otelcol_exporter_enqueue_failed_spans"),
				),
			);
			expect(failed).toEqual([0, 0]);
		}, 120_000);
	},
);
