import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { VersionComparison } from "@armspan/schema";
import { startService } from "@armspan/service";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadEvidence } from "../../../service/src/test-support/loaded-evidence.ts";
import { runArmspan } from "../test-support/run-armspan.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-compare-"));
const repository = join(folder, "prompts");
const data = join(folder, "data");

beforeAll(async () => {
	await initRepository(repository, { author: { name: "Ada", email: "ada@example.org" } });
	mkdirSync(data);
	const service = await startService({
		store: { kind: "embedded", path: join(data, "clickhouse") },
		...{ repository, environmentName: "production", routingDirectory: join(data, "routing") },
		...{ host: "127.0.0.1", otlpPort: 0, apiPort: 0, token: undefined, checkEveryMs: 60_000 },
		logger: pino({ level: "silent" }),
	});
	await loadEvidence(service.store, new Date());
	await service.close();
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("of a folder that no service has open", async () => {
	const asked = ["compare", "support-reply", "--from", "2.0.0", "--to", "1.0.0", "--repository", repository];
	const { code, stdout, stderr } = await runArmspan([...asked, "--data", data, "--json"]);
	expect([code, stderr]).toEqual([0, ""]);
	const { design, versions, metrics } = VersionComparison.parse(JSON.parse(stdout));
	expect(design).toBe("not-randomized");
	expect(versions.map(({ version, calls }) => [version, calls])).toEqual([
		["2.0.0", 800],
		["1.0.0", 800],
	]);
	expect(metrics.map(({ metric }) => metric)).toContain("judge-score");
	const longAgo = await runArmspan([...asked, "--data", data, "--until", "2020-01-01"]);
	expect([longAgo.code, longAgo.stderr]).toEqual([1, expect.stringContaining("UNKNOWN_PROMPT")]);
});
