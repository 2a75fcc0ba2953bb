/**
 * From the provider turning bad to the start of the last call routed to treatment, with the Collectors between: as
 * bench/reroute-delay, without earlier calls. Each seed has processes, queues and a database of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { prepareDemoFolder } from "../../packages/cli/src/demo/demo-folder.ts";
import { startLoop } from "../../packages/cli/src/demo/run-loop.ts";
import { sinceSwitchMs } from "../../packages/cli/src/demo/time-line.ts";
import { Pipeline } from "../../test/pipeline/pipeline.ts";

const [seeds = "5"] = process.argv.slice(2);
const delays: number[] = [];
for (let seed = 1; seed <= Number(seeds); seed++) {
	const root = mkdtempSync(join(tmpdir(), "armspan-bench-reroute-"));
	const pipeline = await Pipeline.start(root);
	try {
		const loop = await startLoop({
			folder: await prepareDemoFolder(join(root, "demo"), async () => undefined),
			store: { kind: "server", url: pipeline.server.url },
			otlpEndpoint: pipeline.agent.otlpUrl,
			...{ host: "127.0.0.1", otlpPort: 0, apiPort: 0, checkEveryMs: 1000, seed },
			...{ users: 3000, callsPerSecond: 50, degradedErrorRate: 0.3 },
			// A batch and a look are begun every second: the moment should differ in both.
			degradeAfterMs: 20_000 + ((seed * 373) % 1000),
			...{ settleMs: 8000, giveUpAfterMs: 60_000 },
			signal: new AbortController().signal,
			onProgress: () => undefined,
		});
		const { closed, timeLine } = await loop.outcome;
		await loop.stop();
		// A loop that did not close took for ever.
		const lastCallMs = closed ? (sinceSwitchMs(timeLine, "lastTreatmentCallAt") ?? Infinity) : Infinity;
		delays.push(lastCallMs);
		console.log(
			JSON.stringify({
				...{ seed, closed, detectedMs: sinceSwitchMs(timeLine, "detectedAt"), lastCallMs },
				load: loadavg()[0]?.toFixed(1),
			}),
		);
	} finally {
		await pipeline.stop();
		rmSync(root, { recursive: true, force: true });
	}
}
delays.sort((left, right) => left - right);
const quantile = (share: number) => delays[Math.ceil(share * delays.length) - 1];
console.log(JSON.stringify({ runs: delays.length, medianMs: quantile(0.5), p95Ms: quantile(0.95) }));
