import { SpanKind } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

export type Encoding = "protobuf" | "json";

/** A body such as a BatchSpanProcessor sends (LLM client spans with 25 attributes), whose spans can be made new ones. */
export interface ExportBody {
	bytes: Buffer;
	/** Gives every span an id that no other has. */
	renew(): void;
}

export function exportBody(spansPerBody: number, encoding: Encoding): ExportBody {
	const spans = finishedSpans(spansPerBody);
	const serializer = encoding === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
	const bytes = Buffer.from(serializer.serializeRequest(spans) as Uint8Array);
	const places = spans.flatMap((span) => {
		const { traceId, spanId } = span.spanContext();
		return [traceId, spanId].map((id) => bytes.indexOf(encoding === "json" ? id : Buffer.from(id, "hex")));
	});
	let serial = Math.floor(Math.random() * 2 ** 31);
	return {
		bytes,
		renew() {
			serial += 1;
			for (const place of places) {
				// the last bytes of the id stay, and differ from span to span
				if (encoding === "json") bytes.write(serial.toString(16).padStart(8, "0"), place, "latin1");
				else bytes.writeUInt32BE(serial, place);
			}
		},
	};
}

function finishedSpans(spansPerBody: number): ReturnType<InMemorySpanExporter["getFinishedSpans"]> {
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
	return exporter.getFinishedSpans();
}
