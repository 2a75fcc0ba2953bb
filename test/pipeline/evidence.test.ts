import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@armspan/store";
import { afterEach, describe, expect, test } from "vitest";
import { ClickHouseServer } from "../conformance/clickhouse-server.ts";
import {
	deliver,
	observeEvidence,
	randomDeliveries,
	randomNumbers,
	repeatedAndShuffled,
} from "../conformance/deliveries.ts";
import { Collector } from "./collector.ts";
import { callSpan, send, sendDeliveries, tracesRequest } from "./otlp.ts";
import { Pipeline } from "./pipeline.ts";
import { pipelineUnavailable } from "./pipeline-unavailable.ts";

const CLUSTER = { name: "shards", replicated: false };
const seed = Math.floor(Math.random() * 2 ** 31);

describe.skipIf(pipelineUnavailable("evidence through the Collector"))("through agent and gateway", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-pipeline-"));
	const stops: (() => Promise<unknown> | unknown)[] = [];
	let run = 0;

	afterEach(async () => {
		for (const stop of stops.splice(0).reverse()) await stop();
		rmSync(folder, { recursive: true, force: true });
	});

	async function start(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<Pipeline> {
		run++;
		const pipeline = await Pipeline.start(join(folder, String(run)), env, args);
		stops.push(() => pipeline.stop());
		return pipeline;
	}

	async function open(url: string, more: { database?: string; cluster?: typeof CLUSTER } = {}): Promise<Store> {
		const store = await openStore({ kind: "server", url, ...more });
		stops.push(() => store.close());
		return store;
	}

	test(`the same evidence as through the service's own receiver, to the bit (seed ${seed})`, async () => {
		const { server, agent, gateway } = await start();
		const now = new Date();
		const random = randomNumbers(seed);
		const deliveries = randomDeliveries(random, { units: 40, now });
		const store = await open(server.url);
		await store.migrate();
		await server.run("CREATE DATABASE direct");
		const direct = await open(server.url, { database: "direct" });
		await direct.migrate();
		await deliver([direct], deliveries, random, deliveries.length);

		const repeated = repeatedAndShuffled(random, deliveries);
		await sendDeliveries(agent.otlpUrl, repeated, 50);
		await Pipeline.until(async () => (await gateway.sent()) === repeated.length);
		expect(await observeEvidence(store, now)).toEqual(await observeEvidence(direct, now));
	}, 120_000);

	test(`two servers as two shards say what one says, to the bit (seed ${seed})`, async () => {
		const servers = await ClickHouseServer.startShards(join(folder, "shards"), 2);
		stops.push(() => {
			for (const server of servers) server.stop();
		});
		const now = new Date();
		const random = randomNumbers(seed);
		const deliveries = randomDeliveries(random, { units: 25, now });
		const nodes: Store[] = [];
		for (const server of servers) {
			await server.run("CREATE DATABASE sharded");
			const node = await open(server.url, { database: "sharded", cluster: CLUSTER });
			await node.migrate();
			nodes.push(node);
		}
		const [first, second] = nodes as [Store, Store];
		await servers[0]!.run("CREATE DATABASE single");
		const single = await open(servers[0]!.url, { database: "single" });
		await single.migrate();
		await deliver([single], deliveries, random, deliveries.length);

		// Each gateway writes to a node of its own, as behind a load balancer.
		const gateways: Collector[] = [];
		for (const server of servers) {
			const gateway = await Collector.start({
				kind: "gateway",
				folder: join(folder, `gateway-${gateways.length}`),
				env: { CLICKHOUSE_ENDPOINT: server.nativeUrl, CLICKHOUSE_DATABASE: "sharded" },
			});
			stops.push(() => gateway.stop("SIGKILL"));
			gateways.push(gateway);
		}
		const repeated = repeatedAndShuffled(random, deliveries);
		const half = Math.floor(repeated.length / 2);
		await sendDeliveries(gateways[0]!.otlpUrl, repeated.slice(0, half), 20);
		await sendDeliveries(gateways[1]!.otlpUrl, repeated.slice(half), 20);
		await Pipeline.until(async () => (await gateways[0]!.sent()) === half);
		await Pipeline.until(async () => (await gateways[1]!.sent()) === repeated.length - half);
		const expected = await observeEvidence(single, now);
		expect(await observeEvidence(first, now)).toEqual(expected);
		expect(await observeEvidence(second, now)).toEqual(expected);
	}, 180_000);

	test("whoever makes the tables first, the exporter or the service, the evidence is the same", async () => {
		const exporterFirst = await start({}, ["--set=exporters.clickhouse.create_schema=true"]);
		await send(exporterFirst.agent.otlpUrl, "traces", tracesRequest([callSpan(1)]));
		await Pipeline.until(async () => (await exporterFirst.server.run("SELECT count() FROM otel_traces")) === "1\n");
		const adopted = await open(exporterFirst.server.url);
		await adopted.migrate();
		await send(exporterFirst.agent.otlpUrl, "traces", tracesRequest([callSpan(2)]));
		await Pipeline.until(async () => (await adopted.callIds({})).length === 2);

		// Nobody has made tables: what comes waits, and is stored once the service has migrated.
		const nobody = await start();
		await send(nobody.agent.otlpUrl, "traces", tracesRequest([callSpan(1), callSpan(2)]));
		await Pipeline.until(async () => (await nobody.gateway.metric("otelcol_receiver_accepted_spans")) === 2);
		const migrated = await open(nobody.server.url);
		await migrated.migrate();
		await Pipeline.until(async () => (await migrated.callIds({})).length === 2);
	}, 120_000);
});
