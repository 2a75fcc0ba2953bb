import type { Attribute, LogicalRecord, LogicalRequest, Value } from "./logical-request.ts";
import type { Random } from "./random.ts";

/** What may stand where something else is expected. */
const WRONG = [
	...["null", "true", "false", "0", "-0", "-1", "1.5", "1e400", "-1e400", "1e-400", "9007199254740993", "4294967296"],
	...["18446744073709551616", '""', '"0"', '"1"', '"-1"', '" 7 "', '"0x10"', '"1e3"', '"NaN"', '"Infinity"', '"abc"'],
	...[
		'"9223372036854775808"',
		'"-9223372036854775809"',
		'"99999999999999999999"',
		'"999999999999999999999"',
		"[]",
		"{}",
	],
	...[
		"[7]",
		"[[]]",
		"[null]",
		'{"toString":1,"valueOf":1}',
		'{"__proto__":{"x":1}}',
		'{"constructor":{"prototype":{"x":1}}}',
	],
	...['{"length":7}', '{"0":1,"length":1}', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"SPAN_KIND_SERVER"'],
	...['{"values":[null]}', '{"stringValue":null}', '{"intValue":1e400}', '{"doubleValue":""}', '{"bytesValue":"%%%"}'],
	...[`${"[".repeat(300)}${"]".repeat(300)}`, `${'{"a":'.repeat(300)}1${"}".repeat(300)}`],
];
const BROKEN = [
	"",
	",",
	"{",
	"]",
	'"',
	"\\",
	'"\\x"',
	'"\\u12"',
	'"\n"',
	"01",
	"+1",
	".5",
	"NaN",
	"undefined",
	"'a'",
	"/**/",
	"\ufeff",
];
const KEYS = [
	"__proto__",
	"constructor",
	"toString",
	"unknown",
	"",
	"attributes",
	"spans",
	"value",
	"resource",
	"length",
];

/**
 * Writes a request in OTLP/JSON.
 * @param chaos probability, for each field, that something is wrong with it; 0 writes it as an exporter would
 */
export function writeJson(request: LogicalRequest, random: Random, chaos: number): Buffer {
	return Buffer.from(new Writer(random, chaos).request(request));
}

class Writer {
	readonly #random: Random;
	readonly #chaos: number;

	constructor(random: Random, chaos: number) {
		this.#random = random;
		this.#chaos = chaos;
	}

	request({ signal, resources }: LogicalRequest): string {
		const isTraces = signal === "traces";
		const list = resources.map(({ attributes, scopes, schemaUrl }) =>
			this.#object([
				["resource", this.#object([["attributes", this.#attributes(attributes)]])],
				[
					isTraces ? "scopeSpans" : "scopeLogs",
					this.#list(
						scopes.map((scope) =>
							this.#object([
								[
									"scope",
									this.#object([
										["name", this.#text(scope.name)],
										["version", this.#text(scope.version)],
										["attributes", this.#attributes(scope.attributes)],
									]),
								],
								[
									isTraces ? "spans" : "logRecords",
									this.#list(scope.records.map((record) => (isTraces ? this.#span(record) : this.#log(record)))),
								],
								["schemaUrl", this.#text(scope.schemaUrl)],
							]),
						),
					),
				],
				["schemaUrl", this.#text(schemaUrl)],
			]),
		);
		return this.#object([[isTraces ? "resourceSpans" : "resourceLogs", this.#list(list)]]);
	}

	#span(span: LogicalRecord): string {
		const { status } = span;
		return this.#object([
			["traceId", this.#id(span.traceId)],
			["spanId", this.#id(span.spanId)],
			["traceState", this.#text(span.text)],
			["parentSpanId", this.#id(span.parentSpanId)],
			["name", this.#text(span.name)],
			["kind", String(span.number)],
			["startTimeUnixNano", this.#time(span.start)],
			["endTimeUnixNano", this.#time(span.end)],
			["attributes", this.#attributes(span.attributes)],
			[
				"events",
				this.#list(
					span.events.map((event) =>
						this.#object([
							["timeUnixNano", this.#time(event.time)],
							["name", this.#text(event.name)],
							["attributes", this.#attributes(event.attributes)],
						]),
					),
				),
			],
			[
				"links",
				this.#list(
					span.links.map((link) =>
						this.#object([
							["traceId", this.#id(link.traceId)],
							["spanId", this.#id(link.spanId)],
							["traceState", this.#text(link.traceState)],
							["attributes", this.#attributes(link.attributes)],
						]),
					),
				),
			],
			[
				"status",
				status === undefined
					? "{}"
					: this.#object([
							["message", this.#text(status.message)],
							["code", String(status.code)],
						]),
			],
		]);
	}

	#log(record: LogicalRecord): string {
		return this.#object([
			["timeUnixNano", this.#time(record.start)],
			["severityNumber", String(record.number)],
			["severityText", this.#text(record.text)],
			["body", this.#value(record.body)],
			["attributes", this.#attributes(record.attributes)],
			["flags", String(record.flags)],
			["traceId", this.#id(record.traceId)],
			["spanId", this.#id(record.spanId)],
			["observedTimeUnixNano", this.#time(record.end)],
			["eventName", this.#text(record.name)],
		]);
	}

	#attributes(attributes: readonly Attribute[]): string {
		return this.#list(
			attributes.map(([key, value]) =>
				this.#object([
					["key", this.#text(key)],
					["value", this.#value(value)],
				]),
			),
		);
	}

	#value(value: Value): string {
		switch (value.kind) {
			case "string":
				return this.#object([["stringValue", this.#text(value.value)]]);
			case "bool":
				return this.#object([["boolValue", String(value.value)]]);
			case "int": {
				const isExact = BigInt(Number(value.value)) === value.value && Number.isSafeInteger(Number(value.value));
				const asNumber = isExact && this.#random.chance(0.5);
				return this.#object([["intValue", asNumber ? String(value.value) : `"${value.value}"`]]);
			}
			case "double":
				return this.#object([["doubleValue", Number.isFinite(value.value) ? String(value.value) : `"${value.value}"`]]);
			case "array":
				return this.#object([
					["arrayValue", this.#object([["values", this.#list(value.value.map((item) => this.#value(item)))]])],
				]);
			case "kvlist":
				return this.#object([["kvlistValue", this.#object([["values", this.#attributes(value.value)]])]]);
			case "bytes":
				return this.#object([["bytesValue", this.#text(value.value.toString("base64"))]]);
			case "empty":
				return this.#random.chance(0.5) ? "{}" : "null";
		}
	}

	#id(id: Buffer): string {
		if (this.#random.chance(this.#chaos)) {
			return JSON.stringify(id.toString(this.#random.pick(["base64", "base64url", "latin1"] as const)));
		}
		const hex = id.toString("hex");
		return `"${this.#random.chance(0.2) ? hex.toUpperCase() : hex}"`;
	}

	#time(time: bigint): string {
		return Number.isSafeInteger(Number(time)) && this.#random.chance(0.5) ? String(time) : `"${time}"`;
	}

	/** Every text may be written in several ways. */
	#text(text: string): string {
		const written = JSON.stringify(text);
		if (this.#random.chance(0.9)) {
			return written;
		}
		return `"${Array.from({ length: text.length }, (_, index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`).join("")}"`;
	}

	#list(items: readonly string[]): string {
		if (!this.#random.chance(this.#chaos)) {
			return `[${items.join(",")}]`;
		}
		return this.#random.pick([
			() => this.#random.pick(WRONG),
			() => `[${items.join(",")},${this.#random.pick(WRONG)}]`,
			() => `[${items.join(",")},${items.join(",")}]`,
			() => `{"0":${items[0] ?? "1"},"length":1}`,
			() => `[[${items.join(",")}]]`,
			() => items[0] ?? "{}",
		])();
	}

	#object(fields: readonly (readonly [string, string])[]): string {
		let text = "{";
		for (const [name, value] of fields) {
			if (text.length > 1) text += ",";
			text += this.#random.chance(this.#chaos) ? this.#wrongField(name, value) : `"${name}":${value}`;
		}
		return `${text}}`;
	}

	#wrongField(name: string, value: string): string {
		const random = this.#random;
		switch (random.below(10)) {
			case 0:
				return `"${random.pick(KEYS)}":${value}`;
			case 1:
				return `"${name}":${random.pick(WRONG)},"${name}":${value}`;
			case 2:
				return `"${random.pick(KEYS)}":${random.pick(WRONG)},"${name}":${value}`;
			case 3:
				return `"${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}":${value}`;
			case 4:
				return random.chance(0.1) ? `"${name}":${random.pick(BROKEN)}` : `"${name}":"${value.replaceAll('"', "")}"`;
			default:
				return `"${name}":${random.pick(WRONG)}`;
		}
	}
}
