import type { Attributes, BatchObservableResult } from "@opentelemetry/api";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Health } from "./health.ts";

interface Measure {
	readonly name: string;
	readonly description: string;
	/** `undefined`: there is none yet. */
	readonly value: (health: Health) => number | undefined;
}

const secondsOf = (time: string | null) => (time === null ? undefined : Date.parse(time) / 1000);

const MEASURES: readonly Measure[] = [
	{
		name: "armspan_degraded",
		description: "1 when /healthz says degraded",
		value: ({ status }) => Number(status !== "ok"),
	},
	{
		name: "armspan_store_reachable",
		description: "0 when ClickHouse does not answer",
		value: ({ store }) => Number(store === "ok"),
	},
	{
		name: "armspan_routing_revision",
		description: "Revision of the routing bundle that is served",
		value: ({ routing }) => routing.revision,
	},
	{
		name: "armspan_routing_problem",
		description: "1 when the newest commit is not deployed",
		value: ({ routing }) => Number(routing.problem !== null),
	},
	{
		name: "armspan_guardrails_last_check_timestamp_seconds",
		description: "When guardrails were last looked at",
		value: ({ guardrails }) => secondsOf(guardrails.lastCheckAt),
	},
	{
		name: "armspan_guardrails_consecutive_failures",
		description: "Looks at guardrails that failed in a row",
		value: ({ guardrails }) => guardrails.consecutiveFailures,
	},
	{
		name: "armspan_guardrails_unmeasured",
		description: "Running experiments with a guardrail that is not measured",
		value: ({ guardrails }) => guardrails.unmeasured.length,
	},
	{
		name: "armspan_halts_uncommitted",
		description: "Halts in force that are not committed to git",
		value: ({ guardrails }) => guardrails.uncommittedHalts,
	},
	{
		name: "armspan_halts_ignored",
		description: "Halted variants that an application still calls",
		value: ({ guardrails }) => guardrails.ignoredHalts.length,
	},
	{
		name: "armspan_looks_consecutive_failures",
		description: "Looks at comparisons that failed in a row, among them their writing to ClickHouse",
		value: ({ looks }) => looks.consecutiveFailures,
	},
	{
		name: "armspan_evidence_newest_timestamp_seconds",
		description: "When the newest call arrived in ClickHouse",
		value: ({ evidence }) => secondsOf(evidence.newestAt),
	},
	{
		name: "armspan_evidence_warnings",
		description: "Warnings about the evidence in /healthz",
		value: ({ evidence }) => evidence.warnings.length,
	},
	{
		name: "armspan_ingest_pending_rows",
		description: "Spans and events that wait to be written, or are being written",
		value: ({ ingest }) => ingest.pendingSpans + ingest.pendingEvents,
	},
	{
		name: "armspan_ingest_consecutive_failures",
		description: "Inserts of the service's own receiver that failed in a row",
		value: ({ ingest }) => ingest.consecutiveFailures,
	},
];

const NO_ATTRIBUTES: Attributes = {};

/** What `/healthz` says, as gauges in Prometheus' text format. */
export class HealthMetrics {
	readonly #exporter = new PrometheusExporter({ preventServerStart: true });
	readonly #serializer = new PrometheusSerializer("", false, undefined, true, true);

	constructor(health: () => Promise<Health>) {
		const meter = new MeterProvider({ readers: [this.#exporter] }).getMeter("@armspan/service");
		const gauges = MEASURES.map(({ name, description, value }) => ({
			gauge: meter.createObservableGauge(name, { description }),
			value,
		}));
		const observe = async (result: BatchObservableResult) => {
			const current = await health();
			for (const { gauge, value } of gauges) {
				const observed = value(current);
				if (observed !== undefined) result.observe(gauge, observed, NO_ATTRIBUTES);
			}
		};
		meter.addBatchObservableCallback(
			observe,
			gauges.map(({ gauge }) => gauge),
		);
	}

	async text(): Promise<string> {
		const { resourceMetrics, errors } = await this.#exporter.collect();
		if (errors.length > 0) throw errors[0];
		return this.#serializer.serialize(resourceMetrics);
	}
}
