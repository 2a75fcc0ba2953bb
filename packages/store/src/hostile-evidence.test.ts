import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { variantSums } from "./metrics/variant-sums.ts";
import { openStore } from "./open-store.ts";
import type { LogRow, TraceRow } from "./rows.ts";
import type { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-hostile-"));
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

/** Every attribute that a view reads: a key that is added there is fuzzed here. */
const keysRead = (view: string) => [
	...new Set(
		[
			...readFileSync(new URL(`../migrations/${view}.sql`, import.meta.url), "utf8").matchAll(
				/(?:\ba|ResourceAttributes)\['([^']+)'\]/g,
			),
		].map(([, key]) => key as string),
	),
];

const value = fc.oneof(
	fc.constantFrom(
		...["", "0", "-0", "1", "-1", "NaN", "nan", "-nan", "inf", "Infinity", "-Infinity", "1e308", "1e309", "-1e400"],
		...["9223372036854775807", "9223372036854775808", "18446744073709551616", "1e-400", "0x1p-3", "1_000", " 1", "1 "],
		...[
			"true",
			"false",
			"TRUE",
			"[]",
			'["stop"',
			'["stop"]',
			"{}",
			"null",
			"\0",
			"\\N",
			"'",
			"tone.control",
			".",
			"..a",
		],
		...["chat", "text_completion", "completion", "embedding", "LLM", "p", "[".repeat(5000), "9".repeat(5000)],
	),
	fc.double().map(String),
	fc.bigInt().map(String),
	fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
);
const attributes = (view: string) =>
	fc
		.dictionary(fc.constantFrom(...keysRead(view)), value, { maxKeys: 60 })
		.map((record) => new Map(Object.entries(record)));
const nanoseconds = fc.oneof(
	fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
	fc.constantFrom(0n, 1n, 2n ** 63n - 1n, BigInt(Date.now()) * 1_000_000n),
);

const span = fc
	.record({
		attributes: attributes("0011-compact-calls/columns"),
		resource: attributes("0011-compact-calls/columns"),
		at: nanoseconds,
		duration: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
		isCall: fc.boolean(),
		status: fc.constantFrom("Unset", "Ok", "Error"),
	})
	.map(
		({ attributes, resource, at, duration, isCall, status }): TraceRow => ({
			...{ Timestamp: String(at), TraceId: "", SpanId: "", ParentSpanId: "", TraceState: "" },
			...{ SpanName: "s", SpanKind: "Client", ServiceName: "bot", ResourceAttributes: resource },
			...{ ScopeName: "", ScopeVersion: "", Duration: String(duration), StatusCode: status, StatusMessage: "" },
			...{ Events: [], Links: [] },
			SpanAttributes: isCall
				? new Map([...attributes, ["gen_ai.prompt.name", "p"], ["gen_ai.operation.name", "chat"]])
				: attributes,
		}),
	);
const event = fc
	.record({
		attributes: fc.oneof(attributes("0011-compact-calls/exposures"), attributes("0011-compact-calls/evaluations")),
		resource: attributes("0011-compact-calls/exposures"),
		at: nanoseconds,
		name: fc.constantFrom("feature_flag.evaluation", "gen_ai.evaluation.result", "", "other"),
	})
	.map(
		({ attributes, resource, at, name }): LogRow => ({
			...{ Timestamp: String(at), TraceId: "", SpanId: "", TraceFlags: 0, SeverityText: "", SeverityNumber: 0 },
			...{ ServiceName: "bot", Body: "", ResourceSchemaUrl: "", ResourceAttributes: resource, ScopeSchemaUrl: "" },
			...{ ScopeName: "", ScopeVersion: "", ScopeAttributes: new Map(), LogAttributes: attributes, EventName: name },
		}),
	);

test("no span and no event can block an insert, whatever stands in whichever attribute", async () => {
	expect(keysRead("0011-compact-calls/columns").length).toBeGreaterThan(40);
	let calls = 0;
	await fc.assert(
		fc.asyncProperty(
			fc.array(span, { minLength: 30, maxLength: 60 }),
			fc.array(event, { minLength: 30, maxLength: 60 }),
			async (spans, events) => {
				const before = await store.counts();
				const numbered = spans.map((row, index) => ({
					...row,
					TraceId: (calls + index + 1).toString(16).padStart(32, "0"),
					SpanId: "00000000000000aa",
				}));
				calls += spans.length;
				await store.insertTraces(numbered);
				await store.insertLogs(events);
				const after = await store.counts();
				expect(after.traces - before.traces).toBe(spans.length);
				// each span that is a call is one, however impossible
				const known = ["chat", "text_completion", "generate_content", "embeddings"];
				const surely = spans.filter(
					({ SpanAttributes: a }) =>
						known.includes(a.get("gen_ai.operation.name") ?? "") && (a.get("gen_ai.prompt.name") ?? "") !== "",
				).length;
				expect(after.calls - before.calls).toBeGreaterThanOrEqual(surely);
			},
		),
		{ numRuns: 8 },
	);
	const { quarantined } = await store.counts();
	expect(quarantined).toBeGreaterThan(30);
	// and every statistic can still be asked for
	for (const call of await store.callIds({})) {
		expect(call.traceId).not.toBe("");
	}
	await store.seenUnits({ unit: "user", since: new Date(0), limit: 10 });
	await store.highestRevision();
}, 90_000);

test("numbers that cannot be are NULL and flagged, never averaged; zero is a number", async () => {
	const costs = ["NaN", "inf", "-1", "1e300", "much", "0", "0.5"];
	const row = (cost: string, index: number): TraceRow => ({
		...{
			Timestamp: String(BigInt(Date.now()) * 1_000_000n),
			TraceId: "c".repeat(32),
			ParentSpanId: "",
			TraceState: "",
		},
		...{ SpanId: index.toString(16).padStart(16, "c"), SpanName: "s", SpanKind: "Client", ServiceName: "bot" },
		...{ ResourceAttributes: new Map(), ScopeName: "", ScopeVersion: "", Duration: "1000", StatusCode: "Unset" },
		...{ StatusMessage: "", Events: [], Links: [] },
		SpanAttributes: new Map([
			["gen_ai.prompt.name", "p"],
			["gen_ai.operation.name", "chat"],
			["armspan.experiment", "costs"],
			["armspan.iteration", "1"],
			["armspan.enrolled", "true"],
			["armspan.unit.id", "u"],
			["feature_flag.result.variant", "costs.control"],
			["armspan.cost.usd", cost],
		]),
	});
	await store.insertTraces(costs.map(row));
	const key = { experiment: "costs", iteration: 1 };
	const [control] = (await variantSums(store, key)).variants;
	expect(control?.metrics.cost).toMatchObject({ sumN: 2n, sumY: 500_000_000n });
	expect(control?.calls).toBe(7);
	expect(await store.evidenceHealth(key)).toEqual([
		{ source: "calls", environment: "", rows: 7, quarantined: 5, undated: 0 },
	]);
});

test("feedback beyond its scale, negative conversions and exposures of nobody are counted apart, not averaged", async () => {
	let id = 0;
	const row = (EventName: string, attributes: Record<string, string>): LogRow => ({
		...{
			Timestamp: `${Date.now()}000000`,
			TraceId: "",
			SpanId: "",
			TraceFlags: 0,
			SeverityText: "",
			SeverityNumber: 0,
		},
		...{ ServiceName: "bot", Body: "", ResourceSchemaUrl: "", ResourceAttributes: new Map(), ScopeSchemaUrl: "" },
		...{ ScopeName: "", ScopeVersion: "", ScopeAttributes: new Map(), EventName },
		LogAttributes: new Map(
			Object.entries({
				...{ "armspan.experiment": "scores", "armspan.iteration": "1", "armspan.enrolled": "true" },
				...{ "armspan.unit.id": "u", "feature_flag.result.variant": "scores.control" },
				...{ "armspan.event.id": `scores-${id++}`, ...attributes },
			}),
		),
	});
	const evaluation = (kind: string, score: string) =>
		row("gen_ai.evaluation.result", { "armspan.evaluation.kind": kind, "gen_ai.evaluation.score.value": score });
	await store.insertLogs([
		row("feature_flag.evaluation", {}),
		row("feature_flag.evaluation", { "armspan.unit.id": "" }),
		...["0", "1", "1e6", "-3", "1.000001"].map((score) => evaluation("feedback", score)),
		...["1", "-1"].map((score) => evaluation("conversion", score)),
		...["4.5", "-7"].map((score) => evaluation("score", score)),
	]);
	const key = { experiment: "scores", iteration: 1 };
	const { variants } = await variantSums(store, key);
	expect(variants).toMatchObject([{ variant: "control", units: 1 }]);
	expect(variants[0]?.metrics.feedback).toMatchObject({ sumN: 2n, sumY: 1_000_000n });
	expect(variants[0]?.metrics.conversion).toMatchObject({ sumY: 1n });
	expect(await store.evidenceHealth({ ...key, sources: ["exposures", "evaluations"] })).toEqual([
		{ source: "evaluations", environment: "", rows: 9, quarantined: 4, undated: 0 },
		{ source: "exposures", environment: "", rows: 2, quarantined: 1, undated: 0 },
	]);
});

test("evidence that cannot be is counted once however often it is delivered, by environment, as its last delivery says", async () => {
	const row = (EventName: string, id: string, environment: string, attributes: Record<string, string>): LogRow => ({
		...{
			Timestamp: `${Date.now()}000000`,
			TraceId: "",
			SpanId: "",
			TraceFlags: 0,
			SeverityText: "",
			SeverityNumber: 0,
		},
		...{ ServiceName: "bot", Body: "", ResourceSchemaUrl: "", ScopeSchemaUrl: "", EventName },
		ResourceAttributes: new Map(environment === "" ? [] : [["deployment.environment.name", environment]]),
		...{ ScopeName: "", ScopeVersion: "", ScopeAttributes: new Map() },
		LogAttributes: new Map(
			Object.entries({
				...{ "armspan.experiment": "again", "armspan.iteration": "1", "armspan.enrolled": "true" },
				...{ "armspan.unit.id": `u-${id}`, "feature_flag.result.variant": "again.control" },
				...{ "armspan.event.id": id, ...attributes },
			}),
		),
	});
	const score = (id: string, environment: string, value: string) =>
		row("gen_ai.evaluation.result", id, environment, {
			...{ "armspan.evaluation.kind": "feedback", "gen_ai.evaluation.score.value": value },
		});
	const key = { experiment: "again", iteration: 1, environment: "production" };
	const events = { ...key, sources: ["exposures", "evaluations"] as const };
	const good = [
		...["a", "b", "c"].map((id) => score(id, "production", "1")),
		...["a", "d"].map((id) => score(id, "staging", "1")),
		...["x", "y"].map((id) => row("feature_flag.evaluation", id, "", {})),
	];
	for (const _ of [1, 2, 3]) await store.insertLogs(good);
	expect(await store.evidenceHealth({ ...events, onlyQuarantined: true })).toEqual([]);
	expect(await store.evidenceHealth(events)).toEqual([
		{ source: "evaluations", environment: "production", rows: 3, quarantined: 0, undated: 0 },
		{ source: "exposures", environment: "", rows: 2, quarantined: 0, undated: 0 },
	]);

	const bad = [score("nan", "production", "NaN"), score("far", "production", "7"), score("d", "staging", "-1")];
	for (const _ of [1, 2])
		await store.insertLogs([...bad, score("none", "", "NaN"), score("mended", "production", "NaN")]);
	await store.insertLogs([
		score("mended", "production", "1"),
		{ ...score("old", "production", "1"), Timestamp: "1000" },
	]);
	const evaluations = [
		{ source: "evaluations", environment: "", rows: 1, quarantined: 1, undated: 0 },
		{ source: "evaluations", environment: "production", rows: 7, quarantined: 3, undated: 1 },
	];
	expect(await store.evidenceHealth({ ...events, onlyQuarantined: true })).toEqual(evaluations);
	expect(await store.evidenceHealth(events)).toEqual([
		...evaluations,
		{ source: "exposures", environment: "", rows: 2, quarantined: 0, undated: 0 },
	]);
	const { environment: _, ...everywhere } = events;
	expect(await store.evidenceHealth(everywhere)).toContainEqual({
		...{ source: "evaluations", environment: "staging", rows: 2, quarantined: 1, undated: 0 },
	});
});
