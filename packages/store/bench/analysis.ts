/** How long the analysis queries take over one experiment of a million calls, delivered once, and delivered twice. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS } from "@armspan/schema";
import { openStore } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";

const calls = Number(process.argv[2] ?? 1_000_000);
const units = Number(process.argv[3] ?? 50_000);
const looks = Number(process.argv[4] ?? 5);

const path = mkdtempSync(join(tmpdir(), "armspan-bench-"));
const store = await openStore({ kind: "embedded", path });
await store.migrate();
const sql = createClient({ connection: createChdbConnection({ path }) } as never);
const origin = new Date(Date.now() - 3_600_000);

const INSERT = `INSERT INTO calls (experiment, iteration, unit_id, call_hash, variant, enrolled, shadow, routing_revision,
	is_error, started_at, latency_us, cost_nano_usd, prompt_name)
SELECT 'bench', 1, concat('user-', toString(cityHash64(number) % ${units})) AS unit, toUInt32(bitAnd(sipHash64(number), 0xFFFFFFFF)),
	if(cityHash64(unit) % 2 = 0, 'control', 'treatment'), true, false, 1, cityHash64(number, 2) % 100 = 0,
	toDateTime64(${origin.getTime()} / 1000 + number * 3600 / ${calls}, 6, 'UTC'), 300000 + cityHash64(number, 3) % 1000000,
	100000 + cityHash64(number, 4) % 1000000, 'p'
FROM numbers(${calls})`;

async function median(look: () => Promise<unknown>): Promise<number> {
	const times: number[] = [];
	for (let index = 0; index < looks; index++) {
		const startedAt = performance.now();
		await look();
		times.push(performance.now() - startedAt);
	}
	return Math.round(times.sort((a, b) => a - b)[looks >> 1] as number);
}

const everyMetric = { unitType: "user", prompt: "p", metrics: [...BUILT_IN_METRICS.values()], asOf: new Date() };
const key = { experiment: "bench", iteration: 1 };
for (const delivery of [1, 2]) {
	await sql.command({ query: INSERT });
	await sql.command({
		query: `INSERT INTO exposures (experiment, iteration, unit_id, event_id, variant, enrolled, exposed_at)
			SELECT experiment, iteration, unit_id, concat('x', unit_id), variant, true, min(started_at) FROM calls GROUP BY 1, 2, 3, 4, 5`,
	});
	await sql.command({
		query: `INSERT INTO evaluations (experiment, iteration, unit_id, event_id, variant, enrolled, kind, score_micros, evaluated_at)
			SELECT experiment, iteration, unit_id, lower(hex(sipHash64(call_hash, started_at))), variant, true, 'feedback', cityHash64(call_hash) % 2 * 1000000, started_at
			FROM calls WHERE cityHash64(call_hash, 9) % 10 = 0`,
	});
	const totals = await store.metricTotals({ ...key, ...everyMetric });
	console.log(
		JSON.stringify({
			deliveries: delivery,
			calls: totals.arms.reduce((sum, arm) => sum + arm.calls, 0),
			units: totals.arms.reduce((sum, arm) => sum + arm.units, 0),
			metricTotalsMs: await median(() => store.metricTotals({ ...key, ...everyMetric })),
			maturedTotalsMs: await median(() => store.metricTotals({ ...key, ...everyMetric, maturationMs: 60_000 })),
			violationWindowsMs: await median(() => store.violationWindows({ ...key, origin, windowSeconds: 1 })),
			lastCallStartMs: await median(() => store.lastCallStart({ ...key, variant: "treatment" })),
			rssMb: Math.round(process.memoryUsage().rss / 1e6),
		}),
	);
}
await sql.close();
await store.close();
rmSync(path, { recursive: true });
