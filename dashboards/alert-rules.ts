import { ALERTS, type Alert } from "./alerts.ts";
import { CLICKHOUSE, ClickHouseQuery } from "./clickhouse-query.ts";

type AlertName = (typeof ALERTS)[number]["name"];

/** When an alert fires: a value above the threshold, for so long. */
interface Rule {
	/** One numeric column, which is compared; text columns name the instance. `$` would be an environment variable here. */
	readonly sql: string;
	readonly above: number;
	/** How long it has to last. */
	readonly for: string;
	/** With the columns as `{{ .Labels.name }}`. */
	readonly description: string;
	/** What is said when ClickHouse does not answer: once is enough, by the alert that is about it. */
	readonly whenUnanswered?: "Alerting" | "KeepLast";
}

/** The newest look at each experiment, if it is one of the last half hour and the iteration goes on. */
const RUNNING = `
	SELECT *
	FROM snapshots FINAL
	WHERE (experiment, environment, look_at) GLOBAL IN
		(
			SELECT experiment, environment, max(look_at)
			FROM snapshots
			WHERE look_at > now() - INTERVAL 1 DAY
			GROUP BY experiment, environment
		)
		AND look_at > now() - INTERVAL 30 MINUTE AND kind = 'look'`;

const INSTANCE = "CAST(experiment, 'String') AS experiment, CAST(environment, 'String') AS environment";

const RULES: Readonly<Record<Exclude<AlertName, "collector-queue">, Rule>> = {
	"guardrail-halt": {
		sql: `
		SELECT ${INSTANCE}, JSONExtractString(decision, 'metric') AS metric, JSONExtractString(decision, 'statistic', 'variant') AS variant, toFloat64(uniqExact(id)) AS halts
		FROM decisions
		WHERE kind = 'halt' AND decided_at > now() - INTERVAL 1 HOUR
		GROUP BY experiment, environment, metric, variant`,
		above: 0,
		for: "0s",
		description:
			"{{ .Labels.metric }} of {{ .Labels.variant }} breached its guardrail; {{ .Labels.experiment }} ({{ .Labels.environment }}) is halted. Fires for an hour.",
	},
	"guardrail-breached": {
		sql: `
		SELECT experiment, environment, metric, variant, max(breached) AS breached
		FROM
		(
			SELECT ${INSTANCE}, CAST(metric, 'String') AS metric, CAST(variant, 'String') AS variant, 1. AS breached
			FROM (${RUNNING})
			WHERE guardrail_status = 'breached' AND guardrail_on_breach = 'notify'
			UNION ALL
			SELECT ${INSTANCE}, JSONExtractString(decision, 'metric') AS metric, JSONExtractString(decision, 'statistic', 'variant') AS variant, 1. AS breached
			FROM decisions
			WHERE kind = 'notify' AND decided_at > now() - INTERVAL 1 HOUR
		)
		GROUP BY experiment, environment, metric, variant`,
		above: 0,
		for: "0s",
		description:
			"{{ .Labels.metric }} of {{ .Labels.variant }} in {{ .Labels.experiment }} ({{ .Labels.environment }}) is worse than its margin tolerates; the guardrail only notifies.",
	},
	"guardrail-unmeasured": {
		sql: `
		SELECT ${INSTANCE}, CAST(metric, 'String') AS metric, CAST(variant, 'String') AS variant, 1. AS unmeasured
		FROM (${RUNNING})
		WHERE guardrail_status = 'unmeasured'`,
		above: 0,
		for: "15m",
		description:
			"Nothing is known of {{ .Labels.metric }} of {{ .Labels.variant }} in {{ .Labels.experiment }} ({{ .Labels.environment }}).",
	},
	"sample-ratio-mismatch": {
		sql: `
		SELECT ${INSTANCE}, toFloat64(max(sample_ratio_mismatch)) AS mismatch
		FROM (${RUNNING})
		GROUP BY experiment, environment`,
		above: 0,
		for: "0s",
		description: "Units of {{ .Labels.experiment }} ({{ .Labels.environment }}) do not follow the weights of its arms.",
	},
	"units-in-two-arms": {
		sql: `
		SELECT experiment, environment, excluded / (excluded + units) AS share
		FROM
		(
			SELECT experiment, environment, any(excluded_units) AS excluded, sum(arm_units) AS units
			FROM (SELECT DISTINCT ${INSTANCE}, variant, arm_units, excluded_units FROM (${RUNNING}))
			GROUP BY experiment, environment
		)
		WHERE excluded + units >= 100`,
		above: 0.01,
		for: "5m",
		description:
			"More than 1 % of the units of {{ .Labels.experiment }} ({{ .Labels.environment }}) were seen in two arms.",
	},
	"no-calls": {
		sql: `
		SELECT experiment, environment, toFloat64(dateDiff('minute', max(last_sign), now())) AS silent_minutes
		FROM
		(
			SELECT ${INSTANCE}, newest_call_at AS last_sign
			FROM (${RUNNING})
			UNION ALL
			SELECT ${INSTANCE}, min(look_at) AS last_sign
			FROM snapshots
			WHERE (experiment, environment, iteration) GLOBAL IN (SELECT experiment, environment, iteration FROM (${RUNNING}))
			GROUP BY experiment, environment
		)
		GROUP BY experiment, environment`,
		above: 30,
		for: "5m",
		description: "{{ .Labels.experiment }} ({{ .Labels.environment }}) has had no counted call for half an hour.",
	},
	"ingest-lag": {
		sql: `
		WITH (SELECT max(Timestamp) FROM otel_traces WHERE Timestamp > now() - INTERVAL 6 HOUR AND Timestamp <= now() + INTERVAL 1 MINUTE) AS newest
		SELECT max(seconds) AS lag_seconds
		FROM
		(
			SELECT toFloat64(dateDiff('second', newest, now())) AS seconds
			FROM otel_traces
			WHERE Timestamp > now() - INTERVAL 7 HOUR AND Timestamp > newest - INTERVAL 1 HOUR AND Timestamp <= newest
			HAVING uniqExact(toStartOfMinute(Timestamp)) >= 50
			UNION ALL
			SELECT toFloat64(quantile(0.5)(dateDiff('second', started_at + toIntervalMicrosecond(ifNull(latency_us, 0)), arrived_at))) AS seconds
			FROM llm_calls
			WHERE arrived_at > now() - INTERVAL 5 MINUTE AND started_at IS NOT NULL
			HAVING count() >= 20
		)
		HAVING count() > 0`,
		above: 120,
		for: "2m",
		description:
			"The newest span is more than two minutes old, after an hour in which spans came nearly every minute; or half of the calls that came in the last five minutes had ended two minutes before. Also fires when ClickHouse does not answer Grafana.",
		whenUnanswered: "Alerting",
	},
	"evidence-quarantined": {
		sql: `
		SELECT if(environment = '', 'none', environment) AS environment, avg(quarantined) AS share
		FROM (SELECT CAST(environment, 'String') AS environment, quarantined FROM llm_calls FINAL WHERE arrived_at > now() - INTERVAL 1 HOUR)
		GROUP BY environment
		HAVING count() >= 100`,
		above: 0.01,
		for: "5m",
		description:
			"More than 1 % of the last hour's calls of environment {{ .Labels.environment }} have a value that cannot be.",
	},
	"looks-missing": {
		sql: `
		SELECT ${INSTANCE}, toFloat64(dateDiff('minute', max(look_at), now())) AS minutes
		FROM snapshots
		WHERE look_at > now() - INTERVAL 1 DAY
		GROUP BY experiment, environment
		HAVING argMax(kind, look_at) = 'look'`,
		above: 30,
		for: "0s",
		description:
			"The last look at {{ .Labels.experiment }} ({{ .Labels.environment }}) is more than half an hour old, and it was not the last one of its iteration.",
	},
};

/** Alert rules as Grafana provisions them from a file. */
export function grafanaAlerting() {
	return {
		apiVersion: 1,
		groups: [
			{
				orgId: 1,
				name: "armspan",
				folder: "Armspan",
				interval: "1m",
				rules: ALERTS.flatMap((alert: Alert) => {
					const rule = RULES[alert.name as keyof typeof RULES];
					return rule === undefined ? [] : [grafanaRule(alert, rule)];
				}),
			},
		],
	};
}

function grafanaRule(alert: Alert, rule: Rule) {
	const { _implementsDataqueryVariant, ...model } = new ClickHouseQuery(rule.sql, "table", {
		type: CLICKHOUSE,
		uid: "armspan-clickhouse",
	}).build();
	const expressions = { type: "__expr__", uid: "__expr__" };
	return {
		uid: `armspan-${alert.name}`,
		title: alert.name,
		condition: "B",
		for: rule.for,
		// No row means that there is nothing to say.
		noDataState: "OK",
		execErrState: rule.whenUnanswered ?? "KeepLast",
		data: [
			{ refId: "A", relativeTimeRange: { from: 600, to: 0 }, datasourceUid: "armspan-clickhouse", model },
			{
				refId: "B",
				relativeTimeRange: { from: 600, to: 0 },
				datasourceUid: "__expr__",
				model: {
					refId: "B",
					datasource: expressions,
					type: "threshold",
					expression: "A",
					conditions: [{ evaluator: { type: "gt", params: [rule.above] } }],
				},
			},
		],
		annotations: annotationsOf(alert, rule.description),
		labels: { severity: alert.severity, product: "armspan" },
	};
}

/** The one that only the Collector knows: rules of Prometheus. */
export function prometheusRules() {
	return {
		groups: [
			{
				name: "armspan",
				rules: ALERTS.filter(({ source }) => source === "prometheus").map((alert) => ({
					alert: alert.name,
					expr: "max by (instance, exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity) > 0.05",
					for: "5m",
					labels: { severity: alert.severity, product: "armspan" },
					annotations: annotationsOf(
						alert,
						"The queue of {{ $labels.exporter }} on {{ $labels.instance }} has been more than a twentieth full for five minutes: ClickHouse takes less than what comes.",
					),
				})),
			},
		],
	};
}

function annotationsOf({ name, summary }: Alert, description: string) {
	return { summary, description, runbook_url: `docs/operations/runbook.md#${name}` };
}
