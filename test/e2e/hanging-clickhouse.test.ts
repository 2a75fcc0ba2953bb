import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "@armspan/registry";
import { type Service, type ServiceOptions, startService } from "@armspan/service";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClickHouseServer, serverUnavailable } from "../conformance/clickhouse-server.ts";

const unavailable = serverUnavailable();
if (unavailable !== undefined) console.warn(`a ClickHouse server that hangs is not tested: ${unavailable}`);

describe.skipIf(unavailable !== undefined)("a service on a ClickHouse server", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-hanging-"));
	const log = { error() {}, warn() {}, info() {}, debug() {}, fatal() {}, trace() {} };
	const silent = { ...log, level: "silent", silent() {}, child: () => silent } as never;
	let server: ClickHouseServer;
	let service: Service | undefined;
	let apiUrl: string;
	let options: ServiceOptions;

	beforeAll(async () => {
		server = await ClickHouseServer.start(join(root, "clickhouse"));
		await initRepository(join(root, "repository"));
		options = {
			store: { kind: "server", url: server.url },
			...{ repository: join(root, "repository"), environmentName: "production" },
			routingDirectory: join(root, "data", "routing"),
			...{ host: "127.0.0.1", otlpPort: 0, apiPort: 0, checkEveryMs: 100, logger: silent },
		};
		service = await startService(options);
		({ apiUrl } = service);
	}, 120_000);
	afterAll(async () => {
		server.stop("SIGCONT");
		await service?.close();
		server.stop();
		rmSync(root, { recursive: true, force: true });
	}, 60_000);

	const get = (path: string) => fetch(new URL(path, apiUrl), { signal: AbortSignal.timeout(30_000) });
	const health = async () => (await (await get("/healthz")).json()) as Health;
	const until = async (isSo: (health: Health) => boolean) => {
		for (;;) {
			const current = await health();
			if (isSo(current)) return current;
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	};

	test("has its data folder for itself", async () => {
		await expect(startService(options)).rejects.toMatchObject({ code: "ROUTING_LOCKED" });
	}, 60_000);

	test("answers 503 while it hangs, counts it against the watch, and goes on when it is back", async () => {
		await until(({ guardrails }) => guardrails.lastCheckAt !== null);
		server.stop("SIGSTOP");
		const question = {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: '{"statement":"SELECT 1"}',
		};
		const answers = await Promise.all([
			...["/api/v1/experiments/support-tone/results", "/api/v1/decisions", "/api/v1/metrics"].map(get),
			fetch(new URL("/api/v1/sql", apiUrl), { ...question, signal: AbortSignal.timeout(30_000) }),
		]);
		expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
		for (const answer of answers) expect(await answer.json()).toMatchObject({ code: "STORE_UNAVAILABLE" });
		const away = await until(({ guardrails }) => guardrails.consecutiveFailures > 0);
		expect(away).toMatchObject({ status: "degraded", store: "unreachable" });
		expect(await (await get("/metrics")).text()).toMatch(/^armspan_store_reachable 0$/m);

		server.stop("SIGCONT");
		await until(({ store, guardrails }) => store === "ok" && guardrails.consecutiveFailures === 0);
		expect((await get("/api/v1/decisions")).status).toBe(200);
		const metrics = await (await get("/metrics")).text();
		expect(metrics).toMatch(/^# TYPE armspan_halts_ignored gauge\narmspan_halts_ignored 0$/m);
		expect(metrics).toMatch(/^armspan_store_reachable 1$/m);
	}, 120_000);
});

interface Health {
	store: string;
	guardrails: { lastCheckAt: string | null; consecutiveFailures: number };
}
