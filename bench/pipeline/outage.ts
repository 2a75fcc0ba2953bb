/**
 * ClickHouse away under load, as long as one likes:
 *
 *     node --conditions=armspan-source bench/pipeline/outage.ts --minutes 10 --rate 500
 *
 * Prints a report as JSON; ends with 1 when a span was lost or counted twice.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runOutage } from "../../test/pipeline/outage.ts";

const { values } = parseArgs({
	options: {
		minutes: { type: "string", default: "10" },
		rate: { type: "string", default: "500" },
		signal: { type: "string", default: "SIGKILL" },
	},
});
const folder = mkdtempSync(join(tmpdir(), "armspan-outage-"));
try {
	const report = await runOutage({
		folder,
		downMs: Number(values.minutes) * 60_000,
		spansPerSecond: Number(values.rate),
		signal: values.signal === "SIGSTOP" ? "SIGSTOP" : "SIGKILL",
		onProgress: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
	});
	process.stdout.write(`${JSON.stringify({ ...values, ...report }, null, 2)}\n`);
	process.exitCode = report.missing === 0 && report.doubled === 0 ? 0 : 1;
} finally {
	rmSync(folder, { recursive: true, force: true });
}
