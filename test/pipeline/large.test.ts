import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Collector } from "./collector.ts";
import { callSpan, send, tracesRequest } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
/** As many megabytes of attributes, each short enough that none is cut. */
const megabytes = (count: number) => Array.from({ length: count * 5 }, (_, n) => text(`b${n}`, "x".repeat(200_000)));
const timeUnixNano = String(BigInt(Date.now()) * 1_000_000n);
const events = Array.from({ length: 300_000 }, () => ({ name: "token", timeUnixNano }));

/** Stands in the middle of its request, 19 MB of the 20 MiB that a receiver takes. */
const LARGE: Readonly<Record<string, { span: object; resource?: object[] }>> = {
	"a span of 19 MB": { span: callSpan(50, {}, megabytes(19)) },
	"a span with 300,000 events": { span: callSpan(50, { events }) },
	"a resource of 19 MB": { span: callSpan(50), resource: megabytes(19) },
};

describe.skipIf(pipelineUnavailable("large spans through the Collector"))("what a receiver takes is stored", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-large-"));
	let pipeline: Pipeline;
	beforeAll(async () => {
		// Otherwise long texts are gone before they are a batch's.
		pipeline = await Pipeline.start(root, { ARMSPAN_CAPTURE_CONTENT: "true" });
		const store = await openStore({ kind: "server", url: pipeline.server.url });
		await store.migrate();
		await store.close();
	});
	afterAll(async () => {
		await pipeline.stop();
		rmSync(root, { recursive: true, force: true });
	});

	const stored = async (table: string) => Number(await pipeline.server.run(`SELECT count() FROM ${table}`));

	for (const through of ["agent", "gateway"] as const) {
		for (const [what, { span, resource }] of Object.entries(LARGE)) {
			test(`${what}, and all before and after it in its request, through the ${through}`, async () => {
				const before = await stored("otel_traces");
				const spans = [...Array(101).keys()].map((number) => (number === 50 ? span : callSpan(number)));
				const request = JSON.parse(tracesRequest(spans));
				request.resourceSpans[0].resource.attributes.push(...(resource ?? []));
				await delivered(pipeline[through], "traces", request, () => stored("otel_traces"), before + 101);
			}, 60_000);
		}

		test(`a log record of 19 MB, through the ${through}`, async () => {
			const before = await stored("otel_logs");
			const record = (attributes: object[], eventName = "e") => ({ timeUnixNano, eventName, attributes });
			const logRecords = [record([], "n".repeat(9_000_000)), record(megabytes(10)), record([])];
			const request = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] };
			await delivered(pipeline[through], "logs", request, () => stored("otel_logs"), before + 3);
		}, 60_000);
	}

	async function delivered(
		to: Collector,
		signal: "traces" | "logs",
		request: object,
		count: () => Promise<number>,
		expected: number,
	): Promise<void> {
		await send(to.otlpUrl, signal, JSON.stringify(request));
		for (const collector of [pipeline.agent, pipeline.gateway]) {
			await Pipeline.until(async () => (await collector.metric("otelcol_exporter_queue_size")) === 0);
		}
		await Pipeline.until(async () => {
			const idle = (await pipeline.gateway.metric("otelcol_exporter_queue_size")) === 0;
			return idle && (await count()) >= expected;
		});
		expect(await count()).toBe(expected);
	}
});
