import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { startService } from "@armspan/service";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../../packages/cli/src/log.ts";
import { runHost } from "../../packages/register/src/fixtures/host.ts";
import { startProvider } from "../../packages/register/src/fixtures/provider.ts";

const USERS = 60;

const APPLICATION = `
import { armspan } from "@armspan/instrumentation";
import OpenAI from "openai";
const client = new OpenAI({ maxRetries: 0 });
for (let user = 0; user < ${USERS}; user++) {
	const call = { user: "u" + user, variables: { question: "Why?", customerName: "Ada" } };
	await armspan.execute("support-reply", call, (prompt, { signal, isShadow }) =>
		client.chat.completions.create({ ...prompt.config, model: prompt.model, messages: prompt.messages },
			{ signal, headers: isShadow ? { "x-simulated-fault": "500" } : {} }));
}
console.log(JSON.stringify(armspan.status().counters));
`;

test("a shadow that always fails: its calls are evidence, and neither comparison nor guardrail counts them", async () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-shadow-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const repository = join(folder, "repository");
	await initRepository(repository);
	const file = join(repository, "experiments/support-tone.yaml");
	const text = readFileSync(file, "utf8");
	expect(text).toContain("type: fixed");
	const shadow = "type: shadow\n  maxConcurrent: 100\n  maxCallsPerMinute: 100000";
	writeFileSync(file, text.replace("type: fixed", shadow));
	const author = ["-c", "user.name=T", "-c", "user.email=t@localhost"];
	execFileSync("git", ["-C", repository, ...author, "commit", "--quiet", "--all", "--message", "shadow"]);
	const provider = await startProvider();
	onTestFinished(() => provider.close());
	const service = await startService({
		store: { kind: "embedded", path: join(folder, "clickhouse") },
		...{ repository, environmentName: "production", routingDirectory: join(folder, "routing") },
		...{ host: "127.0.0.1", otlpPort: 0, apiPort: 0, checkEveryMs: 200, insertDelayMs: 1 },
		logger: createLog(join(folder, "service.log"), "warn"),
	});
	onTestFinished(() => service.close());
	const host = runHost({
		source: APPLICATION,
		type: "module",
		env: {
			ARMSPAN_ROUTING: join(folder, "routing"),
			OTEL_EXPORTER_OTLP_ENDPOINT: service.otlpUrl,
			OPENAI_BASE_URL: `${provider.url}/v1`,
			OPENAI_API_KEY: "test",
		},
	});
	expect((await host.exited).code, host.stderr()).toBe(0);
	const counters = JSON.parse(host.stdout());
	expect(counters).toMatchObject({ routedCalls: USERS, shadowDropped: 0, exposuresEmitted: 0 });

	const calls = await service.store.callIds({});
	const shadows = calls.filter(({ isShadow }) => isShadow);
	expect(calls.filter(({ isShadow }) => !isShadow)).toHaveLength(USERS);
	expect(shadows.length).toBeGreaterThan(USERS / 2);
	expect(shadows.every(({ isError, promptVersion }) => isError && promptVersion === "2.0.0")).toBe(true);
	expect(new Set(shadows.map(({ unitId }) => unitId)).size).toBe(shadows.length);
	expect(calls.every(({ isShadow, isError }) => isShadow === isError)).toBe(true);

	const results = await service.results("support-tone");
	expect(results?.verdict.kind).toBe("no-data");
	expect(results?.variants.map(({ calls, units }) => calls + units)).toEqual([0, 0]);
	expect((await service.store.listDecisions({})).filter(({ kind }) => kind === "halt")).toEqual([]);
});
