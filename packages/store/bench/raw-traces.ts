/** How much faster the statistics of an experiment come from the evidence than from `otel_traces`, with equal results. */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS } from "@armspan/schema";
import { openStore } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { ClientConnection } from "../src/client-connection.ts";
import { metricTotals } from "../src/metrics/metric-totals.ts";
import { CELL_STARTS, VALUE_GRID } from "../src/metrics/value-grid.ts";
import { RAW_METRICS, rawStatement } from "./raw-traces-sql.ts";

const [folder, dedupe = "limit-by"] = process.argv.slice(2);
if (folder === undefined || (dedupe !== "limit-by" && dedupe !== "group-by")) {
	throw new Error("usage: raw-traces.ts FOLDER [limit-by|group-by], of a folder that raw-traces-load.ts has filled");
}
const { traffic, loaded } = JSON.parse(readFileSync(join(folder, "raw-traces.json"), "utf8"));
if (loaded !== traffic.calls) throw new Error(`${loaded} of ${traffic.calls} calls are loaded; run raw-traces-load.ts`);

const path = join(folder, "clickhouse");
const store = await openStore({ kind: "embedded", path });
await store.migrate();
const sql = createClient({ connection: createChdbConnection({ path }) } as never);
async function rowsOf<Row>(query: string): Promise<Row[]> {
	return (await (await sql.query({ query, format: "JSONEachRow" })).json()) as Row[];
}
const print = (line: object) => console.log(JSON.stringify({ ...line, load: Number(loadavg()[0]?.toFixed(1)) }));

interface Timed<Result> {
	ms: number;
	/** Of all threads: says more than the clock on a machine that is shared. */
	cpuMs: number;
	grownMb: number;
	result: Result;
}

async function timed<Result>(look: () => Promise<Result>): Promise<Timed<Result>> {
	let peak = 0;
	const sample = setInterval(() => {
		peak = Math.max(peak, process.memoryUsage.rss());
	}, 20);
	const before = process.memoryUsage.rss();
	const startedAt = performance.now();
	const cpu = process.cpuUsage();
	const result = await look();
	const ms = Math.round(performance.now() - startedAt);
	const { user, system } = process.cpuUsage(cpu);
	clearInterval(sample);
	const grownMb = Math.round((Math.max(peak, before) - before) / 1e6);
	return { ms, cpuMs: Math.round((user + system) / 1000), grownMb, result };
}

const key = { experiment: "bench", iteration: 1, unitType: "user", prompt: "support-reply", asOf: new Date() };
const metrics = [...BUILT_IN_METRICS.values()];
/** The same statements as `Store.metricTotals`, as if there were no seal if so asked. */
const connection = createChdbConnection({ path });
const analysis = new ClientConnection(createClient({ connection } as never), connection);
const look = (isSealed: boolean) => () =>
	metricTotals(
		async (statement, parameters) =>
			!isSealed && statement.includes("FROM unit_seals") ? [] : analysis.query(statement, parameters),
		{ ...key, metrics },
	);
type Totals = Awaited<ReturnType<ReturnType<typeof look>>>;
const texts = (totals: Totals) =>
	JSON.stringify(totals, (_, value) => (typeof value === "bigint" ? String(value) : value));
let expected: Totals | undefined;
const cases: { name: string; ms: number; cpuMs: number }[] = [];

/** Median of a few looks, which all give the same. */
async function looks(name: string, count: number, isSealed: boolean): Promise<void> {
	const all: Timed<Totals>[] = [];
	for (let index = 0; index < count; index++) {
		all.push(await timed(look(isSealed)));
		expected ??= all[0]?.result;
		if (expected && texts(all.at(-1)?.result as Totals) !== texts(expected)) throw new Error(`${name}: totals differ`);
	}
	const median = (of: (each: Timed<unknown>) => number) => all.map(of).sort((a, b) => a - b)[count >> 1] as number;
	const found = { name, ms: median(({ ms }) => ms), cpuMs: median(({ cpuMs }) => cpuMs) };
	cases.push(found);
	print({
		...{ case: name, ms: found.ms, cpuMs: found.cpuMs, runsMs: all.map(({ ms }) => ms) },
		grownMb: Math.max(...all.map(({ grownMb }) => grownMb)),
	});
}

const sizes = await rowsOf<{ table: string; bytes: string; rows: string }>(
	"SELECT table, toString(sum(bytes_on_disk)) AS bytes, toString(sum(rows)) AS rows FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table",
);
print({
	...traffic,
	bytesPerRow: Object.fromEntries(
		sizes.map(({ table, bytes, rows }) => [table, Math.round((Number(bytes) / Number(rows)) * 10) / 10]),
	),
});
const [seal] = await rowsOf<{ isUsable: boolean }>(
	"SELECT max(sealed_at) > now() - INTERVAL 36 HOUR AS isUsable FROM unit_seals",
);
if (!seal?.isUsable) throw new Error("the seal is older than 36 hours; load the folder anew");
await looks("metricTotals, a seal and the calls beside it", 7, true);
await looks("metricTotals of all calls", 1, false);

const raw = await timed(() => rowsOf<Record<string, unknown>>(rawStatement(CELL_STARTS, dedupe)));
const { ms, cpuMs, grownMb } = raw;
const times = (by: (each: { ms: number; cpuMs: number }) => number) =>
	Object.fromEntries(cases.map((each) => [each.name, Math.round((by(raw) / by(each)) * 10) / 10]));
print({ case: `otel_traces, ${dedupe}`, ms, cpuMs, grownMb });
print({ timesOfMs: times((each) => each.ms), timesOfCpuMs: times((each) => each.cpuMs) });

const ofEvidence = expected?.arms.map((arm) => ({
	...{ arm: arm.variant, day: arm.day, units: String(arm.units), calls: String(arm.calls) },
	...Object.fromEntries(
		RAW_METRICS.map((name) => {
			const of = arm.metrics[name];
			const sums = [of?.units, of?.sumY, of?.sumN, of?.sumYY, of?.sumNN, of?.sumYN];
			return [name, [...sums, ...(of?.sumOfSquares == null ? [] : [of.sumOfSquares])].map(String)];
		}),
	),
	cells: arm.metrics["latency-p50"]?.cells?.map(({ upTo, ...cell }) => [upTo, ...Object.values(cell)].map(String)),
}));
const ofTraces = raw.result.map(({ error_types: _, cells, ...row }) => {
	const [starts, ...sums] = cells as (string | number)[][];
	const upTo = (start: string | number) => VALUE_GRID[CELL_STARTS.indexOf(Number(start))];
	return { ...row, cells: starts?.map((start, index) => [upTo(start), ...sums.map((of) => of[index])].map(String)) };
});
const [a, b] = [JSON.stringify(ofEvidence), JSON.stringify(ofTraces)];
if (a !== b) {
	let at = 0;
	while (a[at] === b[at]) at += 1;
	throw new Error(`results differ at ${at}: ${a.slice(at - 200, at + 60)} and ${b.slice(at - 200, at + 60)}`);
}
print({ equal: true });
await analysis.close();
await sql.close();
await store.close();
