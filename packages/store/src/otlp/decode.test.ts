import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
	JsonLogsSerializer,
	JsonTraceSerializer,
	ProtobufLogsSerializer,
	ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { StoreError } from "../store-error.ts";
import { decodeLogs, decodeTraces } from "./decode.ts";

const RESOURCE = resourceFromAttributes({ "service.name": "support-bot", "process.pid": 7 });
const START = [1_763_625_600, 123_456_789] as [number, number];
const END = [1_763_625_601, 123_456_789] as [number, number];

/** Spans as the SDK of an application makes them. */
function sdkSpans() {
	const exporter = new InMemorySpanExporter();
	const provider = new TracerProvider({ resource: RESOURCE, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
	const tracer = provider.getTracer("instrumentation-openai", "0.22.0");
	const linked = tracer.startSpan("linked", { startTime: START });
	const span = tracer.startSpan("chat gpt", {
		kind: SpanKind.CLIENT,
		startTime: START,
		links: [{ context: linked.spanContext(), attributes: { why: "retry" } }],
		attributes: {
			text: "héllo \u{1f600}\n\"'\\",
			integer: 42,
			negative: -7,
			large: 2 ** 53,
			double: 0.000123,
			whole: 1.5e300,
			yes: true,
			list: ["stop", "length"],
			numbers: [1, 2.5],
			"constructor.prototype.polluted": "inert",
		},
	});
	span.addEvent("first chunk", { n: 1 }, START);
	span.setStatus({ code: SpanStatusCode.ERROR, message: "429" });
	span.end(END);
	return { spans: exporter.getFinishedSpans(), span: span.spanContext(), linked: linked.spanContext() };
}

test("protobuf and JSON of the OpenTelemetry exporters decode to the rows that the Collector would write", () => {
	const { spans, span, linked } = sdkSpans();
	const fromProtobuf = decodeTraces(ProtobufTraceSerializer.serializeRequest(spans)!, "application/x-protobuf");
	const fromJson = decodeTraces(JsonTraceSerializer.serializeRequest(spans)!, "application/json");
	expect(fromJson).toEqual(fromProtobuf);
	expect(fromProtobuf.rejected).toBe(0);
	const [row] = fromProtobuf.rows;
	expect({ ...row, SpanAttributes: null, ResourceAttributes: null }).toEqual({
		Timestamp: "1763625600123456789",
		TraceId: span.traceId,
		SpanId: span.spanId,
		ParentSpanId: "",
		TraceState: "",
		SpanName: "chat gpt",
		SpanKind: "Client",
		ServiceName: "support-bot",
		ResourceAttributes: null,
		ScopeName: "instrumentation-openai",
		ScopeVersion: "0.22.0",
		SpanAttributes: null,
		Duration: "1000000000",
		StatusCode: "Error",
		StatusMessage: "429",
		Events: [{ Timestamp: "1763625600123456789", Name: "first chunk", Attributes: new Map([["n", "1"]]) }],
		Links: [
			{ TraceId: linked.traceId, SpanId: linked.spanId, TraceState: "", Attributes: new Map([["why", "retry"]]) },
		],
	});
	expect(row?.ResourceAttributes).toEqual(
		new Map([
			["service.name", "support-bot"],
			["process.pid", "7"],
		]),
	);
	const attributes = row?.SpanAttributes as Map<string, string>;
	expect(attributes.get("text")).toBe("héllo \u{1f600}\n\"'\\");
	expect(attributes.get("integer")).toBe("42");
	expect(attributes.get("negative")).toBe("-7");
	expect(attributes.get("large")).toBe("9007199254740992");
	expect(attributes.get("double")).toBe("0.000123");
	expect(attributes.get("whole")).toBe("1.5e+300");
	expect(attributes.get("yes")).toBe("true");
	expect(attributes.get("list")).toBe('["stop","length"]');
	expect(attributes.get("numbers")).toBe("[1,2.5]");
	expect(attributes.get("constructor.prototype.polluted")).toBe("inert");
	expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("log events decode alike from both encodings, with the event name and the span they belong to", () => {
	const exporter = new InMemoryLogRecordExporter();
	const provider = new LoggerProvider({
		resource: RESOURCE,
		processors: [new SimpleLogRecordProcessor({ exporter })],
	});
	const { span } = sdkSpans();
	const context = trace.setSpanContext(ROOT_CONTEXT, span);
	provider.getLogger("armspan", "0.1.0").emit({
		eventName: "gen_ai.evaluation.result",
		timestamp: START,
		severityNumber: 9,
		severityText: "INFO",
		body: { nested: { list: [1, "two", null] } },
		attributes: { "gen_ai.evaluation.score.value": 0.5, "armspan.event.id": "e1" },
		context,
	});
	const records = exporter.getFinishedLogRecords();
	const fromProtobuf = decodeLogs(ProtobufLogsSerializer.serializeRequest(records)!, "application/x-protobuf");
	const fromJson = decodeLogs(JsonLogsSerializer.serializeRequest(records)!, "application/json");
	expect(fromJson).toEqual(fromProtobuf);
	expect(fromProtobuf.rows[0]).toMatchObject({
		Timestamp: "1763625600123456789",
		EventName: "gen_ai.evaluation.result",
		SeverityNumber: 9,
		SeverityText: "INFO",
		Body: '{"nested":{"list":[1,"two",null]}}',
		ServiceName: "support-bot",
		ScopeName: "armspan",
	});
	expect(fromProtobuf.rows[0]?.LogAttributes.get("gen_ai.evaluation.score.value")).toBe("0.5");
});

const encode = (request: unknown) => new TextEncoder().encode(JSON.stringify(request));

function jsonRequest(...spans: object[]): Uint8Array {
	return encode({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: {}, spans }] }] });
}

function jsonSpan(changes: object = {}): object {
	return {
		traceId: "0af7651916cd43dd8448eb211c80319c",
		spanId: "b7ad6b7169203331",
		name: "chat",
		startTimeUnixNano: "1763625600000000000",
		endTimeUnixNano: "1763625600000000500",
		...changes,
	};
}

test.each([
	["zero trace id", { traceId: "0".repeat(32) }, "invalid trace id"],
	["zero span id", { spanId: "0".repeat(16) }, "invalid span id"],
	["short trace id", { traceId: "abcd" }, "invalid trace id"],
	["no span id", { spanId: undefined }, "invalid span id"],
	["id in base64", { traceId: "CvdlGRbNQ92ESOshHIAxnA==" }, "invalid trace id"],
	["name of another type", { name: 7 }, "invalid name"],
	["negative start", { startTimeUnixNano: "-1" }, "invalid startTimeUnixNano"],
	["start that is no number", { startTimeUnixNano: "yesterday" }, "invalid startTimeUnixNano"],
	["attribute without form", { attributes: ["x"] }, "invalid attributes"],
	[
		"too many attributes",
		{ attributes: Array.from({ length: 1025 }, (_, i) => ({ key: `k${i}`, value: { intValue: i } })) },
		"more than 1024 attributes",
	],
	["a value nested too deep", { attributes: [{ key: "deep", value: nested(40) }] }, "nested deeper than 32"],
	["a kind that cannot become a number", { kind: { toString: 1, valueOf: 1 } }, "invalid kind"],
	["a kind of lists in lists", { kind: JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`) }, "invalid kind"],
	["a kind that is true", { kind: true }, "invalid kind"],
	["a kind that is no text of a number", { kind: "" }, "invalid kind"],
	["an integer of more than 64 bits", attributeOf({ intValue: "9223372036854775808" }), "invalid intValue"],
	["a double that is an empty text", attributeOf({ doubleValue: "" }), "invalid doubleValue"],
	["a double in hexadecimal", attributeOf({ doubleValue: "0x10" }), "invalid doubleValue"],
	["a double that is a word", attributeOf({ doubleValue: "much" }), "invalid doubleValue"],
])("a span with %s is refused, the others of its batch are kept", (_, changes, reason) => {
	const { rows, rejected, rejectedReason } = decodeTraces(
		jsonRequest(jsonSpan(), jsonSpan(changes), jsonSpan({ spanId: "b7ad6b7169203332" })),
		"application/json",
	);
	expect(rows.map((row) => row.SpanId)).toEqual(["b7ad6b7169203331", "b7ad6b7169203332"]);
	expect(rejected).toBe(1);
	expect(rejectedReason).toContain(reason);
});

function attributeOf(value: object): object {
	return { attributes: [{ key: "k", value }] };
}

test("numbers in JSON may be texts, and an integer beyond all numbers is what JSON.parse makes of it", () => {
	const values = [
		'{"intValue":"-9223372036854775808"}',
		'{"intValue":1e400}',
		'{"doubleValue":"-1.5e3"}',
		'{"doubleValue":"NaN"}',
	];
	const attributes = values.map((value, index) => `{"key":"k${index}","value":${value}}`);
	const span = JSON.stringify(jsonSpan({ kind: "3" })).slice(0, -1);
	const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span},"attributes":[${attributes}]}]}]}]}`;
	const { rows } = decodeTraces(new TextEncoder().encode(text), "application/json");
	expect(rows[0]?.SpanKind).toBe("Client");
	expect([...(rows[0]?.SpanAttributes.values() ?? [])]).toEqual(["-9223372036854775808", "Infinity", "-1500", "NaN"]);
});

test("keys are counted, not attributes, in both encodings", () => {
	const twice = Array.from({ length: 2_000 }, (_, index) => ({
		key: `k${index % 5}`,
		value: { stringValue: `${index}` },
	}));
	const { rows } = decodeTraces(jsonRequest(jsonSpan({ attributes: twice })), "application/json");
	const parts = twice.map(({ key, value }) =>
		lengthDelimited(
			9,
			Buffer.concat([
				lengthDelimited(1, Buffer.from(key)),
				lengthDelimited(2, lengthDelimited(1, Buffer.from(value.stringValue))),
			]),
		),
	);
	const span = Buffer.concat([
		lengthDelimited(1, Buffer.alloc(16, 1)),
		lengthDelimited(2, Buffer.alloc(8, 1)),
		...parts,
	]);
	const body = lengthDelimited(1, lengthDelimited(2, lengthDelimited(2, span)));
	const [fromProtobuf] = decodeTraces(body, "application/x-protobuf").rows;
	expect(rows[0]?.SpanAttributes.size).toBe(5);
	expect(fromProtobuf?.SpanAttributes).toEqual(rows[0]?.SpanAttributes);
});

function nested(depth: number): object {
	let value: object = { stringValue: "x" };
	for (let level = 0; level < depth; level++) {
		value = { arrayValue: { values: [value] } };
	}
	return value;
}

test("spans of more than 64 days in one request are refused, so that one request cannot make thousands of parts", () => {
	const day = (index: number) => String(1_763_625_600_000_000_000n + BigInt(index) * 86_400_000_000_000n);
	const spans = Array.from({ length: 70 }, (_, index) => jsonSpan({ startTimeUnixNano: day(index) }));
	const { rows, rejected, rejectedReason } = decodeTraces(jsonRequest(...spans), "application/json");
	expect([rows.length, rejected]).toEqual([64, 6]);
	expect(rejectedReason).toContain("64 days");
});

test("hostile keys are stored as they are and pollute nothing", () => {
	const text = `{"resourceSpans":[{"__proto__":{"x":1},"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c",
		"spanId":"b7ad6b7169203331","constructor":{"prototype":{"x":1}},
		"attributes":[{"key":"__proto__","value":{"kvlistValue":{"values":[{"key":"__proto__","value":{"intValue":"1"}}]}}},
		{"key":"constructor.prototype.x","value":{"stringValue":"1"}}]}]}]}]}`;
	const { rows } = decodeTraces(new TextEncoder().encode(text), "application/json");
	expect([...(rows[0]?.SpanAttributes ?? [])]).toEqual([
		["__proto__", '{"__proto__":1}'],
		["constructor.prototype.x", "1"],
	]);
	expect(({} as Record<string, unknown>).x).toBeUndefined();
});

test("times are kept to the nanosecond; impossible ones become 0 and an end before the start wraps as in the Collector", () => {
	const { rows } = decodeTraces(
		jsonRequest(
			jsonSpan({ startTimeUnixNano: "1763625600000000001" }),
			jsonSpan({ startTimeUnixNano: "18446744073709551615", endTimeUnixNano: "0" }),
			jsonSpan({ startTimeUnixNano: 1_000, endTimeUnixNano: 1 }),
		),
		"application/json",
	);
	expect(rows.map((row) => row.Timestamp)).toEqual(["1763625600000000001", "0", "1000"]);
	expect(rows.map((row) => row.Duration)).toEqual(["499", "1", "18446744073709550617"]);
});

test("lone surrogates are replaced and long strings cut, since the engine would refuse the INSERT or a column grow without bound", () => {
	const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
		"name":"a\\ud800b","attributes":[{"key":"long","value":{"stringValue":"${"x".repeat(300_000)}"}}]}]}]}]}`;
	const { rows } = decodeTraces(new TextEncoder().encode(text), "application/json");
	expect(rows[0]?.SpanName).toBe("a\ufffdb");
	expect(rows[0]?.SpanAttributes.get("long")).toHaveLength(262_144);
});

test.each([
	["text", "hello"],
	["a number", "1"],
	["null", "null"],
	["an array", "[]"],
	["a list of another type", '{"resourceSpans":{}}'],
	["a resource of another type", '{"resourceSpans":[7]}'],
])("a JSON body that is %s is malformed", (_, text) => {
	expect(codeOf(() => decodeTraces(new TextEncoder().encode(text), "application/json"))).toBe("OTLP_MALFORMED");
});

test("bodies in another content type are told apart from malformed ones; parameters of the type do not matter", () => {
	expect(codeOf(() => decodeTraces(new Uint8Array(), "text/plain" as never))).toBe("OTLP_CONTENT_TYPE_UNSUPPORTED");
	expect(decodeTraces(encode({}), "application/json; charset=utf-8" as never).rows).toEqual([]);
	expect(decodeTraces(new Uint8Array(), "application/x-protobuf").rows).toEqual([]);
});

test("a resource over a limit refuses the request", () => {
	const attributes = Array.from({ length: 2000 }, (_, i) => ({ key: `k${i}`, value: { intValue: i } }));
	const body = encode({ resourceSpans: [{ resource: { attributes }, scopeSpans: [] }] });
	expect(codeOf(() => decodeTraces(body, "application/json"))).toBe("OTLP_MALFORMED");
});

test("a protobuf value nested 10,000 deep is refused without exhausting the stack", () => {
	let value: Buffer = Buffer.from([0x0a, 0x01, 0x78]);
	for (let level = 0; level < 10_000; level++) {
		value = lengthDelimited(5, lengthDelimited(1, value));
	}
	const span = Buffer.concat([
		lengthDelimited(1, Buffer.alloc(16, 1)),
		lengthDelimited(2, Buffer.alloc(8, 1)),
		lengthDelimited(9, Buffer.concat([lengthDelimited(1, Buffer.from("deep")), lengthDelimited(2, value)])),
	]);
	const good = Buffer.concat([lengthDelimited(1, Buffer.alloc(16, 1)), lengthDelimited(2, Buffer.alloc(8, 2))]);
	const scope = Buffer.concat([lengthDelimited(2, span), lengthDelimited(2, good)]);
	const { rows, rejected } = decodeTraces(lengthDelimited(1, lengthDelimited(2, scope)), "application/x-protobuf");
	expect([rows.length, rejected]).toEqual([1, 1]);
});

function lengthDelimited(field: number, body: Buffer): Buffer {
	const length: number[] = [];
	let rest = body.length;
	do {
		length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
		rest >>>= 7;
	} while (rest > 0);
	return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), body]);
}

test("a resource that comes after its spans is still theirs, since protobuf fields have no order", () => {
	const span = Buffer.concat([lengthDelimited(1, Buffer.alloc(16, 1)), lengthDelimited(2, Buffer.alloc(8, 1))]);
	const name = Buffer.concat([
		lengthDelimited(1, Buffer.from("service.name")),
		lengthDelimited(2, lengthDelimited(1, Buffer.from("late"))),
	]);
	const body = lengthDelimited(
		1,
		Buffer.concat([lengthDelimited(2, lengthDelimited(2, span)), lengthDelimited(1, lengthDelimited(1, name))]),
	);
	expect(decodeTraces(body, "application/x-protobuf").rows[0]?.ServiceName).toBe("late");
});

test("whatever bytes come, the answer is rows or a StoreError (random bytes)", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 400 }), (body) => {
			for (const decode of [decodeTraces, decodeLogs]) {
				rowsOrStoreError(() => decode(body, "application/x-protobuf"));
				rowsOrStoreError(() => decode(body, "application/json"));
			}
		}),
		{ numRuns: 2_000 },
	);
});

test("whatever bytes come, the answer is rows or a StoreError (real requests with bytes changed or cut off)", () => {
	const { spans } = sdkSpans();
	const real = ProtobufTraceSerializer.serializeRequest(spans)!;
	const change = fc.tuple(fc.nat(real.length - 1), fc.integer({ min: 0, max: 255 }));
	fc.assert(
		fc.property(fc.array(change, { maxLength: 5 }), fc.nat(real.length), (changes, length) => {
			const body = real.slice(0, length);
			for (const [index, byte] of changes) {
				if (index < length) {
					body[index] = byte;
				}
			}
			rowsOrStoreError(() => decodeTraces(body, "application/x-protobuf"));
			rowsOrStoreError(() => decodeLogs(body, "application/x-protobuf"));
		}),
		{ numRuns: 3_000 },
	);
});

const FIELD_NAMES =
	"resourceSpans resourceLogs resource attributes scopeSpans scopeLogs scope spans logRecords traceId spanId name kind status code events links body key value stringValue boolValue intValue doubleValue arrayValue kvlistValue bytesValue values startTimeUnixNano timeUnixNano __proto__ constructor".split(
		" ",
	);

test("whatever JSON comes, the answer is rows or a StoreError", () => {
	const shapes = fc.letrec((tie) => ({
		any: fc.oneof(
			{ depthSize: "small" },
			fc.constantFrom(null, true, -1, 1e300, "x", "1", "NaN", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"),
			fc.array(tie("any"), { maxLength: 3 }),
			fc.dictionary(fc.constantFrom(...FIELD_NAMES), tie("any"), { maxKeys: 6 }),
		),
	}));
	fc.assert(
		fc.property(shapes.any, (part) => {
			for (const request of [
				part,
				{ resourceSpans: [{ scopeSpans: [{ spans: [part, jsonSpan({ attributes: part })] }] }] },
				{ resourceLogs: [{ resource: part, scopeLogs: [{ scope: part, logRecords: [part, { body: part }] }] }] },
			]) {
				const body = encode(request);
				rowsOrStoreError(() => decodeTraces(body, "application/json"));
				rowsOrStoreError(() => decodeLogs(body, "application/json"));
			}
		}),
		{ numRuns: 2_000 },
	);
	expect(({} as Record<string, unknown>).x).toBeUndefined();
});

function rowsOrStoreError(decode: () => { rows: unknown[]; rejected: number }): void {
	try {
		const { rows, rejected } = decode();
		expect(Array.isArray(rows) && rejected >= 0).toBe(true);
	} catch (error) {
		expect(error).toBeInstanceOf(StoreError);
		// a mistake of ours would otherwise pass for a malformed body
		expect((error as StoreError).cause).not.toBeInstanceOf(TypeError);
	}
}

function codeOf(run: () => unknown): string {
	try {
		run();
	} catch (error) {
		return (error as StoreError).code;
	}
	return "nothing thrown";
}
