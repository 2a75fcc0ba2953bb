/** How long after a mean turned bad its guardrail is breached, on a real store, by the time of the calls. */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { checkMetricGuardrails } from "@armspan/analysis";
import { Experiment } from "@armspan/schema";
import { openStore } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";

const hoursBefore = Number(process.argv[2] ?? 2);
const seeds = Number(process.argv[3] ?? 3);
const factors = (process.argv[4] ?? "5,2,1.5").split(",").map(Number);
const CALLS_PER_SECOND = 50;
const USERS = 3000;
const LOOK_SECONDS = 10;
const GIVEN_UP_SECONDS = 1800;

const path = mkdtempSync(join(tmpdir(), "armspan-late-"));
const store = await openStore({ kind: "embedded", path });
await store.migrate();
const sql = createClient({ connection: createChdbConnection({ path }) } as never);
const print = (line: object) => console.log(JSON.stringify({ ...line, load: Number(loadavg()[0]?.toFixed(1)) }));

/** Costs that are lognormal with σ 0.8; those of treatment are multiplied. */
async function insert(key: string, seed: number, origin: Date, [from, end]: [number, number], factor: number) {
	await sql.command({
		query: `INSERT INTO otel_traces (Timestamp, TraceId, SpanId, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName,
	ScopeVersion, SpanAttributes, Duration, StatusCode)
WITH number + ${from} AS n,
	cityHash64(n, ${seed}, 'unit') % ${USERS} AS unit,
	if(cityHash64(unit, ${seed}) % 2 = 0, 'control', 'treatment') AS arm,
	(cityHash64(n, ${seed}, 'a') % 1000000 + 0.5) / 1e6 AS u, (cityHash64(n, ${seed}, 'b') % 1000000 + 0.5) / 1e6 AS v,
	exp(0.8 * sqrt(-2 * ln(u)) * cos(2 * pi() * v)) * if(arm = 'treatment', ${factor}, 1) AS relative
SELECT fromUnixTimestamp64Nano(toInt64(${origin.getTime()}000000 + n * ${1e9 / CALLS_PER_SECOND}), 'UTC'), lower(hex(sipHash128(n, ${seed}))),
	lower(hex(cityHash64(n, ${seed}))), 'chat', 'Client', 'bench', map(), '', '', map('gen_ai.operation.name', 'chat',
	'gen_ai.prompt.name', 'reply', 'gen_ai.prompt.version', '1.0.0', 'armspan.experiment', '${key}', 'armspan.iteration', '1',
	'feature_flag.result.variant', concat('${key}.', arm), 'armspan.enrolled', 'true', 'armspan.unit.type', 'user',
	'armspan.unit.id', concat('u-', toString(unit)), 'armspan.routing.revision', '1', 'armspan.cost.usd', toString(relative / 1e4)),
	toUInt64(2e8), 'Unset'
FROM numbers(${end - from})
SETTINGS async_insert = 0, max_partitions_per_insert_block = 0`,
	});
}

for (const factor of factors) {
	const [delays, checkMs]: [(number | null)[], number[]] = [[], []];
	for (let seed = 1; seed <= seeds; seed++) {
		const key = `late-${String(factor).replace(".", "-")}-${seed}`;
		const experiment = Experiment.parse({
			...{ key, hypothesis: "no harm", owner: "bench", prompt: "reply", status: "running" },
			variants: [
				{ key: "control", version: "1.0.0" },
				{ key: "treatment", version: "2.0.0" },
			],
			primaryMetric: { metric: "feedback", minimumDetectableEffect: 0.05 },
			guardrails: [{ metric: "cost", nonInferiorityMargin: 0.2 }],
		});
		const origin = new Date(new Date().setUTCHours(0, 0, 0, 0) - 7 * 86_400_000);
		const before = hoursBefore * 3600 * CALLS_PER_SECOND;
		await insert(key, seed, origin, [0, before], 1);
		let delay: number | null = null;
		// a look comes at any moment of its interval
		const offset = seed % LOOK_SECONDS;
		for (let seconds = offset + 1; seconds < GIVEN_UP_SECONDS && delay === null; seconds += LOOK_SECONDS) {
			const from = Math.max(0, seconds - LOOK_SECONDS);
			const at = (second: number) => before + second * CALLS_PER_SECOND;
			await insert(key, seed, origin, [at(from), at(seconds)], factor);
			const startedMs = performance.now();
			const now = new Date(origin.getTime() + (hoursBefore * 3600 + seconds) * 1000);
			const [check] = await checkMetricGuardrails({ store, experiment, origin, now });
			checkMs.push(performance.now() - startedMs);
			if (check?.breached) delay = seconds;
		}
		delays.push(delay);
	}
	const median = (of: number[]) => of.sort((a, b) => a - b)[of.length >> 1];
	print({ factor, hoursBefore, delaySeconds: delays, checkMs: Math.round(median(checkMs) ?? 0) });
}
await sql.close();
await store.close();
rmSync(path, { recursive: true });
