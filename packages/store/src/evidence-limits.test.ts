import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqlAnswer } from "@armspan/schema";
import { afterAll, beforeAll, expect, test } from "vitest";
import { variantSums } from "./metrics/variant-sums.ts";
import { openStore } from "./open-store.ts";
import type { LogRow, TraceRow } from "./rows.ts";
import type { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-limits-"));
let store: Store;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

interface Given {
	at?: number;
	durationMs?: number;
	attributes: Record<string, string>;
}
let spanIds = 0;
const callRow = ({ at = Date.now() - 600_000, durationMs = 100, attributes }: Given): TraceRow => ({
	...{ Timestamp: `${at}000000`, TraceId: "d".repeat(32), SpanId: (++spanIds).toString(16).padStart(16, "d") },
	...{ ParentSpanId: "", TraceState: "", SpanName: "s", SpanKind: "Client", ServiceName: "bot", Events: [], Links: [] },
	...{ ResourceAttributes: new Map(), ScopeName: "", ScopeVersion: "", Duration: `${durationMs}000000` },
	...{ StatusCode: "Unset", StatusMessage: "" },
	SpanAttributes: new Map(
		Object.entries({
			"gen_ai.prompt.name": "p",
			"gen_ai.operation.name": "chat",
			"armspan.iteration": "1",
			...attributes,
		}),
	),
});

test("a call that ends more than a day ahead lasted nobody knows how long", async () => {
	const day = 86_400_000;
	const attributes = {
		...{ "armspan.experiment": "ends", "armspan.enrolled": "true", "armspan.unit.id": "u" },
		"feature_flag.result.variant": "ends.control",
	};
	const given = [
		{ durationMs: 100 },
		{ durationMs: 40 * day },
		{ durationMs: day + 3_600_000 },
		// possible: it has not ended later than a call may begin
		{ durationMs: day / 2 },
		// long, and over
		{ at: Date.now() - 29 * day, durationMs: 28 * day },
	];
	await store.insertTraces(given.map((one) => callRow({ ...one, attributes })));
	const key = { experiment: "ends", iteration: 1 };
	const [control] = (await variantSums(store, key)).variants;
	expect(control?.calls).toBe(5);
	expect(control?.metrics.latency).toMatchObject({ sumN: 3n, sumY: BigInt(100 + day / 2 + 28 * day) * 1000n });
	expect(await store.evidenceHealth(key)).toEqual([
		{ source: "calls", environment: "", rows: 5, quarantined: 2, undated: 0 },
	]);
});

test("an id that the router would not take is no unit, anywhere; what it would take is, and can be forgotten", async () => {
	const ids = ["u".repeat(1000), "ü".repeat(1000), "💥".repeat(500), "a\0b"];
	const tooLong = ["u".repeat(1001), "ü".repeat(1001), "💥".repeat(501), "u".repeat(200_000)];
	const named = (id: string) => ({
		...{ "armspan.experiment": "ids", "armspan.iteration": "1", "armspan.enrolled": "true", "armspan.unit.id": id },
		"feature_flag.result.variant": "ids.control",
	});
	const logRow = (EventName: string, attributes: Record<string, string>, index: number): LogRow => ({
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
		LogAttributes: new Map(Object.entries({ "armspan.event.id": `ids-${EventName}-${index}`, ...attributes })),
	});
	const all = [...ids, ...tooLong];
	await store.insertTraces(all.map((id) => callRow({ attributes: named(id) })));
	await store.insertLogs([
		...all.map((id, index) => logRow("feature_flag.evaluation", named(id), index)),
		...all.map((id, index) => logRow("gen_ai.evaluation.result", named(id), index)),
		logRow("feature_flag.evaluation", { ...named(""), "feature_flag.context.id": "u".repeat(1001) }, all.length),
	]);
	const key = { experiment: "ids", iteration: 1 };
	expect((await variantSums(store, key)).variants).toMatchObject([{ units: 4, calls: 4 }]);
	const health = (source: string, rows: number) => ({
		...{ source, environment: "", rows, quarantined: rows - 4, undated: 0 },
	});
	expect(await store.evidenceHealth({ ...key, sources: ["calls", "exposures", "evaluations"] })).toEqual([
		health("calls", 8),
		health("evaluations", 8),
		health("exposures", 9),
	]);
	const { erased, remaining } = await store.forgetUnit({ unitIds: ids, actor: "test" });
	expect(remaining).toEqual([]);
	expect(erased).toMatchObject({ calls: 4, exposures: 4, evaluations: 4, otel_traces: 4, otel_logs: 8 });
	expect((await variantSums(store, key)).variants).toEqual([]);
});

test("an error type may have any name", async () => {
	const types = ["__proto__", "constructor", "toString", "__proto__", ""];
	await store.insertTraces(
		types.map((type) => ({
			...callRow({
				attributes: {
					...{ "armspan.experiment": "errors", "armspan.enrolled": "true", "armspan.unit.id": "u" },
					...{ "feature_flag.result.variant": "errors.control", "error.type": type },
				},
			}),
			StatusCode: "Error",
		})),
	);
	const { arms } = await store.metricTotals({
		...{ experiment: "errors", iteration: 1, metrics: [], asOf: new Date(), unitType: "user", prompt: "p" },
	});
	expect(arms[0]?.errorTypes).toEqual(
		new Map([
			["__proto__", 2],
			["constructor", 1],
			["toString", 1],
			["", 1],
		]),
	);
});

test("a key of a map in an answer to SQL may have any name", async () => {
	const { rows } = await store.userSql("SELECT map('__proto__', 1, 'constructor', 2)");
	expect(JSON.stringify(SqlAnswer.shape.rows.parse(rows))).toBe('[[{"__proto__":1,"constructor":2}]]');
});
