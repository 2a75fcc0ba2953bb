/** Fills a folder for `raw-traces.ts`: all calls but those of the last hour (or minutes), their sums per unit, and that hour. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { BUILT_IN_METRICS } from "@armspan/schema";
import { openStore } from "@armspan/store";
import { createClient } from "@clickhouse/client";
import { createChdbConnection } from "chdb/connection";
import { generateTraces, startOfLastMinutes, type Traffic, timeOfCall } from "./generate-traces.ts";

const [folder, calls = "5000000", units = "200000", minutes = "60"] = process.argv.slice(2);
if (folder === undefined)
	throw new Error("usage: raw-traces-load.ts FOLDER [calls, 5000000] [units, 200000] [minutes beside the seal, 60]");
/** So many are loaded before it is written down how far the loading has come. */
const CALLS_PER_STEP = 1_000_000;
const DAYS = 14;

interface Progress {
	traffic: Omit<Traffic, "start"> & { start: string };
	/** Calls before it are in the tables. */
	loaded: number;
	sealed: boolean;
}

mkdirSync(folder, { recursive: true });
const file = join(folder, "raw-traces.json");
const startOfDay = new Date().setUTCHours(0, 0, 0, 0);
const progress: Progress = existsSync(file)
	? JSON.parse(readFileSync(file, "utf8"))
	: {
			traffic: {
				...{ calls: Number(calls), units: Number(units), days: DAYS },
				start: new Date(startOfDay - (DAYS + 1) * 86_400_000).toISOString(),
			},
			...{ loaded: 0, sealed: false },
		};
const traffic: Traffic = { ...progress.traffic, start: new Date(progress.traffic.start) };
if (traffic.calls !== Number(calls) || traffic.units !== Number(units)) {
	throw new Error(`${folder} holds ${traffic.calls} calls of ${traffic.units} units; give these, or another folder`);
}
const path = join(folder, "clickhouse");
const store = await openStore({ kind: "embedded", path });
await store.migrate();
const sql = createClient({ connection: createChdbConnection({ path }) } as never);
const print = (line: object) => console.log(JSON.stringify({ ...line, load: Number(loadavg()[0]?.toFixed(1)) }));
const beside = startOfLastMinutes(traffic, Number(minutes));

async function load(end: number): Promise<void> {
	while (progress.loaded < end) {
		const startedAt = performance.now();
		const next = Math.min(end, progress.loaded + CALLS_PER_STEP);
		// a step that was cut off is loaded again: the same spans, as if delivered twice
		await generateTraces((query) => sql.command({ query }), traffic, [progress.loaded, next]);
		progress.loaded = next;
		writeFileSync(file, JSON.stringify(progress));
		print({ case: "load", loaded: next, ms: Math.round(performance.now() - startedAt) });
	}
}

await load(beside);
if (!progress.sealed) {
	// the engine counts seconds of arrival: what has come must have come before this one
	await new Promise((resolve) => setTimeout(resolve, 2100));
	const startedAt = performance.now();
	const cpu = process.cpuUsage();
	const { units: sealed } = await store.sealUnitSums({
		...{ experiment: "bench", iteration: 1, metrics: [...BUILT_IN_METRICS.values()] },
		...{ until: timeOfCall(traffic, beside), arrivedUntil: new Date() },
	});
	const { user, system } = process.cpuUsage(cpu);
	const took = { ms: Math.round(performance.now() - startedAt), cpuMs: Math.round((user + system) / 1000) };
	print({ case: "sealUnitSums", ...took, units: sealed });
	progress.sealed = true;
	writeFileSync(file, JSON.stringify(progress));
}
await load(traffic.calls);
await sql.close();
await store.close();
