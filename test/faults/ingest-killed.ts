/** `node --conditions=armspan-source test/faults/ingest-killed.ts [rounds, 100]`: SIGKILL at random while spans come in. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killWhileIngesting } from "./kill-while-ingesting.ts";

const rounds = Number(process.argv[2] ?? 100);
const folder = mkdtempSync(join(tmpdir(), "armspan-killed-"));
const { sent, acknowledged, stored, failures } = await killWhileIngesting(folder, rounds, Math.random, (round) => {
	if (round % 10 === 0) process.stderr.write(`${round} of ${rounds}\n`);
});
const storedIds = new Set(stored.calls);
const sentIds = new Set(sent);
const lost = acknowledged.filter((id) => !storedIds.has(id)).length;
const invented = stored.calls.filter((id) => !sentIds.has(id)).length;
const doubled = stored.calls.length - storedIds.size + Math.abs(stored.counted - storedIds.size);
console.log(JSON.stringify({ rounds, acknowledged: acknowledged.length, lost, doubled, invented, failures }));
rmSync(folder, { recursive: true });
process.exitCode = lost + doubled + invented === 0 ? 0 : 1;
