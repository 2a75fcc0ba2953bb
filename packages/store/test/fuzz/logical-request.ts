import { readdirSync, readFileSync } from "node:fs";
import type { Random } from "./random.ts";

export type Signal = "traces" | "logs";

/** An AnyValue. */
export type Value =
	| { kind: "string"; value: string }
	| { kind: "bool"; value: boolean }
	| { kind: "int"; value: bigint }
	| { kind: "double"; value: number }
	| { kind: "array"; value: Value[] }
	| { kind: "kvlist"; value: Attribute[] }
	| { kind: "bytes"; value: Buffer }
	| { kind: "empty" };

export type Attribute = [key: string, value: Value];

interface Item {
	time: bigint;
	name: string;
	attributes: Attribute[];
}

interface Link {
	traceId: Buffer;
	spanId: Buffer;
	traceState: string;
	attributes: Attribute[];
}

/** A span or a log record, by what either may hold. */
export interface LogicalRecord {
	traceId: Buffer;
	spanId: Buffer;
	parentSpanId: Buffer;
	text: string;
	name: string;
	number: number;
	flags: number;
	start: bigint;
	end: bigint;
	attributes: Attribute[];
	events: Item[];
	links: Link[];
	status: { code: number; message: string } | undefined;
	body: Value;
}

interface LogicalScope {
	name: string;
	version: string;
	attributes: Attribute[];
	schemaUrl: string;
	records: LogicalRecord[];
}

interface LogicalResource {
	attributes: Attribute[];
	schemaUrl: string;
	scopes: LogicalScope[];
}

/** What an export request says, whichever encoding it is written in. */
export interface LogicalRequest {
	signal: Signal;
	resources: LogicalResource[];
}

const MIGRATIONS = new URL("../../migrations/", import.meta.url);

/** Every attribute that a view reads. */
const KEYS_READ = [
	...new Set(
		readdirSync(MIGRATIONS, { recursive: true, encoding: "utf8" })
			.filter((name) => name.endsWith(".sql"))
			.flatMap((name) => [
				...readFileSync(new URL(name, MIGRATIONS), "utf8").matchAll(/(?:\ba|\w+Attributes)\['([^']+)'\]/g),
			])
			.map(([, key]) => key as string),
	),
].sort();

const HOSTILE_TEXTS = [
	...["", "__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "length", "then"],
	...["0", "-0", "1", "-1", "NaN", "nan", "inf", "Infinity", "-Infinity", "1e308", "1e309", "1e-400", "0x10", "1_0"],
	...["9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "007", "+1", " 1"],
	...[
		"true",
		"false",
		"null",
		"undefined",
		"[]",
		"{}",
		'["stop"]',
		'["stop"',
		'"',
		"\\",
		"\\N",
		"'",
		"\0",
		"\r\n",
		"\t",
	],
	...["\ufeff", "\ufffd", "\u2028", "\x7f", "\x80", "é", "\u{1f600}", "\u{10ffff}", "e\u0301", "\u202e", "\uffff"],
	...["tone.control", ".", "a".repeat(48), "a".repeat(49), "é".repeat(24), `${"a".repeat(47)}é`, "x".repeat(127)],
	...["x".repeat(128), "x".repeat(300), "chat", "text_completion", "embeddings", "feature_flag.evaluation"],
	...["gen_ai.evaluation.result", "control", "user", "2026-11-20T00:00:00Z", "0af7651916cd43dd8448eb211c80319c"],
];

const INTEGERS = [
	...[0n, 1n, -1n, 127n, 128n, 255n, 256n, 16_383n, 16_384n, 2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), 2n ** 32n],
	...[2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)],
];
const DOUBLES = [
	...[0, -0, 1, -1, 0.1, 1.5, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e21, 1e-7, 123456789],
	...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 2 ** 63, 1e300, 0.000123, 1 / 3],
];
const DAY = 86_400_000_000_000n;
const TODAY = 1_763_600_000_000_000_000n;
const TIMES = [
	0n,
	1n,
	2n ** 32n,
	2n ** 53n,
	2n ** 63n - 1n,
	2n ** 63n,
	2n ** 64n - 1n,
	TODAY - 400n * DAY,
	TODAY + DAY,
];
const NO_BYTES = Buffer.alloc(0);

/** How large: small mostly, so that many of them fit into a run. */
export interface RequestSize {
	records: number;
	attributes: number;
}

export function logicalRequest(random: Random, signal: Signal, size: RequestSize): LogicalRequest {
	const resources = Array.from({ length: random.chance(0.9) ? 1 : random.few(4) }, () => ({
		attributes: attributes(random, 3),
		schemaUrl: random.chance(0.9) ? "" : text(random),
		scopes: Array.from({ length: random.chance(0.9) ? 1 : random.few(4) }, () => ({
			name: random.chance(0.5) ? "" : text(random),
			version: random.chance(0.5) ? "" : text(random),
			attributes: random.chance(0.7) ? [] : attributes(random, 3),
			schemaUrl: random.chance(0.9) ? "" : text(random),
			records: Array.from({ length: size.records > 4 ? size.records : 1 + random.few(4) }, () =>
				record(random, signal, size.attributes),
			),
		})),
	}));
	return { signal, resources };
}

function record(random: Random, signal: Signal, attributeLimit: number): LogicalRecord {
	const isSpan = signal === "traces";
	const idsAreOptional = !isSpan && random.chance(0.5);
	return {
		traceId: idsAreOptional ? NO_BYTES : id(random, 16),
		spanId: idsAreOptional ? NO_BYTES : id(random, 8),
		parentSpanId: random.chance(0.6) ? NO_BYTES : id(random, 8),
		text: random.chance(0.8) ? "" : text(random),
		name: random.chance(0.2) ? "" : text(random),
		number: random.chance(0.9)
			? random.below(7)
			: random.pick([24, 25, 127, 128, 255, 256, 2 ** 31 - 1, -1, -(2 ** 31)]),
		flags: random.chance(0.8) ? 0 : random.pick([1, 255, 256, 2 ** 31, 2 ** 32 - 1]),
		start: time(random),
		end: time(random),
		attributes: attributes(random, attributeLimit),
		events: isSpan
			? many(random, () => ({ time: time(random), name: text(random), attributes: attributes(random, 3) }))
			: [],
		links: isSpan
			? many(random, () => ({
					traceId: id(random, 16),
					spanId: id(random, 8),
					traceState: random.chance(0.7) ? "" : text(random),
					attributes: attributes(random, 3),
				}))
			: [],
		status: random.chance(0.7)
			? undefined
			: { code: random.below(5) - 1, message: random.chance(0.5) ? "" : text(random) },
		body: random.chance(0.5) ? { kind: "empty" } : value(random, 0),
	};
}

function many<Made>(random: Random, make: () => Made): Made[] {
	return random.chance(0.85) ? [] : Array.from({ length: random.few(4) }, make);
}

function id(random: Random, size: number): Buffer {
	if (random.chance(0.95)) {
		const bytes = random.bytes(size);
		bytes[0] = 1;
		return bytes;
	}
	return random.chance(0.4)
		? Buffer.alloc(size)
		: random.bytes(random.pick([0, 1, 7, 8, 9, 12, 15, 16, 17, 32, 33, 64]));
}

function time(random: Random): bigint {
	return random.chance(0.9) ? TODAY + BigInt(random.next()) * 1000n : random.pick(TIMES);
}

function text(random: Random): string {
	const kind = random.below(8);
	if (kind < 3) {
		return random.pick(HOSTILE_TEXTS);
	}
	if (kind < 5) {
		return random.pick(KEYS_READ);
	}
	let made = "";
	for (let left = random.few(12); left > 0; left--) {
		made += kind === 5 ? random.pick(HOSTILE_TEXTS) : String.fromCodePoint(codePoint(random));
	}
	return made;
}

function codePoint(random: Random): number {
	const point = random.below(random.pick([0x80, 0x800, 0x1_0000, 0x11_0000]));
	return point >= 0xd800 && point <= 0xdfff ? 0x41 : point;
}

function attributes(random: Random, limit: number): Attribute[] {
	const length = limit > 8 ? limit : random.few(limit + 1);
	return Array.from({ length }, (_, index) => [
		limit > 8
			? `${random.pick(KEYS_READ)}${index % 7 === 0 ? index : ""}`
			: random.chance(0.6)
				? random.pick(KEYS_READ)
				: text(random),
		value(random, 0),
	]);
}

/** Deep seldom: what is beyond the limit is a case of its own. */
function value(random: Random, depth: number): Value {
	const kind = random.below(16);
	if (kind < 6) return { kind: "string", value: text(random) };
	if (kind < 8) return { kind: "int", value: integer(random) };
	if (kind < 10) return { kind: "double", value: double(random) };
	if (kind < 11) return { kind: "bool", value: random.chance(0.5) };
	if (kind < 12) return { kind: "bytes", value: random.bytes(random.few(20)) };
	if (kind < 13 || depth > 4) return { kind: "empty" };
	if (random.chance(0.04)) return nested(random, random.pick([30, 31, 32, 33, 40]));
	if (kind < 14)
		return {
			kind: "kvlist",
			value: Array.from({ length: random.few(4) }, () => [text(random), value(random, depth + 1)]),
		};
	return { kind: "array", value: Array.from({ length: random.few(5) }, () => value(random, depth + 1)) };
}

function nested(random: Random, depth: number): Value {
	let inner: Value = { kind: "string", value: "deep" };
	for (let level = 0; level < depth; level++) {
		inner = random.chance(0.5) ? { kind: "array", value: [inner] } : { kind: "kvlist", value: [["k", inner]] };
	}
	return inner;
}

function integer(random: Random): bigint {
	return random.chance(0.5)
		? random.pick(INTEGERS)
		: BigInt.asIntN(64, (BigInt(random.next()) << 32n) | BigInt(random.next()));
}

function double(random: Random): number {
	if (random.chance(0.5)) {
		return random.pick(DOUBLES);
	}
	const bytes = random.bytes(8);
	return bytes.readDoubleLE(0);
}
