import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, expect, test } from "vitest";
import { readBlock } from "../native/read-block.ts";
import { transcodeTraces } from "./transcode.ts";
import { Transcoder } from "./transcoder.ts";

const transcoders: Transcoder[] = [];
afterEach(() => Promise.all(transcoders.splice(0).map((transcoder) => transcoder.close())));

function transcoder(inlineBytes: number): Transcoder {
	const made = new Transcoder({ inlineBytes });
	transcoders.push(made);
	return made;
}

function body(name: string): Uint8Array {
	const exporter = new InMemorySpanExporter();
	const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer("t");
	tracer.startSpan(name).end();
	return JsonTraceSerializer.serializeRequest(exporter.getFinishedSpans()) as Uint8Array;
}

const nameOf = (block: Uint8Array) => readBlock(block).map(({ SpanName }) => SpanName);

test.each([
	["on its thread", 0],
	["inline", 100_000],
])("bodies transcoded %s give the same blocks, each its own, and errors keep their codes", async (_, inlineBytes) => {
	const made = transcoder(inlineBytes);
	const [alone] = [transcodeTraces(body("alone"), "application/json")];
	expect(nameOf(alone.block)).toEqual(["alone"]);
	const outcomes = await Promise.allSettled([
		made.transcode("traces", body("first"), "application/json"),
		made.transcode("traces", Buffer.from("{"), "application/json"),
		made.transcode("traces", body("second"), "application/json"),
		made.transcode("logs", Buffer.from("{}"), "application/json"),
		made.transcode("traces", body("third"), "text/plain" as never),
	]);
	expect(
		outcomes.map((outcome) => (outcome.status === "fulfilled" ? nameOf(outcome.value.block) : outcome.reason.code)),
	).toEqual([["first"], "OTLP_MALFORMED", ["second"], [], "OTLP_CONTENT_TYPE_UNSUPPORTED"]);
});

test("a small Buffer is transcoded on the thread without taking its neighbours in the pool along", async () => {
	const neighbour = Buffer.from("neighbour");
	const small = Buffer.from(body("small"));
	const pooled = Buffer.from(small.toString());
	await transcoder(0).transcode("traces", pooled, "application/json");
	expect(neighbour.toString()).toBe("neighbour");
});

test("what waits when it is closed is rejected, and nothing is taken afterwards", async () => {
	const made = transcoder(0);
	const waiting = Promise.allSettled([
		made.transcode("traces", body("a"), "application/json"),
		made.transcode("traces", body("b"), "application/json"),
	]);
	await made.close();
	expect((await waiting).map((outcome) => outcome.status === "rejected" && outcome.reason.code)).toEqual([
		"STORE_CLOSED",
		"STORE_CLOSED",
	]);
	await expect(made.transcode("traces", body("c"), "application/json")).rejects.toMatchObject({ code: "STORE_CLOSED" });
});

test("a body that is too much for the thread's memory is refused for good, and the next one is unharmed", async () => {
	const made = new Transcoder({ inlineBytes: 0, memoryMb: 16 });
	transcoders.push(made);
	const hostile = Buffer.from(`[${"[],".repeat(4_000_000)}[]]`);
	await expect(made.transcode("traces", hostile, "application/json")).rejects.toMatchObject({ code: "OTLP_MALFORMED" });
	expect(nameOf((await made.transcode("traces", body("next"), "application/json")).block)).toEqual(["next"]);
}, 60_000);
