import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeTraceRows } from "../encode-rows.ts";
import { readBlock } from "../native/read-block.ts";
import { StoreError } from "../store-error.ts";
import { decodeTraces } from "./decode.ts";
import { transcodeLogs, transcodeTraces } from "./transcode.ts";

/** A request of everything that spans can hold, from several scopes and two resources. */
function sdkBody(serializer: typeof ProtobufTraceSerializer): Uint8Array {
	const spans = ["support-bot", "bücher"].flatMap((service) => {
		const exporter = new InMemorySpanExporter();
		const provider = new TracerProvider({
			resource: resourceFromAttributes({ "service.name": service, "process.pid": 7 }),
			spanProcessors: [new SimpleSpanProcessor({ exporter })],
		});
		for (const scope of ["instrumentation-openai", ""]) {
			const tracer = provider.getTracer(scope, "0.22.0");
			const linked = tracer.startSpan("linked");
			linked.end();
			for (let index = 0; index < 3; index++) {
				const span = tracer.startSpan(`chat ${index}`, {
					kind: SpanKind.CLIENT,
					links: index === 0 ? [] : [{ context: linked.spanContext(), attributes: { why: "retry", n: index } }],
					attributes: {
						...{ text: "héllo \u{1f600}\n\"'\\\0", empty: "", integer: 42, negative: -7, large: 2 ** 53, tiny: 5e-324 },
						...{ double: 0.000123, whole: 1.5e300, yes: true, no: false, list: ["stop", "length"], numbers: [1, 2.5] },
						...{ long: "x".repeat(1000), "long é": "é".repeat(1000), "__proto__ ": "inert", [`key ${index}`]: index },
						[`${"very long key ".repeat(10)}${index}`]: "x",
					},
				});
				if (index !== 1) span.addEvent("first chunk", { n: 1 });
				if (index === 2) span.addEvent("second chunk").setStatus({ code: SpanStatusCode.ERROR, message: "429 é" });
				span.end();
			}
		}
		return exporter.getFinishedSpans();
	});
	return serializer.serializeRequest(spans) as Uint8Array;
}

const protobuf = sdkBody(ProtobufTraceSerializer);
const json = sdkBody(JsonTraceSerializer as typeof ProtobufTraceSerializer);

/** What rows and blocks alike say of a body, or the error. */
function outcome(run: () => { block: Uint8Array; rejected: number; rejectedReason?: string }) {
	try {
		const { block, rejected, rejectedReason } = run();
		return { rows: readBlock(block), rejected, rejectedReason };
	} catch (error) {
		expect(error).toBeInstanceOf(StoreError);
		expect((error as StoreError).cause).not.toBeInstanceOf(TypeError);
		return (error as StoreError).code;
	}
}

function byRows(body: Uint8Array) {
	return outcome(() => {
		const { rows, ...refused } = decodeTraces(body, "application/x-protobuf");
		return { ...refused, block: encodeTraceRows(rows) };
	});
}

const byCopy = (body: Uint8Array) => outcome(() => transcodeTraces(body, "application/x-protobuf"));

test("a block copied from a body holds what its rows hold", () => {
	const copied = byCopy(protobuf);
	expect(copied).toEqual(byRows(protobuf));
	expect((copied as { rows: unknown[] }).rows).toHaveLength(16);
	// and a block of another content type, in the same columns
	const { rows } = decodeTraces(json, "application/json");
	expect(readBlock(transcodeTraces(json, "application/json").block)).toEqual(readBlock(encodeTraceRows(rows)));
});

test("it does so after any earlier request, refused or not", () => {
	const alone = byCopy(protobuf);
	expect(byCopy(protobuf.slice(0, 1000))).toBe("OTLP_MALFORMED");
	expect(byCopy(protobuf)).toEqual(alone);
});

test("a block copied from a body holds what its rows hold, whatever bytes are changed or cut off", () => {
	const change = fc.tuple(fc.nat(protobuf.length - 1), fc.integer({ min: 0, max: 255 }));
	let taken = 0;
	let refused = 0;
	fc.assert(
		fc.property(
			fc.array(change, { maxLength: 5 }),
			fc.option(fc.nat(protobuf.length), { freq: 8, nil: protobuf.length }),
			(changes, length) => {
				const body = protobuf.slice(0, length);
				for (const [index, byte] of changes) {
					if (index < length) body[index] = byte;
				}
				const expected = byRows(body);
				expect(byCopy(body)).toEqual(expected);
				if (typeof expected === "string") refused += 1;
				else if (changes.length > 0) taken += 1;
			},
		),
		{ numRuns: 1_500 },
	);
	expect(Math.min(taken, refused)).toBeGreaterThan(10);
}, 60_000);

const field = (number: number, body: Uint8Array | string): Buffer => {
	const bytes = Buffer.from(body as string);
	const length: number[] = [];
	let rest = bytes.length;
	do {
		length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
		rest >>>= 7;
	} while (rest > 0);
	return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};
const attribute = (key: string | Uint8Array, ...values: Uint8Array[]) =>
	field(9, Buffer.concat([field(1, key), ...values.map((value) => field(2, value))]));
const ids = Buffer.concat([field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 2))]);
const request = (...spans: Uint8Array[]) =>
	field(1, field(2, Buffer.concat(spans.map((span) => field(2, Buffer.concat([ids, span]))))));

test.each([
	["a key twice, of which the last counts", attribute("k", field(1, "a")), attribute("k", field(1, "b"))],
	["a value twice", attribute("k", field(1, "a"), Buffer.from([0x10, 1]))],
	["a value of two kinds", attribute("k", Buffer.concat([Buffer.from([0x18, 5]), field(1, "é")]))],
	["no value", attribute("k"), attribute("l", Buffer.alloc(0))],
	["no key", field(9, field(2, field(1, "v")))],
	["the value before the key", field(9, Buffer.concat([field(2, field(1, "v")), field(1, "k")]))],
	[
		"bad UTF-8",
		attribute(Buffer.from([0xff, 0x61]), field(1, Buffer.from([0x62, 0xc3]))),
		field(5, Buffer.from([0xe2])),
	],
	[
		"two bad keys that are mended alike",
		attribute(Buffer.from([0xff]), field(1, "a")),
		attribute(Buffer.from([0xfe]), field(1, "b")),
	],
	["a text too long for a column", attribute("k", field(1, "é".repeat(200_000))), field(3, "s".repeat(300_000))],
	["a byte-order mark", attribute("\ufeffk", field(1, "\ufeffv"))],
	["hostile keys", attribute("__proto__", field(1, "x")), attribute("constructor.prototype.x", field(1, "y"))],
	["bytes, lists and maps", attribute("b", field(7, "raw")), attribute("l", field(5, field(1, field(1, "x"))))],
	["an integer of 64 bits", attribute("k", Buffer.from([0x18, ...Array(9).fill(0xff), 1]))],
	["a name twice", field(5, "a"), field(5, "b")],
	["a parent of zeros", field(4, Buffer.alloc(8))],
	["unknown fields", field(99 & 31, "x"), Buffer.from([0x80, 0x01, 7])],
])("%s gives the same row either way", (_, ...parts) => {
	const body = request(Buffer.concat(parts as Buffer[]), Buffer.alloc(0));
	const copied = byCopy(body);
	expect(copied).toEqual(byRows(body));
	expect((copied as { rows: unknown[] }).rows).toHaveLength(2);
	expect(({} as Record<string, unknown>).x).toBeUndefined();
});

test.each([
	[
		"too many attributes",
		Buffer.concat(Array.from({ length: 1025 }, (_, index) => attribute(`k${index}`, field(1, "")))),
	],
	[
		"a value nested too deep",
		attribute(
			"k",
			Array.from({ length: 10_000 }).reduce<Buffer>((value) => field(5, field(1, value)), Buffer.alloc(0)),
		),
	],
	["a trace id of zeros", field(1, Buffer.alloc(16))],
	["a span id of another length", field(2, Buffer.alloc(40, 1))],
])("a span with %s is refused alone, for the same reason either way", (_, part) => {
	const body = request(attribute("left", field(1, "behind")), part, attribute("kept", field(1, "too")));
	const copied = byCopy(body) as { rows: Record<string, unknown>[]; rejected: number };
	expect(copied).toEqual(byRows(body));
	expect(copied.rejected).toBe(1);
	expect(copied.rows.map((row) => row.SpanAttributes)).toEqual([[["left", "behind"]], [["kept", "too"]]]);
});

test("a million attributes in one request are taken, in 1,024 keys at most per span, or refused, without a row too much", () => {
	const many = Buffer.concat(
		Array.from({ length: 1000 }, (_, index) => attribute(`k${index}`, Buffer.from([0x18, 1]))),
	);
	const body = request(...Array.from({ length: 1000 }, () => many));
	const { rows, block } = transcodeTraces(body, "application/x-protobuf");
	expect(rows).toBe(1000);
	// a key costs its text once, and two bytes in each row
	expect(block.length).toBeLessThan(body.length);
	const hostile = request(
		Buffer.concat(Array.from({ length: 1_000_000 }, () => Buffer.from([0x4a, 0]))),
		Buffer.alloc(0),
	);
	expect(transcodeTraces(hostile, "application/x-protobuf")).toMatchObject({ rows: 1 + 1, rejected: 0 });
});

test("more than 256 and more than 65,536 keys of one request keep their names", () => {
	for (const count of [300, 70_000]) {
		const spans = Array.from({ length: Math.ceil(count / 1000) }, (_, span) =>
			Buffer.concat(Array.from({ length: 1000 }, (_, index) => attribute(`k${span * 1000 + index}`, field(1, "v")))),
		);
		const rows = readBlock(transcodeTraces(request(...spans), "application/x-protobuf").block);
		const names = rows.flatMap((row) => (row.SpanAttributes as [string, string][]).map(([key]) => key));
		expect([names.length, new Set(names).size, names[299]]).toEqual([spans.length * 1000, spans.length * 1000, "k299"]);
	}
});

test("log events go the same way", () => {
	const text = JSON.stringify({
		resourceLogs: [
			{
				resource: { attributes: [{ key: "service.name", value: { stringValue: "bot" } }] },
				scopeLogs: [
					{
						logRecords: [{ eventName: "e", severityNumber: 9, attributes: [{ key: "k", value: { intValue: 1 } }] }, {}],
					},
				],
			},
		],
	});
	const encoded = transcodeLogs(Buffer.from(text), "application/json");
	expect(encoded).toMatchObject({ table: "otel_logs", rows: 2, rejected: 0 });
	expect(readBlock(encoded.block)).toMatchObject([
		{ EventName: "e", SeverityNumber: 9, ServiceName: "bot", LogAttributes: [["k", "1"]], Timestamp: 0n },
		{ EventName: "", SeverityNumber: 0, ServiceName: "bot", LogAttributes: [] },
	]);
});

test("a request of more records than anybody sends is refused as a whole", () => {
	const spans = (count: number) =>
		Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${"{},".repeat(count)}{}]}]}]}`);
	expect(transcodeTraces(spans(262_143), "application/json")).toMatchObject({ rows: 0, rejected: 262_144 });
	expect(() => transcodeTraces(spans(262_144), "application/json")).toThrow("more than 262144 records");
	const empty = field(1, field(2, Buffer.concat(Array.from({ length: 262_145 }, () => field(2, "")))));
	expect(() => transcodeTraces(empty, "application/x-protobuf")).toThrow("more than 262144 records");
});

test("events and links of a request are counted together, since two bytes become twenty of them", () => {
	const events = Buffer.concat(Array.from({ length: 1_024 }, () => Buffer.from([0x5a, 0])));
	const body = request(...Array.from({ length: 1_100 }, () => events));
	const { rows, rejected, rejectedReason, block } = transcodeTraces(body, "application/x-protobuf");
	expect([rows, rejected]).toEqual([1_024, 76]);
	expect(rejectedReason).toContain("events and links in one request");
	expect(block.length).toBeLessThan(12 * body.length);
	expect(decodeTraces(body, "application/x-protobuf")).toMatchObject({ rejected, rejectedReason });
});

test("what a resource says is repeated in no more rows than memory holds", () => {
	const large = field(1, field(1, Buffer.concat([field(1, "k"), field(2, field(1, "x".repeat(200_000)))])));
	const spans = Buffer.concat(Array.from({ length: 2_000 }, () => field(2, ids)));
	const body = field(1, Buffer.concat([large, field(2, spans)]));
	const { rows, rejected, rejectedReason, block } = transcodeTraces(body, "application/x-protobuf");
	expect([rows, rejected]).toEqual([168, 1_832]);
	expect(rejectedReason).toContain("resource and scope take more than");
	expect(block.length).toBeLessThan(40_000_000);
});
