import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { freePort } from "../conformance/clickhouse-server.ts";
import { Collector, collectorUnavailable } from "../pipeline/collector.ts";
import { callSpan, send, tracesRequest } from "../pipeline/otlp.ts";

const unavailable = collectorUnavailable();
if (unavailable !== undefined) {
	if (process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1") throw new Error(unavailable);
	process.stderr.write(`\nSKIPPED: the Collector's metrics that collector.rules.yaml names: ${unavailable}\n`);
}

describe.skipIf(unavailable !== undefined)("prometheus/collector.rules.yaml", () => {
	const folder = mkdtempSync(join(tmpdir(), "armspan-collector-queue-"));
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	test("the gateway has the metrics that it names, and they say that ClickHouse is away", {
		timeout: 60_000,
	}, async () => {
		const file = new URL("../../dashboards/prometheus/collector.rules.yaml", import.meta.url);
		const [{ rules }] = parse(readFileSync(file, "utf8")).groups;
		const names = [...new Set<string>(rules[0].expr.match(/otelcol_\w+/g))];
		expect(names).toEqual([
			"otelcol_exporter_queue_size",
			// Those that Collector.sent() of test/pipeline waits for: ClickHouse has them.
			"otelcol_exporter_sent_spans",
			"otelcol_exporter_sent_log_records",
			"otelcol_exporter_queue_capacity",
		]);

		const env = { CLICKHOUSE_ENDPOINT: `tcp://127.0.0.1:${await freePort()}`, ARMSPAN_QUEUE_BYTES: "10000000" };
		const gateway = await Collector.start({ kind: "gateway", folder, env });
		try {
			await send(gateway.otlpUrl, "traces", tracesRequest([callSpan(1), callSpan(2)]));
			const [size = "", spans = "", , capacity = ""] = names;
			// A few calls, of which nothing leaves: far from a twentieth of any queue, and enough for the rule.
			expect(rules[0].expr).toContain(`${size}{data_type="traces"}[5m]`);
			await expect.poll(() => gateway.metric(size), { timeout: 20_000 }).toBeGreaterThan(0);
			expect(await gateway.metric(`${size}{data_type="traces",exporter="clickhouse"}`)).toBeGreaterThan(0);
			expect(await gateway.metric(`${size}{data_type="logs",exporter="clickhouse"}`)).toBe(0);
			expect(await gateway.metric(spans)).toBe(0);
			// One for traces, one for logs.
			expect([10_000_000, 20_000_000]).toContain(await gateway.metric(capacity));
		} finally {
			await gateway.stop("SIGKILL");
		}
	});
});
