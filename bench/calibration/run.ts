/**
 * Simulates everything and writes docs/statistics/calibration.md, see README.md.
 * `node --conditions=armspan-source bench/calibration/run.ts [REPETITIONS] [--workers N] [--minutes N] [--only NAME,…]`
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type CalibrationResults, calibrate } from "./calibrate.ts";
import { report } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		workers: { type: "string", default: "2" },
		minutes: { type: "string", default: "Infinity" },
		only: { type: "string" },
	},
});
const names = values.only?.split(",");
const scenarios = SCENARIOS.filter(({ name }) => names?.includes(name) ?? true);
const kept = new URL("./fixtures/results.json", import.meta.url);

let shown = 0;
const fresh = await calibrate({
	scenarios,
	repetitions: Number(positionals[0] ?? 5000),
	workers: Number(values.workers),
	minutes: Number(values.minutes),
	onProgress(done, of) {
		if (done / of < shown + 0.02) return;
		shown = done / of;
		process.stderr.write(`${Math.round(100 * shown)} %\n`);
	},
});
// Some scenarios alone: the others stay as they were.
const before = names === undefined ? null : (JSON.parse(readFileSync(kept, "utf8")) as CalibrationResults);
const results: CalibrationResults = {
	workers: fresh.workers,
	cpuSeconds: { ...before?.cpuSeconds, ...fresh.cpuSeconds },
	cells: { ...before?.cells, ...fresh.cells },
};
// What is kept is what is shown: seven digits say all that a simulation knows.
const text = JSON.stringify(
	results,
	(_, value) => (typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(7)) : value),
	"\t",
);
writeFileSync(kept, `${text}\n`);
writeFileSync(new URL("../../docs/statistics/calibration.md", import.meta.url), report(JSON.parse(text)));
