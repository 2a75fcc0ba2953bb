import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterAll, describe, expect, test } from "vitest";
import { callSpan, send, tracesRequest } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

describe.skipIf(pipelineUnavailable("vendor names through the Collector"))("names that the views do not know", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-names-"));
	const stops: (() => Promise<unknown>)[] = [];
	afterAll(async () => {
		for (const stop of stops.splice(0).reverse()) await stop();
		rmSync(root, { recursive: true, force: true });
	});

	test("are added where the known ones are absent", async () => {
		const pipeline = await Pipeline.start(root);
		stops.push(() => pipeline.stop());
		const store = await openStore({ kind: "server", url: pipeline.server.url });
		stops.push(() => store.close());
		await store.migrate();
		const langfuse = [
			text("langfuse.observation.type", "generation"),
			text("langfuse.observation.model.name", "gpt"),
			text("langfuse.observation.usage_details", '{"input":5,"output":6}'),
			text("langfuse.observation.cost_details", '{"total":0.5}'),
		];
		const oldFlag = [text("feature_flag.variant", "tone.old"), text("gen_ai.operation.name", "chat")];
		const spans = [
			callSpan(1, {
				attributes: [text("armspan.unit.id", "a"), text("langfuse.observation.prompt.name", "p"), ...langfuse],
			}),
			callSpan(2, { attributes: [text("armspan.unit.id", "b"), text("gen_ai.prompt.name", "p"), ...oldFlag] }),
			callSpan(3, {}, [text("feature_flag.variant", "tone.old"), text("gen_ai.usage.input_tokens", "9"), ...langfuse]),
			callSpan(4, {
				attributes: [
					text("armspan.unit.id", "d"),
					text("gen_ai.prompt.name", "p"),
					text("langfuse.observation.type", "span"),
				],
			}),
		];
		await send(pipeline.agent.otlpUrl, "traces", tracesRequest(spans));
		await Pipeline.until(async () => (await pipeline.gateway.sent()) === spans.length);
		const calls = await pipeline.server.run(
			"SELECT unit_id, variant, operation, model, input_tokens, output_tokens, cost_nano_usd FROM calls FINAL ORDER BY unit_id FORMAT TSV",
		);
		expect(calls.trimEnd().split("\n")).toEqual([
			"a\t\tchat\tgpt\t5\t6\t500000000",
			"b\told\tchat\t\t\\N\t\\N\t\\N",
			"user-3\tcontrol\tchat\tm\t9\t6\t500000000",
		]);
		// What was absent stays absent: events without an id are identified by their attributes.
		const empty = "SELECT countIf(has(mapValues(SpanAttributes), '')) FROM otel_traces";
		expect(await pipeline.server.run(empty)).toBe("0\n");
	}, 60_000);
});
