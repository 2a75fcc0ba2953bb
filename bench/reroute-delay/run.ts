/**
 * How long from the provider turning bad to the start of the last call routed to treatment?
 * `node --conditions=armspan-source bench/reroute-delay/run.ts [SEEDS] [HISTORIES]`, see README.md.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Run {
	seed: number;
	callsPerUser: number;
	closed: boolean;
	detectedMs?: number;
	bundleWrittenMs?: number;
	lastTreatmentCallMs?: number;
}

const HISTORIES = (process.argv[3] ?? "2,20,300").split(",").map(Number);
const seeds = Number(process.argv[2] ?? 20);
const oneRun = fileURLToPath(new URL("./one-run.ts", import.meta.url));

const runs: Run[] = [];
for (const callsPerUser of HISTORIES) {
	for (let seed = 1; seed <= seeds; seed++) {
		// A process each, so that no run inherits another's caches, parts or threads.
		const { stdout } = await promisify(execFile)(
			process.execPath,
			["--conditions=armspan-source", oneRun, String(seed), String(callsPerUser)],
			{ maxBuffer: 1e7 },
		);
		const run = JSON.parse(stdout) as Run;
		runs.push(run);
		process.stderr.write(`${JSON.stringify(run)}\n`);
	}
}

console.log(
	"| earlier calls per user | runs | closed | detected, median (p95) | last call to treatment, median (p95) |",
);
console.log("|---|---|---|---|---|");
for (const callsPerUser of HISTORIES) {
	console.log(
		row(
			String(callsPerUser),
			runs.filter((run) => run.callsPerUser === callsPerUser),
		),
	);
}
console.log(row("all", runs));

function row(label: string, of: readonly Run[]): string {
	const closed = of.filter((run) => run.closed).length;
	// A run that did not close counts as never, and shows as the worst.
	const seconds = (key: "detectedMs" | "lastTreatmentCallMs") =>
		of.map((run) => (run.closed ? (run[key] ?? 0) / 1000 : Number.POSITIVE_INFINITY)).sort((a, b) => a - b);
	const cell = (values: readonly number[]) =>
		`${quantile(values, 0.5).toFixed(1)} s (${quantile(values, 0.95).toFixed(1)} s)`;
	return `| ${label} | ${of.length} | ${closed} | ${cell(seconds("detectedMs"))} | ${cell(seconds("lastTreatmentCallMs"))} |`;
}

/** Smallest value that at least the given share of values does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
	return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
