import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Health } from "./health.ts";
import { HealthMetrics } from "./prometheus.ts";

const HEALTH: Health = {
	...{ status: "degraded", version: "0.1.0", store: "ok" },
	routing: { revision: 7, sourceCommit: "c", problem: "a broken commit" },
	guardrails: {
		...{ lastCheckAt: "2026-11-20T12:00:00.000Z", consecutiveFailures: 0 },
		...{ unmeasured: ["tone", "length"], uncommittedHalts: 1, ignoredHalts: ["tone.friendly"] },
	},
	looks: { lastLookAt: null, consecutiveFailures: 3, failures: 9, roundMs: null, lagging: null },
	evidence: { environment: "production", newestAt: null, warnings: [] },
	ingest: { pendingSpans: 2, pendingEvents: 3, consecutiveFailures: 0 },
};

test("what /healthz says stands in Prometheus' format; what is not known is left out", async () => {
	const text = await new HealthMetrics(async () => HEALTH).text();
	const values = Object.fromEntries(
		text
			.split("\n")
			.filter((line) => line !== "" && !line.startsWith("#"))
			.map((line) => line.split(" ")),
	);
	expect(values).toEqual({
		armspan_degraded: "1",
		armspan_store_reachable: "1",
		armspan_routing_revision: "7",
		armspan_routing_problem: "1",
		armspan_guardrails_last_check_timestamp_seconds: "1795176000",
		armspan_guardrails_consecutive_failures: "0",
		armspan_guardrails_unmeasured: "2",
		armspan_halts_uncommitted: "1",
		armspan_halts_ignored: "1",
		armspan_looks_consecutive_failures: "3",
		armspan_evidence_warnings: "0",
		armspan_ingest_pending_rows: "5",
		armspan_ingest_consecutive_failures: "0",
	});
	expect(text).toContain("# HELP armspan_halts_ignored Halted variants that an application still calls\n");
});

test("every name in the rules is one of these", async () => {
	const { evidence } = HEALTH;
	const known = { ...HEALTH, evidence: { ...evidence, newestAt: "2026-11-20T12:00:00.000Z" } };
	const text = await new HealthMetrics(async () => known).text();
	const rules = readFileSync(new URL("../../../../dashboards/prometheus/service.rules.yaml", import.meta.url), "utf8");
	const names = [...new Set(rules.match(/armspan_\w+/g))];
	expect(names.length).toBeGreaterThan(3);
	for (const name of names) expect(text).toMatch(new RegExp(`^${name} `, "m"));
});

test("a health that cannot be had is an error, not an empty page", async () => {
	const metrics = new HealthMetrics(() => Promise.reject(new Error("starting")));
	await expect(metrics.text()).rejects.toThrow();
});
