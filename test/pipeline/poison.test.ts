import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callSpan, send, tracesRequest } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";
import { double, field, fixed64, integer } from "./protobuf.ts";

type Bytes = Uint8Array<ArrayBuffer>;
const SECOND = 1_000_000_000n;
const now = BigInt(Date.now()) * 1_000_000n;
const NOT_UTF8 = Uint8Array.from([0xc3, 0x28, 0xff, 0xfe, 0x00, 0xed, 0xa0, 0x80]);

const attribute = (key: string | Bytes, ...value: Bytes[]) => field(9, [field(1, key), field(2, value)]);
const text = (key: string | Bytes, value: string | Bytes) => attribute(key, field(1, value));
let spans = 0;

interface Poison {
	start?: bigint;
	end?: bigint;
	name?: string | Bytes;
	ids?: Bytes[];
	more?: Bytes[];
}

/** A span of an LLM call, but for what is poisonous in it. */
function poison({ start = now, end = now + SECOND, name = "chat m", ids, more = [] }: Poison): Bytes {
	spans++;
	const id = new Uint8Array(16).fill(0xee);
	new DataView(id.buffer).setUint32(0, spans);
	return field(2, [
		...(ids ?? [field(1, id), field(2, id.slice(0, 8))]),
		field(5, name),
		integer(6, 3),
		fixed64(7, start),
		fixed64(8, end),
		text("gen_ai.operation.name", "chat"),
		text("gen_ai.prompt.name", "support-reply"),
		text("gen_ai.response.id", `poison-${spans}`),
		...more,
	]);
}

const request = (...all: Bytes[]): Bytes => field(1, [field(2, all)]) as Bytes;
const event = (time: bigint, name: string | Bytes) => field(11, [fixed64(1, time), field(2, name)]);
/** A list in a list in a list … */
const nested = (depth: number): Bytes => (depth === 0 ? field(1, "deep") : field(5, field(1, nested(depth - 1))));

const POISONS: Readonly<Record<string, Poison>> = {
	"NaN, infinities and numbers that are none": {
		more: [
			attribute("armspan.cost.usd", double(4, Number.NaN)),
			attribute("gen_ai.usage.input_tokens", double(4, Number.POSITIVE_INFINITY)),
			attribute("gen_ai.usage.output_tokens", double(4, -1e308)),
			text("gen_ai.response.time_to_first_chunk", "soon"),
			text("armspan.iteration", "-1"),
			text("armspan.routing.revision", "18446744073709551616"),
		],
	},
	"bytes that are no UTF-8, as name, key and value": {
		name: NOT_UTF8,
		more: [text(NOT_UTF8, NOT_UTF8), text("armspan.unit.id", NOT_UTF8), event(now, NOT_UTF8)],
	},
	"names of JavaScript's and SQL's nightmares": {
		name: "'; DROP TABLE calls; --",
		more: [
			text("__proto__", "polluted"),
			text("constructor.prototype.x", "polluted"),
			text("armspan.experiment", "'); DROP TABLE otel_traces; --"),
			text("", ""),
			text("armspan.unit.id", "\u0000\u0001\n\t\\"),
		],
	},
	"the same attribute twice": { more: [text("armspan.unit.id", "a"), text("armspan.unit.id", "b")] },
	"1970": { start: 0n, end: SECOND },
	"2199": { start: 7_226_582_400n * SECOND, end: 7_226_582_401n * SECOND },
	"the latest time there is": { start: 2n ** 64n - 1n, end: 2n ** 64n - 1n },
	"a time that is negative when signed": { start: 2n ** 63n, end: 2n ** 63n + SECOND },
	"an end before the start": { end: now - 3600n * SECOND },
	"events at impossible times": {
		more: [event(0n, "first"), event(2n ** 63n, "second"), event(2n ** 64n - 1n, "third")],
	},
	"a value of two megabytes": { more: [text("langgraph.state", "x".repeat(2_000_000))] },
	"a name of a megabyte": { name: "n".repeat(1_000_000) },
	"a thousand attributes": {
		more: Array.from({ length: 1000 }, (_, index) => text(`attribute.${spans}.${index}`, String(index))),
	},
	"a list in a list, fifty times": { more: [attribute("deep", nested(50))] },
	"a status that does not exist": { more: [field(15, [integer(3, 99)])] },
};

describe.skipIf(pipelineUnavailable("poison spans through the Collector"))(
	"a poison span does not stop the pipeline",
	() => {
		const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-poison-"));
		let pipeline: Pipeline;
		let store: Store;
		beforeAll(async () => {
			pipeline = await Pipeline.start(root);
			store = await openStore({ kind: "server", url: pipeline.server.url });
			await store.migrate();
		});
		afterAll(async () => {
			await store.close();
			await pipeline.stop();
			rmSync(root, { recursive: true, force: true });
		});

		const responseIds = async () => new Set((await store.callIds({})).map(({ responseId }) => responseId));

		test("each comes with good spans in its batch; all of them are stored, and so is what comes after", async () => {
			const poisons = Object.values(POISONS);
			for (const [index, one] of poisons.entries()) {
				await send(pipeline.agent.otlpUrl, "traces", request(poison(one)));
				await send(pipeline.agent.otlpUrl, "traces", tracesRequest([callSpan(index)]));
			}
			await Pipeline.until(async () => (await responseIds()).size >= 2 * poisons.length);
			expect(await responseIds()).toEqual(
				new Set(poisons.flatMap((_, index) => [`poison-${index + 1}`, `response-${index}`])),
			);
			// Nothing waits to be tried again.
			await Pipeline.until(async () => (await pipeline.gateway.metric("otelcol_exporter_queue_size")) === 0);
			expect(await pipeline.gateway.metric("otelcol_exporter_send_failed_spans")).toBe(0);
			// What cannot be is set apart, not taken for a measurement.
			const row = (what: string) =>
				`SELECT DISTINCT ${what} FROM call_traces WHERE response_id = 'poison-${Object.keys(POISONS).indexOf("NaN, infinities and numbers that are none") + 1}' FORMAT TSV`;
			expect(await pipeline.server.run(row("quarantined, cost_nano_usd, input_tokens, output_tokens"))).toBe(
				"true\t\\N\t\\N\t\\N\n",
			);
			expect(
				await pipeline.server.run("SELECT countIf(quarantined AND started_at IS NULL) FROM calls FINAL FORMAT TSV"),
			).toBe("4\n");
			expect(await pipeline.server.run("SELECT uniqExact(toDate(Timestamp)) <= 3 FROM otel_traces")).toBe("1\n");
		}, 60_000);

		test("what has no identity, or more attributes than a span has, is left out and counted", async () => {
			const before = await pipeline.agent.metric("otelcol_processor_filter_spans_filtered");
			const zero = [field(1, new Uint8Array(16)), field(2, new Uint8Array(8))];
			const attributes = Array.from({ length: 2000 }, (_, index) => text(`a${index}`, "x"));
			const left = [poison({ ids: [] }), poison({ ids: zero }), poison({ more: attributes })];
			await send(pipeline.agent.otlpUrl, "traces", request(...left));
			await send(pipeline.agent.otlpUrl, "traces", tracesRequest([callSpan(100_000)]));
			await Pipeline.until(async () => (await responseIds()).has("response-100000"));
			expect((await pipeline.agent.metric("otelcol_processor_filter_spans_filtered")) - before).toBe(left.length);
			expect(
				[...(await responseIds())].filter((id) => Number(id.split("poison-")[1]) > Object.keys(POISONS).length),
			).toEqual([]);
		}, 60_000);

		test("a hundred days in one request are one insert", async () => {
			const days = Array.from({ length: 200 }, (_, day) => poison({ start: now - BigInt(day) * 86_400n * SECOND }));
			const sentBefore = await pipeline.gateway.metric("otelcol_exporter_sent_spans");
			await send(pipeline.agent.otlpUrl, "traces", request(...days));
			await Pipeline.until(
				async () => (await pipeline.gateway.metric("otelcol_exporter_sent_spans")) === sentBefore + days.length,
			);
			// Within thirty days a time is kept; before, the call is kept without its time.
			expect(Number(await pipeline.server.run("SELECT uniqExact(toDate(Timestamp)) FROM otel_traces"))).toBeLessThan(
				35,
			);
		}, 60_000);

		test("what is no OTLP at all is refused, and the next request is taken", async () => {
			await expect(
				send(pipeline.agent.otlpUrl, "traces", Uint8Array.from([0x0a, 0xff, 0xff, 0xff, 0xff])),
			).rejects.toThrow("answers 400");
			await expect(send(pipeline.agent.otlpUrl, "traces", "x".repeat(22 * 2 ** 20))).rejects.toThrow(/answers 4\d\d/);
			await send(pipeline.agent.otlpUrl, "traces", tracesRequest([callSpan(100_001)]));
			await Pipeline.until(async () => (await responseIds()).has("response-100001"));
		}, 60_000);
	},
);
