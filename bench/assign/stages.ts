// Which step of a reload takes how long? See README.md beside this file.
import { RoutingTable } from "@armspan/router";
import { twoArms } from "./bundles.ts";
import { median } from "./median.ts";

const [flags = 1_000, loads = 15] = process.argv.slice(2).map(Number);
const { json } = twoArms(flags, 0.1);
const bytes = Buffer.from(json);

/** Of each step the shortest of all loads, as other work on the machine can only lengthen it. */
const shortest: number[] = [];
const parseMs: number[] = [];
const totalMs: number[] = [];
for (let load = 0; load < loads; load++) {
	const startedAt = performance.now();
	const input: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	parseMs.push(performance.now() - startedAt);
	const steps = RoutingTable.loadSteps(input);
	for (let step = 0, done = false; !done; step++) {
		const stepStartedAt = performance.now();
		done = steps.next().done === true;
		const tookMs = performance.now() - stepStartedAt;
		shortest[step] = Math.min(shortest[step] ?? Number.POSITIVE_INFINITY, tookMs);
	}
	totalMs.push(performance.now() - startedAt);
}
const longest = Math.max(...shortest);
console.log(`${flags} flags, ${(bytes.length / 1e6).toFixed(2)} MB`);
console.log(`JSON.parse ${Math.min(...parseMs).toFixed(1)} ms (median ${median(parseMs).toFixed(1)})`);
console.log(`${shortest.length} steps, longest ${longest.toFixed(2)} ms (number ${shortest.indexOf(longest)})`);
console.log(`first ${shortest[0]!.toFixed(2)} ms, last ${shortest.at(-1)!.toFixed(2)} ms`);
console.log(`sum ${shortest.reduce((sum, ms) => sum + ms, 0).toFixed(1)} ms`);
console.log(`in all ${Math.min(...totalMs).toFixed(1)} ms (median ${median(totalMs).toFixed(1)})`);
