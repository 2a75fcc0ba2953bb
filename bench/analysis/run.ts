/** What a whole look at an experiment and a round of its guardrails take, statement by statement. */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { analyzeExperiment, checkGuardrails, checkMetricGuardrails, routedAfterHalt } from "@armspan/analysis";
import { BUILT_IN_METRICS, Experiment } from "@armspan/schema";
import { openStore, type Store } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { generateTraces } from "../../packages/store/bench/generate-traces.ts";
import { TimedStore } from "./timed-store.ts";

const calls = Number(process.argv[2] ?? 1_000_000);
const units = Number(process.argv[3] ?? 50_000);
const repeats = Number(process.argv[4] ?? 5);
const DAYS = 14;

const path = mkdtempSync(join(tmpdir(), "armspan-bench-"));
const store = await openStore({ kind: "embedded", path });
await store.migrate();
const sql = createClient({ connection: createChdbConnection({ path }) } as never);
const command = (query: string) => sql.command({ query });
const print = (line: object) => console.log(JSON.stringify({ ...line, load: Number(loadavg()[0]?.toFixed(1)) }));

const measured = [...BUILT_IN_METRICS.keys()].filter((key) => key !== "latency");
const experiment = Experiment.parse({
	...{ key: "bench", hypothesis: "none", owner: "bench", prompt: "support-reply", status: "running" },
	variants: [
		{ key: "control", version: "1.1.0" },
		{ key: "treatment", version: "1.2.0" },
	],
	primaryMetric: { metric: "latency", minimumDetectableEffect: 0.05 },
	secondaryMetrics: measured,
	guardrails: [
		{ metric: "error-rate", nonInferiorityMargin: 0.5 },
		{ metric: "latency", nonInferiorityMargin: 0.5 },
	],
	plannedUnits: units * 10,
});

const start = new Date(new Date().setUTCHours(0, 0, 0, 0) - (DAYS + 1) * 86_400_000);
const traffic = { calls, units, days: DAYS, start };
const inLastHour = Math.ceil(calls / DAYS / 24);
const ended = new Date(start.getTime() + DAYS * 86_400_000);
const origin = start;

/** Medians over looks: of the whole, and of what the store was asked. */
async function measure(name: string, look: (store: Store) => Promise<unknown>): Promise<void> {
	const timed = new TimedStore(store);
	for (let index = 0; index <= repeats; index++) {
		// the first one warms the engine's caches
		if (index === 1) timed.forget();
		await timed.measure("whole", () => look(timed.store));
	}
	print({ case: name, ...timed.medians() });
}

async function seal(until: Date) {
	// the engine counts seconds of arrival: what has come must have come before this one
	await new Promise((resolve) => setTimeout(resolve, 2100));
	await store.sealUnitSums({
		...{ experiment: "bench", iteration: 1, metrics: [...BUILT_IN_METRICS.values()] },
		...{ until, arrivedUntil: new Date() },
	});
}

async function round(of: Store): Promise<void> {
	await of.listDecisions({});
	await checkGuardrails({ store: of, experiment, origin, now: ended });
}

/** A halt of long ago: the watch asks every second whether anybody still calls. */
const halt = { decidedAt: ended.toISOString(), lastRevision: 1 } as Parameters<typeof routedAfterHalt>[2];

/** What `evidenceHealth` asked of events before: every row of the iteration made unique, whatever it says. */
async function allMadeUnique(): Promise<void> {
	const of = (source: string, table: string, at: string, isImpossible: string) =>
		`SELECT '${source}' AS source, environment, ${isImpossible} AS impossible, ${at} IS NULL AS undated FROM ${table} FINAL
WHERE experiment = 'bench' AND iteration = 1 AND environment IN ('', 'production')`;
	const answer = await sql.query({
		query: `SELECT source, environment, count(), countIf(impossible), countIf(undated) FROM
(
${of("exposures", "exposures", "exposed_at", "quarantined OR (enrolled AND unit_id = '')")}
UNION ALL
${of("evaluations", "evaluations", "evaluated_at", "quarantined OR (kind IN ('feedback', 'conversion') AND ifNull(score_micros < 0 OR (kind = 'feedback' AND score_micros > 1000000), false))")}
)
GROUP BY source, environment`,
		format: "JSONEachRow",
	});
	await answer.json();
}

async function all(beside: string): Promise<void> {
	const { warnings } = await analyzeExperiment({ store, experiment, now: ended, environment: "production" });
	print({ case: `${beside}: warnings`, codes: warnings.map(({ code }) => code) });
	await measure(`${beside}: whole analysis`, (of) =>
		analyzeExperiment({ store: of, experiment, now: ended, environment: "production" }),
	);
	await measure(`${beside}: guardrail round, every second`, round);
	await measure(`${beside}: guardrails on metrics, every 30 s`, (of) =>
		checkMetricGuardrails({ store: of, experiment, origin, now: ended }),
	);
	await measure(`${beside}: whether a halt is followed, every second`, (of) => routedAfterHalt(of, experiment, halt));
	await measure(`${beside}: evidenceHealth of events, before`, allMadeUnique);
	await measure(`${beside}: care of the evidence, every ten minutes`, (of) =>
		of.evidenceHealth({ experiment: "bench", iteration: 1 }),
	);
}

await generateTraces(command, traffic, [0, calls - inLastHour]);
await seal(new Date(start.getTime() + Math.floor(((calls - inLastHour) / calls) * DAYS * 86_400_000)));
await generateTraces(command, traffic, [calls - inLastHour, calls]);
print({ calls, units, inLastHour });
await all("sealed, an hour of calls beside");
await command("TRUNCATE TABLE unit_seals");
await all("no seal");
await command(
	`INSERT INTO evaluations (experiment, iteration, unit_id, event_id, variant, enrolled, kind, environment, quarantined, evaluated_at)
SELECT 'bench', 1, 'user-x', toString(number), 'control', true, 'score', 'production', true, toDateTime64('2026-11-01 00:00:00', 6, 'UTC') FROM numbers(3)`,
);
await all("no seal, three scores that cannot be");

await sql.close();
await store.close();
rmSync(path, { recursive: true });
