import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS, type MetricDefinition } from "@armspan/schema";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "./open-store.ts";
import { decodeLogs, decodeTraces } from "./otlp/decode.ts";
import type { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-identity-"));
let store: Store;
let prompts = 0;

beforeAll(async () => {
	store = await openStore({ kind: "embedded", path: folder });
	await store.migrate();
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const START_US = BigInt(Date.now() - 3_600_000) * 1000n;
const attributes = (of: Record<string, string>) =>
	Object.entries(of).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const hex = (number: number, digits: number) => number.toString(16).padStart(digits, "0");
const body = (of: object) => Buffer.from(JSON.stringify(of));

interface Sent {
	prompt: string;
	trace?: number;
	span?: number;
	unit?: string;
	startUs?: bigint;
	environment?: string;
	more?: Record<string, string>;
}

const assigned = ({ prompt, unit = "" }: Sent) => ({
	...{ "gen_ai.prompt.name": prompt, "gen_ai.prompt.version": "1" },
	...(unit === "" ? {} : { "armspan.unit.id": unit }),
});

async function call(sent: Sent): Promise<void> {
	const { trace = 1, span = 1, startUs = START_US, environment = "", more = {} } = sent;
	const record = {
		...{ traceId: hex(trace, 32), spanId: hex(span, 16), name: "chat" },
		...{ startTimeUnixNano: `${startUs}000`, endTimeUnixNano: `${startUs + 5n}000` },
		attributes: attributes({ ...assigned(sent), "gen_ai.operation.name": "chat", ...more }),
	};
	const resource = { attributes: attributes(environment === "" ? {} : { "deployment.environment.name": environment }) };
	const request = { resourceSpans: [{ resource, scopeSpans: [{ spans: [record] }] }] };
	await store.insertTraces(decodeTraces(body(request), "application/json").rows);
}

async function feedback(sent: Sent, id: string): Promise<void> {
	const record = {
		...{ traceId: hex(sent.trace ?? 1, 32), spanId: hex(sent.span ?? 1, 16), timeUnixNano: `${START_US}000` },
		eventName: "gen_ai.evaluation.result",
		attributes: attributes({
			...{ ...assigned(sent), "armspan.event.id": id, "gen_ai.evaluation.name": "feedback" },
			...{ "armspan.evaluation.kind": "feedback", "gen_ai.evaluation.score.value": "1" },
		}),
	};
	const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] };
	await store.insertLogs(decodeLogs(body(request), "application/json").rows);
}

const stored = async (prompt: string) =>
	Number((await store.userSql(`SELECT count() FROM calls FINAL WHERE prompt_name = '${prompt}'`)).rows[0]?.[0]);

const FIRST: Sent = { prompt: "", unit: "u" };
test.each<[string, number, Partial<Sent>]>([
	["the same span again", 1, {}],
	["the same span again, with another answer", 1, { more: { "gen_ai.usage.input_tokens": "7" } }],
	["another span of the trace in the same µs", 2, { span: 2 }],
	["the same span id in another trace", 2, { trace: 2 }],
	["the same span with another start", 2, { startUs: START_US + 1n }],
	["the same span of another unit", 2, { unit: "v" }],
	["the same span of another environment", 2, { environment: "staging" }],
])("%s: rows of calls %i", async (_, rows, other) => {
	const prompt = `p${++prompts}`;
	await call({ ...FIRST, prompt });
	await call({ ...FIRST, prompt, ...other });
	expect(await stored(prompt)).toBe(rows);
});

test("ids are asked of the landing tables, each span once, by when it started", async () => {
	const prompt = `p${++prompts}`;
	for (const span of [11, 12, 11]) await call({ prompt, unit: "u", trace: 9, span });
	await call({ prompt, unit: "u", trace: 9, span: 13, startUs: START_US - 86_400_000_000n });
	const spans = async (since?: Date) =>
		(await store.callIds(since === undefined ? {} : { since }))
			.filter(({ traceId }) => traceId === hex(9, 32))
			.map(({ spanId }) => Number.parseInt(spanId, 16));
	expect(await spans()).toEqual([13, 11, 12]);
	expect(await spans(new Date(Number(START_US / 1000n)))).toEqual([11, 12]);
});

test("without a unit the trace is the unit of a version, of its calls and of what is said of them", async () => {
	const prompt = `p${++prompts}`;
	for (const [trace, span] of [
		[21, 1],
		[21, 2],
		[22, 3],
	]) {
		await call({ prompt, trace: trace as number, span: span as number });
	}
	await call({ prompt, trace: 22, span: 4, unit: "named" });
	await feedback({ prompt, trace: 21 }, "f1");
	const metrics = [...BUILT_IN_METRICS.values()].filter(({ key }) => ["latency", "feedback"].includes(key));
	const { arms } = await store.versionTotals({
		...{ prompt, versions: ["1"], metrics: metrics as MetricDefinition[] },
		...{ since: new Date(Number(START_US / 1000n) - 1000), until: new Date() },
	});
	expect(arms.map(({ units, calls }) => ({ units, calls }))).toEqual([{ units: 3, calls: 4 }]);
	expect(arms[0]?.metrics.latency?.units).toBe(3);
	expect(arms[0]?.metrics.feedback?.units).toBe(1);
});
