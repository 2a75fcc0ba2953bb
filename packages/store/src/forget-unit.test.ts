import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientConnection } from "./client-connection.ts";
import type { Connection } from "./connection.ts";
import { forgetUnit } from "./forget-unit.ts";
import { variantSums } from "./metrics/variant-sums.ts";
import { openStore } from "./open-store.ts";
import { decodeLogs, decodeTraces } from "./otlp/decode.ts";
import type { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-forget-"));
let store: Store;
let raw: ClientConnection;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
	const embedded = createChdbConnection({ path: folder });
	raw = new ClientConnection(
		createClient({ connection: embedded } as unknown as Parameters<typeof createClient>[0]),
		embedded,
	);
});

afterAll(async () => {
	await raw.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

const AT_NANOS = BigInt(Date.UTC(2026, 10, 1)) * 1_000_000n;
const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const assigned = (unit: string) => [
	text("gen_ai.prompt.name", "support-reply"),
	text("feature_flag.result.variant", "tone.control"),
	text("armspan.experiment", "tone"),
	text("armspan.iteration", "1"),
	text("armspan.enrolled", "true"),
	text("armspan.unit.id", unit),
];

let spans = 0;
interface Span {
	trace: string;
	attributes: { key: string; value: object }[];
	name?: string;
	events?: { name: string; attributes: { key: string; value: object }[] }[];
}

async function deliver(delivered: Span[], logs: { unit: string; body: string; id: string }[]): Promise<void> {
	const traces = {
		resourceSpans: [
			{
				scopeSpans: [
					{
						spans: delivered.map(({ trace, attributes, name, events }) => ({
							traceId: trace.padStart(32, "0"),
							spanId: (++spans).toString(16).padStart(16, "0"),
							name: name ?? "chat",
							startTimeUnixNano: String(AT_NANOS),
							endTimeUnixNano: String(AT_NANOS + 1_000_000n),
							attributes,
							events: (events ?? []).map((event) => ({ ...event, timeUnixNano: String(AT_NANOS) })),
						})),
					},
				],
			},
		],
	};
	const records = {
		resourceLogs: [
			{
				scopeLogs: [
					{
						logRecords: logs.map(({ unit, body, id }) => ({
							timeUnixNano: String(AT_NANOS),
							eventName: "gen_ai.evaluation.result",
							body: { stringValue: body },
							attributes: [
								...assigned(unit),
								text("armspan.event.id", id),
								text("armspan.evaluation.kind", "feedback"),
							],
						})),
					},
				],
			},
		],
	};
	const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
	await store.insertTraces(decodeTraces(bytes(traces), "application/json").rows);
	await store.insertLogs(decodeLogs(bytes(records), "application/json").rows);
}

const call = (trace: string, unit: string): Span => ({
	trace,
	attributes: [...assigned(unit), text("gen_ai.operation.name", "chat")],
});

/** Names of the files of the data folder that hold the text; what lies compressed is searched by `forgetUnit` itself. */
async function statementsThatName(unit: string): Promise<number> {
	const [row] = await raw.query<{ rows: string }>(
		"SELECT toString(countIf(position(command, {unit:String}) > 0)) AS rows FROM system.mutations",
		{ unit },
	);
	return Number(row?.rows);
}

/** Every row of every table as text, in which the id may stand; a second way of looking. */
async function rowsThatContain(unit: string): Promise<string[]> {
	const tables = await raw.query<{ name: string }>(
		"SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
	);
	const found: string[] = [];
	for (const { name } of tables) {
		for (const row of await raw.query<object>(`SELECT * FROM ${name}`)) {
			if (JSON.stringify(row).includes(unit)) {
				found.push(name);
			}
		}
	}
	return found;
}

test("a unit is erased from every table, and its neighbours stay", async () => {
	const unit = "ada.lovelace@example.org";
	const neighbour = `not-${unit}`;
	await deliver(
		[
			call("a1", unit),
			// its trace: whatever else was recorded while it was served
			{ trace: "a1", attributes: [text("http.request.body", "my password is 12345")], name: "POST /chat" },
			// another unit in the same trace, as in a batch job
			call("a1", "grace"),
			// mentions elsewhere
			{ trace: "b1", attributes: [text("user", `{"id":"${unit}"}`)] },
			{ trace: "b2", attributes: [text("url.full", `https://x.test/u?id=${encodeURIComponent(unit)}&n=1`)] },
			{ trace: "b3", attributes: [], events: [{ name: "said", attributes: [text("by", unit)] }] },
			call("c1", neighbour),
			call("c2", "grace"),
		],
		[
			{ unit, body: "thumbs up", id: "e1" },
			{ unit: "grace", body: `wrote to ${unit} today`, id: "e2" },
			{ unit: "grace", body: "fine", id: "e3" },
		],
	);
	await deliver([call("a1", unit)], [{ unit, body: "thumbs up", id: "e1" }]);
	const counts = await store.counts();
	const planned = await store.forgetUnit({ unitIds: [unit], actor: "test", dryRun: true });
	expect(await store.counts()).toEqual(counts);
	const done = await store.forgetUnit({ unitIds: [unit], actor: "test" });
	expect(done.erased).toMatchObject({ otel_traces: 6, otel_logs: 2, evaluations: 1, calls: 2 });
	expect(done.outside).toEqual({ otel_traces: 3 });
	// what others wrote is theirs, and a person's to judge
	expect(done.remaining).toEqual([{ table: "otel_logs", column: "Body", rows: 1 }]);
	const { erased, outside, remaining } = done;
	expect(planned).toEqual({ id: null, erasedAt: null, erased, outside, remaining });
	expect((await rowsThatContain(unit)).filter((table) => table === "erasures")).toEqual([]);
	// the neighbour's id contains the unit's as text, and is somebody else's
	expect((await rowsThatContain(unit)).sort()).toEqual(["calls", "otel_logs", "otel_traces"]);
	expect((await rowsThatContain(neighbour)).sort()).toEqual(["calls", "otel_traces"]);
	expect(await rowsThatContain("my password is 12345")).toEqual([]);
	expect(await statementsThatName(unit)).toBe(0);
	const left = await store.callIds({});
	expect(left.map(({ unitId }) => unitId).sort()).toEqual(["grace", "grace", neighbour]);
	expect((await variantSums(store, { experiment: "tone", iteration: 1 })).variants[0]).toMatchObject({ units: 2 });
	expect(await store.counts()).toMatchObject({ traces: 3, logs: 2, evaluations: 2 });
});

test("who knows the id can verify its erasure; the row does not say it", async () => {
	const unit = "verify-me";
	await deliver([call("d1", unit)], []);
	const { id } = await store.forgetUnit({ unitIds: [unit], actor: "privacy desk" });
	const [row] = await raw.query<Record<string, string>>("SELECT * FROM erasures WHERE id = {id:UUID}", {
		id: String(id),
	});
	expect(row).toMatchObject({ actor: "privacy desk", remaining_rows: expect.anything() });
	expect(JSON.stringify(row)).not.toContain(unit);
	expect(row?.unit_hash).toBe(createHash("sha256").update(`${row?.salt}:${unit}`).digest("hex"));
});

test("ids that are quotes, patterns, newlines or short erase themselves only", async () => {
	const units = [
		"'); DROP TABLE calls; --",
		"a.c*",
		"7",
		"zeile\nzwei",
		"Ünïcødé-💥",
		"back\\slash",
		"{x:String}",
		"%25",
		"a\0b-12345@x",
	];
	await deliver(
		[
			...units.map((unit, index) => call(`e${index}`, unit)),
			call("f1", "abc*"),
			call("f2", "77"),
			{ trace: "f3", attributes: [text("n", "7 of 7")] },
		],
		[],
	);
	for (const unit of units) {
		const done = await store.forgetUnit({ unitIds: [unit], actor: "test" });
		expect(done.remaining).toEqual([]);
		expect(done.erased).toMatchObject({ calls: 1, otel_traces: 1 });
	}
	const left = (await store.callIds({})).map(({ unitId }) => unitId);
	expect(left).toEqual(expect.arrayContaining(["abc*", "77", "grace"]));
	expect(left.filter((unit) => units.includes(unit))).toEqual([]);
	const [seven] = await raw.query<{ rows: string }>(
		"SELECT toString(count()) AS rows FROM otel_traces WHERE SpanAttributes['n'] = '7 of 7'",
	);
	expect(seven?.rows).toBe("1");
});

test("a unit that nobody knows erases nothing, twice; no id is refused", async () => {
	const before = await store.counts();
	for (let time = 0; time < 2; time++) {
		const done = await store.forgetUnit({ unitIds: ["nobody-at-all"], actor: "test" });
		expect(done).toMatchObject({ erased: {}, remaining: [] });
	}
	expect(await store.counts()).toEqual(before);
	for (const unitIds of [[], [""], ["a".repeat(1001)]]) {
		await expect(store.forgetUnit({ unitIds, actor: "test" })).rejects.toMatchObject({ code: "FORGET_INVALID" });
	}
});

test("a mention in a row of somebody else's evidence is found and reported", async () => {
	await raw.command(
		"INSERT INTO evaluations (experiment, iteration, unit_id, event_id, label) VALUES ('x', 1, 'other', 'e9', 'asked by mallory-1')",
	);
	const done = await store.forgetUnit({ unitIds: ["mallory-1"], actor: "test" });
	expect(done.remaining).toEqual([{ table: "evaluations", column: "label", rows: 1 }]);
});

const noted = (rows: number, attributes: Record<string, string>): Span[] =>
	Array.from({ length: rows }, (_, index) => ({
		trace: `9${index}`,
		attributes: Object.entries(attributes).map(([key, value]) => text(key, value)),
	}));

test("whoever picks a word for an id has nobody else's rows erased", async () => {
	await deliver(
		[
			call("71", "chat"),
			call("72", "hedy"),
			// of nobody, with the word as a value, as a part of one, and where ids stand
			...noted(20, { "gen_ai.operation.name": "chat", note: "we chat a lot" }),
			{ trace: "73", attributes: [text("enduser.id", "chat")] },
			{ trace: "74", attributes: [], events: [{ name: "chat", attributes: [text("userId", "chat")] }] },
		],
		[{ unit: "hedy", body: "chat", id: "w1" }],
	);
	const before = await store.counts();
	const done = await store.forgetUnit({ unitIds: ["chat"], actor: "test" });
	expect(done).toMatchObject({ outside: { otel_traces: 2 }, remaining: [] });
	expect(done.erased).toEqual({ otel_traces: 3, otel_traces_trace_id_ts: 1, calls: 1 });
	expect(await store.counts()).toMatchObject({ traces: before.traces - 3, logs: before.logs, calls: before.calls - 1 });
});

test("more than a thousand rows of nobody only go when that is meant", async () => {
	const unit = "kiosk-4711";
	await deliver([call("81", unit), ...noted(1001, { "device.name": unit })], [{ unit, body: "", id: "k1" }]);
	const before = await store.counts();
	await expect(store.forgetUnit({ unitIds: [unit], actor: "test" })).rejects.toMatchObject({
		...{ code: "FORGET_TOO_WIDE", details: { rows: 1001, otel_traces: 1001 } },
		message: expect.stringMatching(/1001 of otel_traces.*--everywhere/),
	});
	expect(await store.counts()).toEqual(before);
	const planned = await store.forgetUnit({ unitIds: [unit], actor: "test", dryRun: true });
	expect(planned).toMatchObject({ erased: { otel_traces: 1002 }, outside: { otel_traces: 1001 } });
	expect(await store.counts()).toEqual(before);

	const left = await store.forgetUnit({ unitIds: [unit], actor: "test", everywhere: false });
	expect(left.erased).toMatchObject({ otel_traces: 1, otel_logs: 1, calls: 1 });
	expect(left.remaining).toEqual([{ table: "otel_traces", column: "SpanAttributes", rows: 1001 }]);
	const all = await store.forgetUnit({ unitIds: [unit], actor: "test", everywhere: true });
	expect(all).toMatchObject({ erased: { otel_traces: 1001 }, remaining: [] });
});

test("the index of a trace stays as long as somebody is in it", async () => {
	const traces = () =>
		raw.query("SELECT DISTINCT TraceId AS id FROM otel_traces_trace_id_ts WHERE TraceId LIKE '%5d_' ORDER BY id");
	await deliver([call("5d1", "emmy-1"), call("5d1", "hedy"), call("5d2", "emmy-1")], []);
	expect(await traces()).toHaveLength(2);
	await store.forgetUnit({ unitIds: ["emmy-1"], actor: "test" });
	expect(await traces()).toEqual([{ id: "5d1".padStart(32, "0") }]);
});

/** Ends after so many statements that change something, as a process that is killed. */
function killedAfter(statements: number): Connection {
	let left = statements;
	const counted = () => {
		if (left-- === 0) throw new Error("killed");
	};
	return {
		isEmbedded: true,
		query: (sql, parameters) => raw.query(sql, parameters),
		command: async (sql, parameters) => {
			counted();
			await raw.command(sql, parameters);
		},
		insert: async (insertion) => {
			counted();
			await raw.insert(insertion);
		},
		close: () => raw.close(),
	};
}

test("killed after whichever statement, it is completed by running it again", async () => {
	const unit = "lise-1878";
	let killed = true;
	for (let statements = 0; killed; statements++) {
		await deliver(
			[
				call("b0a", unit),
				{ trace: "b0a", attributes: [text("http.request.body", "a secret of hers")], name: "POST /chat" },
				{ trace: "b0b", attributes: [text("said.by", unit)] },
				call("b0c", "hedy"),
			],
			[{ unit, body: "a secret of hers", id: `l${statements}` }],
		);
		await raw.command(
			`INSERT INTO otel_logs (Timestamp, TraceId, Body) VALUES (now64(9), '${"b0a".padStart(32, "0")}', 'a secret of hers')`,
		);
		const connection = killedAfter(statements);
		const error = await forgetUnit(connection, { unitIds: [unit], actor: "test" }).then(
			() => undefined,
			(error: Error) => error,
		);
		killed = error !== undefined;
		if (killed) expect(error?.message).toMatch(/in part only: killed; forget it again/);
		const again = await store.forgetUnit({ unitIds: [unit], actor: "test" });
		expect(again.remaining).toEqual([]);
		expect(await rowsThatContain("a secret of hers")).toEqual([]);
		expect(await rowsThatContain(unit)).toEqual([]);
		expect(killed || statements >= 9).toBe(true);
	}
}, 180_000);
