/** How much faster the statistics of an experiment come from the evidence than from `otel_traces`, with equal results. */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS } from "@armspan/schema";
import { openStore } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { CELL_STARTS, VALUE_GRID } from "../src/metrics/value-grid.ts";
import { generateTraces } from "./generate-traces.ts";
import { type Dedupe, RAW_METRICS, rawStatement } from "./raw-traces-sql.ts";

const calls = Number(process.argv[2] ?? 1_000_000);
const units = Number(process.argv[3] ?? 50_000);
const ways: readonly Dedupe[] = process.argv[4] === undefined ? ["limit-by", "group-by"] : [process.argv[4] as Dedupe];

const path = mkdtempSync(join(tmpdir(), "armspan-bench-"));
const store = await openStore({ kind: "embedded", path });
await store.migrate();
const sql = createClient({ connection: createChdbConnection({ path }) } as never);
const command = (query: string) => sql.command({ query });
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
const look = () => store.metricTotals({ ...key, metrics });
const texts = (totals: unknown) =>
	JSON.stringify(totals, (_, value) => (typeof value === "bigint" ? String(value) : value));
let expectedTotals = "";

/** Median of a few looks, which all give the same. */
async function looks(name: string, count: number) {
	const all: Timed<Awaited<ReturnType<typeof look>>>[] = [];
	for (let index = 0; index < count; index++) {
		all.push(await timed(look));
		const text = texts(all.at(-1)?.result);
		if (expectedTotals !== "" && text !== expectedTotals) throw new Error(`${name}: totals differ`);
		expectedTotals = text;
	}
	const median = (of: (each: Timed<unknown>) => number) => all.map(of).sort((a, b) => a - b)[count >> 1] as number;
	const found = { ms: median(({ ms }) => ms), cpuMs: median(({ cpuMs }) => cpuMs) };
	print({
		case: name,
		...found,
		runsMs: all.map(({ ms }) => ms),
		grownMb: Math.max(...all.map(({ grownMb }) => grownMb)),
	});
	return { name, ...found, totals: all[0]?.result };
}

const days = 14;
const traffic = { calls, units, days, start: new Date(new Date().setUTCHours(0, 0, 0, 0) - (days + 1) * 86_400_000) };
const inLastHour = Math.ceil(calls / days / 24);
const atOf = (call: number) => new Date(traffic.start.getTime() + Math.floor((call / calls) * days * 86_400_000));
async function load(first: number, end: number) {
	const { ms } = await timed(() => generateTraces(command, traffic, [first, end]));
	print({ case: "load", calls: end - first, ms });
}
async function seal(until: Date) {
	// the engine counts seconds of arrival: what has come must have come before this one
	await new Promise((resolve) => setTimeout(resolve, 2100));
	const request = { experiment: key.experiment, iteration: key.iteration, metrics, until, arrivedUntil: new Date() };
	const { result, ...took } = await timed(() => store.sealUnitSums(request));
	print({ case: "sealUnitSums", ...took, units: result.units });
}

await load(0, calls - inLastHour);
await seal(atOf(calls - inLastHour));
await load(calls - inLastHour, calls);
const cases = [await looks("metricTotals, sums and the calls of an hour", 5)];
await command("TRUNCATE TABLE unit_seals");
const unsealed = await looks("metricTotals without sums", 2);
await seal(atOf(calls + inLastHour));
cases.push(unsealed, await looks("metricTotals, sums of all calls", 5));

for (const dedupe of ways) {
	const raw = await timed(() => rowsOf<Record<string, unknown>>(rawStatement(CELL_STARTS, dedupe)));
	const { ms, cpuMs, grownMb } = raw;
	const times = (by: (each: { ms: number; cpuMs: number }) => number) =>
		Object.fromEntries(cases.map((each) => [each.name, Math.round((by(raw) / by(each)) * 10) / 10]));
	print({ case: `otel_traces, ${dedupe}`, ms, cpuMs, grownMb });
	print({ timesOfMs: times((each) => each.ms), timesOfCpuMs: times((each) => each.cpuMs) });
	const expected = unsealed.totals?.arms.map((arm) => ({
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
	const found = raw.result.map(({ error_types: _, cells, ...row }) => {
		const [starts, ...sums] = cells as (string | number)[][];
		const upTo = (start: string | number) => VALUE_GRID[CELL_STARTS.indexOf(Number(start))];
		return { ...row, cells: starts?.map((start, index) => [upTo(start), ...sums.map((of) => of[index])].map(String)) };
	});
	const [a, b] = [JSON.stringify(expected), JSON.stringify(found)];
	if (a !== b) {
		let at = 0;
		while (a[at] === b[at]) at += 1;
		throw new Error(`results differ at ${at}: ${a.slice(at - 200, at + 60)} and ${b.slice(at - 200, at + 60)}`);
	}
}
const sizes = await rowsOf<{ table: string; bytes: string; rows: string }>(
	"SELECT table, toString(sum(bytes_on_disk)) AS bytes, toString(sum(rows)) AS rows FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table",
);
const free = statfsSync(path);
print({
	equal: true,
	bytesPerRow: Object.fromEntries(
		sizes.map(({ table, bytes, rows }) => [table, Math.round((Number(bytes) / Number(rows)) * 10) / 10]),
	),
	freeGb: Math.round((free.bavail * free.bsize) / 1e9),
});
await sql.close();
await store.close();
rmSync(path, { recursive: true });
