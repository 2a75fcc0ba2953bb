import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { startService } from "@armspan/service";
import { createChdbConnection } from "chdb/connection";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../../packages/cli/src/log.ts";
import { runHost } from "../../packages/register/src/fixtures/host.ts";
import { startProvider } from "../../packages/register/src/fixtures/provider.ts";

/** What its author deployed on two days; nothing of Armspan is in it. */
const deployed = (template: string) => `
const OpenAI = require("openai");
const client = new OpenAI();
async function reply(question) {
	return client.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content: \`${template}\` }] });
}
void Promise.all(Array.from({ length: 20 }, (_, index) => reply("question " + index)));
`;
const MAPPING = `prompts:
  - { prompt: support/reply, version: 1.0.0, match: { template: "Answer: {{question}}" } }
  - { prompt: support/reply, version: 2.0.0, match: { template: "Answer politely: {{question}}" } }
`;

test("versions of a prompt in unchanged code are told apart in ClickHouse, by the query of the README", async () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-prompts-in-code-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const repository = join(folder, "repository");
	await initRepository(repository);
	const provider = await startProvider();
	onTestFinished(() => provider.close());
	const path = join(folder, "clickhouse");
	const service = await startService({
		...{ store: { kind: "embedded", path }, repository, environmentName: "production" },
		...{ routingDirectory: join(folder, "routing"), host: "127.0.0.1", otlpPort: 0, apiPort: 0 },
		...{ checkEveryMs: 1000, insertDelayMs: 1, logger: createLog(join(folder, "service.log"), "warn") },
	});
	onTestFinished(() => service.close());
	for (const template of ["Answer: ${question}", "Answer politely: ${question}", "Not in the file: ${question}"]) {
		const host = runHost({
			source: deployed(template),
			type: "commonjs",
			files: { "prompts.yaml": MAPPING },
			env: {
				...{ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test" },
				...{ OTEL_EXPORTER_OTLP_ENDPOINT: service.otlpUrl, ARMSPAN_PROMPTS: "prompts.yaml" },
			},
		});
		expect([(await host.exited).code, host.stderr()]).toEqual([0, ""]);
	}
	const readme = readFileSync(new URL("../../packages/register/README.md", import.meta.url), "utf8");
	const [, query = ""] = /```sql\n(.*?)```/s.exec(readme) ?? [];
	const connection = createChdbConnection({ path });
	onTestFinished(() => connection.close());
	const lines = (await connection.chdb.queryAsync(query, { format: "JSONEachRow" })).text().trim().split("\n");
	const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
	expect(rows).toMatchObject([
		{ prompt_version: "1.0.0", p95_seconds: expect.any(Number), mean_cost_usd: expect.any(Number) },
		{ prompt_version: "2.0.0" },
	]);
	expect(rows.map(({ calls }) => Number(calls))).toEqual([20, 20]);
});
