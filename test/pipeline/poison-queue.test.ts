import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterAll, describe, expect, test } from "vitest";
import { ClickHouseServer } from "../conformance/clickhouse-server.ts";
import { Collector } from "./collector.ts";
import { callSpan, send, tracesRequest } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

describe.skipIf(pipelineUnavailable("a poison batch in a queue"))("a batch that ClickHouse refuses for ever", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-poison-queue-"));
	const stops: (() => Promise<unknown>)[] = [];
	afterAll(async () => {
		for (const stop of stops.splice(0).reverse()) await stop();
		rmSync(root, { recursive: true, force: true });
	});

	test("is put aside as the runbook says: it alone is lost, and what comes meanwhile goes through", async () => {
		const server = await ClickHouseServer.start(join(root, "clickhouse"));
		stops.push(async () => server.stop());
		const store = await openStore({ kind: "server", url: server.url });
		await store.migrate();
		await store.close();
		await server.run("ALTER TABLE otel_traces ADD CONSTRAINT poison CHECK SpanName != 'poison'");
		const gateway = async (folder: string, ...args: string[]) => {
			const env = { CLICKHOUSE_ENDPOINT: server.nativeUrl };
			const started = await Collector.start({ kind: "gateway", folder: join(root, folder), env, args });
			stops.push(() => started.stop("SIGKILL"));
			return started;
		};
		const stored = async () =>
			(await server.run("SELECT SpanAttributes['gen_ai.response.id'] AS id FROM otel_traces ORDER BY id")).trim();

		// As many as are tried at a time: what comes after them waits.
		const stuck = await gateway("stuck");
		for (let batch = 0; batch < 4; batch++) {
			await send(stuck.otlpUrl, "traces", tracesRequest([callSpan(batch, { name: "poison" })]));
			await Pipeline.until(async () => (await stuck.metric("otelcol_exporter_queue_size")) > 0);
			await new Promise((resolve) => setTimeout(resolve, 1500));
		}
		await send(stuck.otlpUrl, "traces", tracesRequest([callSpan(10)]));
		await stuck.stop("SIGKILL");
		expect(await stored()).toBe("");

		renameSync(join(root, "stuck"), join(root, "aside"));
		const fresh = await gateway("stuck");
		await send(fresh.otlpUrl, "traces", tracesRequest([callSpan(11)]));
		await Pipeline.until(async () => (await stored()) === "response-11");

		const aside = await gateway(
			"aside",
			"--set=exporters.clickhouse.retry_on_failure.max_elapsed_time=10s",
			"--set=exporters.clickhouse.sending_queue.batch.min_size=1",
		);
		await Pipeline.until(async () => (await stored()) === "response-10\nresponse-11");
		await Pipeline.until(async () => (await aside.metric("otelcol_exporter_send_failed_spans")) === 4);
		await Pipeline.until(async () => (await aside.metric("otelcol_exporter_queue_size")) === 0);
	}, 60_000);
});
