/** What an alert is about, in words; its name is its section in `docs/operations/runbook.md`. */
export interface Alert {
	readonly name: string;
	readonly severity: "critical" | "warning";
	/** One sentence for whoever is woken by it. */
	readonly summary: string;
	/** Where it is evaluated: Grafana over ClickHouse, or Prometheus for those who scrape Collector and service. */
	readonly source: "clickhouse" | "prometheus";
}

export const ALERTS = [
	{
		name: "guardrail-halt",
		severity: "critical",
		summary: "A guardrail was breached and the experiment was halted: everybody is back on control.",
		source: "clickhouse",
	},
	{
		name: "guardrail-breached",
		severity: "critical",
		summary: "A guardrail that only notifies is breached: the treatment is still routed.",
		source: "clickhouse",
	},
	{
		name: "guardrail-unmeasured",
		severity: "warning",
		summary: "A guardrail of a running experiment has no data, so nothing would stop a bad treatment.",
		source: "clickhouse",
	},
	{
		name: "sample-ratio-mismatch",
		severity: "critical",
		summary: "Units do not follow the weights of the arms: the comparison is invalid.",
		source: "clickhouse",
	},
	{
		name: "units-in-two-arms",
		severity: "warning",
		summary: "More than 1 % of the units were seen in two arms; they are left out of every statistic.",
		source: "clickhouse",
	},
	{
		name: "no-calls",
		severity: "critical",
		summary: "A running experiment gets no calls any more.",
		source: "clickhouse",
	},
	{
		name: "ingest-lag",
		severity: "critical",
		summary: "The newest span in ClickHouse is minutes old although traffic was steady.",
		source: "clickhouse",
	},
	{
		name: "evidence-quarantined",
		severity: "warning",
		summary: "More than 1 % of the latest calls carry a value or a time that cannot be.",
		source: "clickhouse",
	},
	{
		name: "looks-missing",
		severity: "critical",
		summary: "A running experiment is no longer looked at: the service is down, or its analysis fails.",
		source: "clickhouse",
	},
	{
		name: "collector-queue",
		severity: "critical",
		summary: "The Collector's queue to ClickHouse is stuck, or growing; when it is full, applications wait.",
		source: "prometheus",
	},
	{
		name: "service-down",
		severity: "critical",
		summary: "The service does not answer, or no longer looks at guardrails: nobody would be halted.",
		source: "prometheus",
	},
	{
		name: "service-degraded",
		severity: "critical",
		summary: "The service is up, and something that it needs is not: its store, its repository, or evidence.",
		source: "prometheus",
	},
	{
		name: "halt-not-followed",
		severity: "critical",
		summary: "A halt is ignored by an application, or is not in git.",
		source: "prometheus",
	},
] as const satisfies readonly Alert[];
