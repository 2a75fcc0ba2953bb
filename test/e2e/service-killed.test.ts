import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@armspan/store";
import { afterEach, expect, test } from "vitest";
import { compareWithProvider } from "./compare-with-provider.ts";
import { ARMSPAN, Program } from "./program.ts";
import { readServedLog } from "./served-log.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-killed-"));
const programs: Program[] = [];

afterEach(async () => {
	await Promise.all(programs.map((program) => program.stop("SIGKILL")));
	rmSync(folder, { recursive: true, force: true });
});

function start(args: string[], env?: Record<string, string>): Program {
	const program = new Program(args, env);
	programs.push(program);
	return program;
}

/** A port that is free now; the service must come back on the same one. */
function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
		});
	});
}

test("a service killed under load and restarted has lost nothing it acknowledged and counts nothing twice", {
	timeout: 120_000,
}, async () => {
	const repository = join(folder, "repository");
	const data = join(folder, "data");
	const servedLog = join(folder, "served.jsonl");
	expect((await start([ARMSPAN, "init", repository]).ended).code).toBe(0);

	const [otlpPort, apiPort] = [await freePort(), await freePort()];
	const up = async () => {
		const service = start([
			ARMSPAN,
			"up",
			"--repository",
			repository,
			"--data",
			data,
			"--otlp-port",
			`${otlpPort}`,
			"--api-port",
			`${apiPort}`,
		]);
		await service.printed(/is up/);
		return service;
	};
	let service = await up();
	const provider = start([
		"examples/simulated-provider/src/server.ts",
		"--port",
		"0",
		"--seed",
		"3",
		"--log",
		servedLog,
	]);
	const providerUrl = await provider.printed(/listening on (\S+)/);
	const application = start(["--import", "@armspan/register", "examples/support-bot/src/server.ts"], {
		ARMSPAN_ROUTING: join(data, "routing"),
		OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlpPort}`,
		OPENAI_BASE_URL: `${providerUrl}/v1`,
		OPENAI_API_KEY: "simulated",
		PORT: "0",
	});
	const applicationUrl = await application.printed(/listening on (\S+)/);
	const load = start([
		"examples/support-bot/src/load.ts",
		"--url",
		applicationUrl,
		"--users",
		"300",
		"--rate",
		"50",
		"--seed",
		"3",
	]);

	for (const seconds of [4, 3]) {
		await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
		await service.stop("SIGKILL");
		service = await up();
	}
	await new Promise((resolve) => setTimeout(resolve, 3000));
	expect(JSON.parse((await load.stop()).stdout)).toMatchObject({ unreachable: 0 });
	await application.stop();
	await provider.stop();
	const ended = await service.stop();
	expect(ended.code).toBe(0);

	const store = await openStore({ kind: "embedded", path: join(data, "clickhouse") });
	try {
		const differences = compareWithProvider(
			await store.callIds({}),
			readServedLog(servedLog).filter(({ completed }) => completed),
		);
		expect(differences).toMatchObject({ missing: [], invented: [], doubled: [], wrongVersion: [] });
		for (const [served, stored] of Object.values(differences.failed)) {
			expect(stored).toBe(served);
		}
		const totals = await store.metricTotals({
			...{ experiment: "support-tone", iteration: 1, unitType: "user", prompt: "", metrics: [], asOf: new Date() },
		});
		expect(totals.excludedUnits).toBe(0);
		expect(totals.arms.reduce((sum, { calls }) => sum + calls, 0)).toBe((await store.callIds({})).length);
	} finally {
		await store.close();
	}
});
