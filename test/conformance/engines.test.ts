import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS, type Decision, MetricDefinition } from "@armspan/schema";
import { decodeLogs, decodeTraces, openStore, type Store } from "@armspan/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClickHouseServer, serverUnavailable } from "./clickhouse-server.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-engines-"));
const unavailable = serverUnavailable();
if (unavailable !== undefined) {
	process.stderr.write(`\nSKIPPED: the store on a ClickHouse server is not tested here: ${unavailable}\n`);
}

const iteration = { experiment: "tone", iteration: 1 };
const origin = new Date("2026-11-20T10:00:00Z");
const string = (key: string, value: string) => ({ key, value: { stringValue: value } });
const assignment = (user: number, revision: number) => {
	const variant = user % 2 === 0 ? "control" : "friendly";
	return [
		string("gen_ai.prompt.name", "support-reply"),
		string("gen_ai.prompt.version", variant === "control" ? "1.0.0" : "2.0.0"),
		string("feature_flag.result.variant", `tone.${variant}`),
		string("armspan.experiment", "tone"),
		{ key: "armspan.iteration", value: { intValue: "1" } },
		{ key: "armspan.enrolled", value: { boolValue: true } },
		string("armspan.unit.type", "user"),
		string("armspan.unit.id", `user-${user}-ü`),
		{ key: "armspan.routing.revision", value: { intValue: String(revision) } },
	];
};
const hex = (value: number, digits: number) => (value + 1).toString(16).padStart(digits, "0");
const nanos = (seconds: number) =>
	String(BigInt(origin.getTime()) * 1_000_000n + BigInt(Math.round(seconds * 1000)) * 1_000_000n);

/** 900 calls of 90 users as an OTLP/JSON body; every 30th fails, some have no cost, one has an impossible one. */
const traces = Buffer.from(
	JSON.stringify({
		resourceSpans: [
			{
				resource: { attributes: [string("service.name", "bot")] },
				scopeSpans: [
					{
						spans: Array.from({ length: 900 }, (_, call) => ({
							traceId: hex(call, 32),
							spanId: hex(call, 16),
							name: "chat m",
							kind: 3,
							startTimeUnixNano: nanos(call / 10),
							endTimeUnixNano: nanos(call / 10 + 0.1 + (call % 7) / 100),
							status: call % 30 === 0 ? { code: 2 } : {},
							attributes: [
								...assignment(call % 90, call < 600 ? 1 : 2),
								string("gen_ai.operation.name", "chat"),
								string("gen_ai.response.id", `response-${call}`),
								...(call % 5 === 0
									? []
									: [{ key: "armspan.cost.usd", value: { doubleValue: call === 7 ? -1 : 0.0001 * (call % 4) } }]),
							],
						})),
					},
				],
			},
		],
	}),
);
const events = Buffer.from(
	JSON.stringify({
		resourceLogs: [
			{
				scopeLogs: [
					{
						logRecords: Array.from({ length: 120 }, (_, event) => ({
							timeUnixNano: nanos(50 + event),
							eventName: "gen_ai.evaluation.result",
							attributes: [
								...assignment(event % 90, 1),
								string("armspan.event.id", `event-${event}`),
								string("armspan.evaluation.kind", event % 3 === 0 ? "conversion" : "feedback"),
								string("gen_ai.evaluation.name", "thumbs"),
								{ key: "gen_ai.evaluation.score.value", value: { doubleValue: event % 2 } },
							],
						})),
					},
				],
			},
		],
	}),
);
const decision: Decision = {
	id: "0b4e7f0a-0000-8000-8000-000000000000",
	decidedAt: "2026-11-20T11:00:00.000Z",
	kind: "start",
	actor: "service",
	...iteration,
	metric: null,
	reason: "began",
	statistic: null,
	inputs: { nothing: "'\\ \u{1F600}" },
	experimentDigest: "d",
	codeVersion: "0.1.0",
	lastRevision: 1,
};

/** Built-in metrics, and one with texts and lists as parameters, a covariate and a cap. */
const metrics = [
	...BUILT_IN_METRICS.values(),
	MetricDefinition.parse({
		...{ key: "mine", source: "calls", kind: "mean", value: "latency", direction: "decrease" },
		...{ covariateDays: 1, winsorCap: 120, where: [{ column: "service", in: ["bot", "it's \\ 'quoted', [ü]"] }] },
	}),
];

/** Everything that the store says of this evidence, after it was delivered three times. */
async function observe(store: Store) {
	await store.migrate();
	expect(await store.migrate()).toEqual([]);
	for (let delivery = 0; delivery < 3; delivery++) {
		await store.insertTraces(decodeTraces(traces, "application/json").rows);
		await store.insertLogs(decodeLogs(events, "application/json").rows);
		await store.appendDecision(decision);
	}
	const ofMetrics = { ...iteration, unitType: "user", prompt: "support-reply", metrics };
	const summed = { ...ofMetrics, metrics: [...BUILT_IN_METRICS.values()], asOf: new Date() };
	const rows = await store.metricTotals(summed);
	const sealed = await store.sealUnitSums({ ...iteration, metrics, until: new Date(origin.getTime() + 60_000) });
	expect(sealed.units).toBeGreaterThan(0);
	expect(await store.metricTotals(summed)).toEqual(rows);
	return {
		metrics: await store.metricTotals({ ...ofMetrics, asOf: new Date() }),
		closed: await store.metricTotals({ ...ofMetrics, asOf: new Date(), untilRevision: 1 }),
		look: await store.metricTotals({ ...ofMetrics, asOf: new Date(origin.getTime() + 60_000), isPlannedLook: true }),
		arrived: await store.arrivalTimes({ ...iteration, numbers: [1, 45, 90, 91] }),
		versions: await store.versionTotals({
			...{ prompt: "support-reply", versions: ["1.0.0", "2.0.0"], metrics: [...BUILT_IN_METRICS.values()] },
			...{ since: origin, until: new Date(origin.getTime() + 3_600_000) },
		}),
		windows: await store.violationWindows({ ...iteration, origin, windowSeconds: 10 }),
		decisions: await store.listDecisions(iteration),
		last: await store.lastCallStart({ ...iteration, variant: "friendly" }),
		calls: await store.callIds({}),
		seen: await store.seenUnits({ unit: "user", since: new Date(0), limit: 1000 }),
		counts: await store.counts(),
		revision: await store.highestRevision(),
	};
}

describe("the store says the same on every engine", () => {
	let embedded: Awaited<ReturnType<typeof observe>>;

	beforeAll(async () => {
		const store = await openStore({ kind: "embedded", path: join(folder, "embedded") });
		try {
			embedded = await observe(store);
		} finally {
			await store.close();
		}
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	test("embedded: each call, event and decision once", () => {
		expect(embedded.counts).toMatchObject({ traces: 2700, calls: 900, evaluations: 120 });
		expect(embedded.decisions).toEqual([decision]);
		const arms = Map.groupBy(embedded.metrics.arms, ({ variant }) => variant);
		const sum = (of: number[]) => of.reduce((total, each) => total + each, 0);
		expect(
			[...arms].map(([variant, days]) => [
				variant,
				sum(days.map((day) => day.units)),
				sum(days.map((day) => day.calls)),
			]),
		).toEqual([
			["control", 45, 450],
			["friendly", 45, 450],
		]);
		expect(embedded.closed.arms.reduce((sum, { calls }) => sum + calls, 0)).toBe(600);
		expect(embedded.revision).toBe(2);
	});

	test.skipIf(unavailable !== undefined)("ClickHouse server over HTTP: to the bit", async () => {
		const server = await ClickHouseServer.start(join(folder, "server"));
		try {
			const store = await openStore({ kind: "server", url: server.url });
			try {
				expect(await observe(store)).toEqual(embedded);
			} finally {
				await store.close();
			}
		} finally {
			server.stop();
		}
	});
});
