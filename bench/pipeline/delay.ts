/**
 * How long from the end of a call's span until a query finds the call, through SDK, agent, gateway and ClickHouse.
 * The table is asked every 100 ms, so every delay is up to that much too long, and what asking takes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { prepareDemoFolder } from "../../packages/cli/src/demo/demo-folder.ts";
import { startLoop } from "../../packages/cli/src/demo/run-loop.ts";
import { Pipeline } from "../../test/pipeline/pipeline.ts";

const [seconds = "60", callsPerSecond = "50"] = process.argv.slice(2);
const POLL_MS = 100;
/** What started before everything was warm. */
const WARM_UP_MS = 5000;

const root = mkdtempSync(join(tmpdir(), "armspan-bench-delay-"));
const pipeline = await Pipeline.start(root);
const stopping = new AbortController();
try {
	const loop = await startLoop({
		folder: await prepareDemoFolder(join(root, "demo"), async () => undefined),
		store: { kind: "server", url: pipeline.server.url },
		otlpEndpoint: pipeline.agent.otlpUrl,
		...{ host: "127.0.0.1", otlpPort: 0, apiPort: 0, checkEveryMs: 1000, seed: 1, users: 3000 },
		callsPerSecond: Number(callsPerSecond),
		...{ degradedErrorRate: 0, settleMs: 0, giveUpAfterMs: 0 },
		signal: stopping.signal,
		onProgress: () => undefined,
	});
	const seen = new Map<string, number>();
	const begin = Date.now();
	while (Date.now() < begin + WARM_UP_MS + Number(seconds) * 1000) {
		const rows = await pipeline.server.run(
			"SELECT call_hash, toUnixTimestamp64Micro(started_at) + latency_us FROM calls WHERE started_at > now() - 60 FORMAT TSV",
		);
		const now = Date.now();
		for (const row of rows.split("\n").filter(Boolean)) {
			const [call = "", endedUs] = row.split("\t");
			const endedMs = Number(endedUs) / 1000;
			if (!seen.has(call) && endedMs > begin + WARM_UP_MS) seen.set(call, now - endedMs);
		}
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
	stopping.abort();
	await loop.outcome;
	await loop.stop();
	const delays = [...seen.values()].sort((left, right) => left - right);
	const quantile = (share: number) => Math.round(delays[Math.ceil(share * delays.length) - 1] ?? Number.NaN);
	console.log(
		JSON.stringify({
			calls: delays.length,
			medianMs: quantile(0.5),
			p95Ms: quantile(0.95),
			maxMs: quantile(1),
			load: loadavg()[0]?.toFixed(1),
		}),
	);
} finally {
	await pipeline.stop();
	rmSync(root, { recursive: true, force: true });
}
