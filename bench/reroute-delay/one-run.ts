/** One run: `node --conditions=armspan-source bench/reroute-delay/one-run.ts SEED CALLS_PER_USER`. Prints JSON. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { prepareDemoFolder } from "../../packages/cli/src/demo/demo-folder.ts";
import { startLoop } from "../../packages/cli/src/demo/run-loop.ts";
import { sinceSwitchMs } from "../../packages/cli/src/demo/time-line.ts";
import { writeHistory } from "./history.ts";

const LOAD = { users: 3000, callsPerSecond: 50 };
const [seed = 1, callsPerUser = 20] = process.argv.slice(2).map(Number);

const root = mkdtempSync(join(tmpdir(), "armspan-reroute-"));
try {
	const folder = await prepareDemoFolder(join(root, "run"), async () => undefined);
	await initRepository(folder.repository);
	await writeHistory({ ...folder, ...LOAD, seed, callsPerUser, errorRate: 0.01, now: new Date() });
	const loop = await startLoop({
		...LOAD,
		folder,
		seed,
		host: "127.0.0.1",
		otlpPort: 0,
		apiPort: 0,
		checkEveryMs: 1000,
		// Anywhere within a minute of the restarts.
		degradeAfterMs: 6000 + ((seed * 7919) % 10_000),
		degradedErrorRate: 0.3,
		settleMs: 4000,
		giveUpAfterMs: 120_000,
		signal: new AbortController().signal,
		onProgress: () => undefined,
	});
	try {
		const { closed, timeLine } = await loop.outcome;
		process.stdout.write(
			`${JSON.stringify({
				seed,
				callsPerUser,
				closed,
				detectedMs: sinceSwitchMs(timeLine, "detectedAt"),
				bundleWrittenMs: sinceSwitchMs(timeLine, "bundleWrittenAt"),
				lastTreatmentCallMs: sinceSwitchMs(timeLine, "lastTreatmentCallAt"),
			})}\n`,
		);
	} finally {
		await loop.stop();
	}
} finally {
	rmSync(root, { recursive: true, force: true });
}
