import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { ClickHouseServer } from "../conformance/clickhouse-server.ts";
import { Collector } from "./collector.ts";
import { callSpan, send, tracesRequest } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

describe.skipIf(pipelineUnavailable("the Collector's configuration"))("configuration of the Collectors", () => {
	const root = mkdtempSync(join(tmpdir(), "armspan-pipeline-configuration-"));
	const stops: (() => Promise<unknown>)[] = [];
	afterAll(async () => {
		for (const stop of stops.splice(0).reverse()) await stop();
		rmSync(root, { recursive: true, force: true });
	});

	test("without what it needs it is none", () => {
		const valid = (files: string[], env = {}) => Collector.validate(files, env);
		expect(() => valid(["gateway.yaml", "processors.yaml"])).not.toThrow();
		expect(() => valid(["gateway.yaml"])).toThrow('references processor "memory_limiter"');
		expect(() => valid(["agent.yaml", "processors.yaml"])).toThrow('requires a non-empty "endpoint"');
		expect(() => valid(["agent.yaml", "processors.yaml"], { ARMSPAN_GATEWAY: "gateway:4317" })).not.toThrow();
	});

	test.each(["30d", "720", "-720h", "0h", "a month"])("ARMSPAN_OLDEST=%s does not start", (ARMSPAN_OLDEST) => {
		expect(() => Collector.validate(["gateway.yaml", "processors.yaml"], { ARMSPAN_OLDEST })).toThrow(
			"oldest_is_a_duration",
		);
	});

	test("a batch of two hundred days goes in, where they are not too old", async () => {
		const server = await ClickHouseServer.start(join(root, "days"));
		stops.push(async () => server.stop());
		const gateway = await Collector.start({
			kind: "gateway",
			folder: join(root, "gateway-days"),
			env: { CLICKHOUSE_ENDPOINT: server.nativeUrl, ARMSPAN_OLDEST: "7200h" },
			args: ["--set=exporters.clickhouse.create_schema=true"],
		});
		stops.push(() => gateway.stop("SIGKILL"));
		const day = (number: number) => String(BigInt(Date.now() - number * 86_400_000) * 1_000_000n);
		const spans = Array.from({ length: 200 }, (_, number) =>
			callSpan(number + 1, { startTimeUnixNano: day(number), endTimeUnixNano: day(number) }),
		);
		await send(gateway.otlpUrl, "traces", tracesRequest(spans));
		await Pipeline.until(async () => (await gateway.sent()) === 200);
		expect(await server.run("SELECT uniqExact(toDate(Timestamp)) FROM otel_traces")).toBe("200\n");
	}, 60_000);

	test("with the TLS files agent and gateway know each other by certificates, and take nobody else", async () => {
		const tls = fileURLToPath(new URL("./fixtures/tls", import.meta.url));
		const server = await ClickHouseServer.start(join(root, "clickhouse"));
		stops.push(async () => server.stop());
		const file = (name: string) => `--config=${new URL(`../../collector-config/${name}`, import.meta.url).pathname}`;
		const certificate = (name: string) => ({
			ARMSPAN_TLS_CA: join(tls, "ca.crt"),
			ARMSPAN_TLS_CERTIFICATE: join(tls, `${name}.crt`),
			ARMSPAN_TLS_KEY: join(tls, `${name}.key`),
		});
		const gateway = await Collector.start({
			kind: "gateway",
			folder: join(root, "gateway"),
			env: { CLICKHOUSE_ENDPOINT: server.nativeUrl, ...certificate("gateway") },
			args: [file("gateway-tls.yaml"), "--set=exporters.clickhouse.create_schema=true"],
		});
		stops.push(() => gateway.stop("SIGKILL"));
		const agent = (name: string, env: Record<string, string>, args: string[] = []) =>
			Collector.start({
				kind: "agent",
				folder: join(root, name),
				env: { ARMSPAN_GATEWAY: gateway.grpcAddress, ...env },
				args,
			}).then((started) => {
				stops.push(() => started.stop("SIGKILL"));
				return started;
			});
		const known = await agent("known", certificate("agent"), [file("agent-tls.yaml")]);
		const stranger = await agent("stranger", { ARMSPAN_GATEWAY_INSECURE: "true" });
		await send(stranger.otlpUrl, "traces", tracesRequest([callSpan(1)]));
		await send(known.otlpUrl, "traces", tracesRequest([callSpan(2)]));
		const stored = () => server.run("SELECT SpanAttributes['gen_ai.response.id'] FROM otel_traces");
		await Pipeline.until(async () => (await stored()) !== "");
		expect(await stored()).toBe("response-2\n");
		// The stranger has been turned away, and keeps what it has.
		const log = join(root, "stranger", "agent.log");
		await Pipeline.until(() => readFileSync(log, "utf8").includes("Exporting failed"));
		expect(await stranger.metric("otelcol_exporter_queue_size")).toBeGreaterThan(0);
		await expect(send(gateway.otlpUrl, "traces", tracesRequest([callSpan(3)]))).rejects.toThrow();
	}, 60_000);
});
