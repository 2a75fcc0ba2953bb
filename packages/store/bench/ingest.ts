/** How many spans per second are decoded and committed, from one OTLP/HTTP protobuf body to the next. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeTraces, openStore } from "@armspan/store";
import { SpanKind } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const spansPerBody = Number(process.argv[2] ?? 512);
const bodiesPerInsert = Number(process.argv[3] ?? 20);
const seconds = Number(process.argv[4] ?? 10);

/** A body such as a BatchSpanProcessor sends: LLM client spans with 25 attributes. */
function exportBody(): Uint8Array {
	const exporter = new InMemorySpanExporter();
	const provider = new TracerProvider({
		resource: resourceFromAttributes({ "service.name": "support-bot", "process.pid": 7, "host.name": "bench" }),
		spanProcessors: [new SimpleSpanProcessor({ exporter })],
	});
	const tracer = provider.getTracer("instrumentation-openai", "0.22.0");
	for (let index = 0; index < spansPerBody; index++) {
		const span = tracer.startSpan("chat gpt-5-mini", { kind: SpanKind.CLIENT });
		span.setAttributes({
			"gen_ai.operation.name": "chat",
			"gen_ai.provider.name": "openai",
			"gen_ai.request.model": "gpt-5-mini",
			"gen_ai.request.temperature": 0.2,
			"gen_ai.response.id": `chatcmpl-${index}-${Math.random()}`,
			"gen_ai.response.model": "gpt-5-mini-2026-01-01",
			"gen_ai.response.finish_reasons": ["stop"],
			"gen_ai.usage.input_tokens": 400 + (index % 100),
			"gen_ai.usage.output_tokens": 100 + (index % 50),
			"gen_ai.response.time_to_first_chunk": 0.3,
			"gen_ai.prompt.name": "support-reply",
			"gen_ai.prompt.version": "1.1.0",
			"feature_flag.key": "support-reply",
			"feature_flag.result.variant": index % 2 === 0 ? "bench.control" : "bench.treatment",
			"armspan.experiment": "bench",
			"armspan.iteration": 1,
			"armspan.enrolled": true,
			"armspan.unit.type": "user",
			"armspan.unit.id": `user-${Math.floor(Math.random() * 3000)}`,
			"armspan.prompt.digest": "a".repeat(64),
			"armspan.routing.revision": 1,
			"armspan.cost.usd": 0.000123,
			"armspan.cost.source": "price-table",
			"server.address": "api.openai.com",
			"server.port": 443,
		});
		span.end();
	}
	return ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans())!;
}

const path = mkdtempSync(join(tmpdir(), "armspan-bench-"));
const store = await openStore({ kind: "embedded", path });
await store.migrate();
const body = exportBody();

let decodedSpans = 0;
let decodeMs = 0;
let insertMs = 0;
const begin = performance.now();
while (performance.now() - begin < seconds * 1000) {
	const startedAt = performance.now();
	const rows = [];
	for (let index = 0; index < bodiesPerInsert; index++) {
		for (const row of decodeTraces(body, "application/x-protobuf").rows) {
			rows.push(row);
		}
	}
	const decodedAt = performance.now();
	await store.insertTraces(rows);
	decodeMs += decodedAt - startedAt;
	insertMs += performance.now() - decodedAt;
	decodedSpans += rows.length;
}
const elapsedMs = performance.now() - begin;
console.log(
	JSON.stringify({
		spansPerInsert: spansPerBody * bodiesPerInsert,
		bytesPerSpan: Math.round(body.length / spansPerBody),
		spansPerSecond: Math.round((decodedSpans / elapsedMs) * 1000),
		decodeSpansPerSecond: Math.round((decodedSpans / decodeMs) * 1000),
		insertSpansPerSecond: Math.round((decodedSpans / insertMs) * 1000),
		insertMs: Math.round(insertMs / (decodedSpans / (spansPerBody * bodiesPerInsert))),
		rssMb: Math.round(process.memoryUsage().rss / 1e6),
	}),
);
await store.close();
rmSync(path, { recursive: true });
